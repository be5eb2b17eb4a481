"""A front end's view of one notebook and its real running kernel."""

from __future__ import annotations

import ast
import asyncio
import json
from contextlib import asynccontextmanager

import nbformat
import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.session import Session

NOTEBOOK = "work/sales.ipynb"
STATE = """__import__('json').dumps([get_ipython().execution_count, list(In), list(Out), repr(_), {
    name: repr(value) for name, value in globals().items() if not name.startswith('_') and name != 'In'}])"""


class Page:
    """A front end with a notebook open: its session, a client of its kernel, the status it is told."""

    def __init__(self, client: AsyncKernelClient, kernel_id: str, fetch) -> None:
        self.client = client
        self.kernel_id = kernel_id
        self._fetch = fetch

    async def run(self, code: str, **options) -> dict:
        return (await self.client.execute_interactive(code, timeout=60, output_hook=lambda message: None, **options))[
            "content"
        ]

    async def state(self) -> list:
        """Execution count, In, Out's keys, _ and all variables."""
        while True:
            answer = await self.run("", silent=True, store_history=False, user_expressions={"state": STATE})
            if answer["status"] == "ok":  # a kernel drops what comes right after an interrupt
                return json.loads(ast.literal_eval(answer["user_expressions"]["state"]["data"]["text/plain"]))

    async def begin(self, code: str) -> str:
        """Start a cell that does not end by itself; returns when it runs."""
        sent = self.client.execute(code)
        while True:
            message = await self.client.get_iopub_msg(timeout=30)
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == sent:
                return sent

    async def shown(self) -> str:
        return json.loads((await self._fetch("api", "kernels", self.kernel_id)).body)["execution_state"]

    async def settle(self) -> None:
        """Wait until the server has heard that the kernel is idle.

        The server listens a little later than the kernel may be up: one it has not heard yet is asked
        again, as Lab does when it connects.
        """
        while (shown := await self.shown()) != "idle":
            if shown == "starting":
                self.client.kernel_info()
            await asyncio.sleep(0.05)

    async def told_since(self) -> list[str]:
        """Statuses of shell messages that reached the page, without waiting for more."""
        found = []
        while await self.client.iopub_channel.msg_ready():
            message = await self.client.get_iopub_msg(timeout=1)
            if message["msg_type"] == "status" and message["parent_header"].get("msg_type") != "debug_request":
                found.append(message["content"]["execution_state"])
        return found

    async def interrupt(self, cell: str) -> str:
        await self._fetch("api", "kernels", self.kernel_id, "interrupt", method="POST", body="{}")
        while True:
            message = await self.client.get_shell_msg(timeout=30)
            if message["parent_header"].get("msg_id") == cell:
                return message["content"]["ename"]


@pytest.fixture
def open_page(jp_fetch, jp_serverapp, jp_root_dir):
    @asynccontextmanager
    async def opened(code: str = "pass", kernel: str = "python3"):
        (jp_root_dir / "work").mkdir()
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        nbformat.write(notebook, jp_root_dir / NOTEBOOK)
        wanted = {"path": NOTEBOOK, "name": "sales.ipynb", "type": "notebook", "kernel": {"name": kernel}}
        answer = await jp_fetch("api", "sessions", method="POST", body=json.dumps(wanted))
        kernel_id = json.loads(answer.body)["kernel"]["id"]
        where = jp_serverapp.kernel_manager.get_kernel(kernel_id).get_connection_info()
        client = AsyncKernelClient(session=Session(key=where["key"], signature_scheme=where["signature_scheme"]))
        client.load_connection_info(where)
        client.start_channels(hb=False)
        try:
            while not await client.iopub_channel.msg_ready():
                client.kernel_info()
                await asyncio.sleep(0.05)
            page = Page(client, kernel_id, jp_fetch)
            await page.settle()
            yield page
        finally:
            client.stop_channels()
            await jp_serverapp.kernel_manager.shutdown_kernel(kernel_id, now=True)

    return opened
