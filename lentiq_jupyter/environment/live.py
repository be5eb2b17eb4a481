"""What a running kernel says of itself, asked so that its user notices nothing.

An idle kernel is asked on its shell channel by a silent expression, which counts no execution and
leaves no variable. A busy one would answer that only after its cell, so it is asked on the control
channel by a debugger's request, which Jupyter does not count as activity: the status shown stays
busy. No debugger is started for it.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import queue
import shutil
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Optional

from ..model import LiveKernel

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import KernelManager

# An idle kernel answers within 20 ms; one that does not has been given a cell in the meantime.
_IDLE_S = 0.15
_EXPRESSION = (
    "__import__('json').dumps([__import__('sys').executable, "
    "sorted(name for name in list(__import__('sys').modules) if isinstance(name, str))])"
)
Message = dict[str, Any]  # the wire's own form


async def ask_kernel(manager: KernelManager, timeout_s: float = 0.8) -> Optional[LiveKernel]:
    """The interpreter and the modules of a running Python kernel; None if it does not say.

    Nothing of the user's changes: neither execution count, history and variables, nor the status that
    the server and its pages show. Of a busy kernel only modules that come from source files are known,
    and its interpreter is "" where the operating system does not tell.

    Parameters
    ----------
    manager : KernelManager
        As a Jupyter server has it, with `execution_state`; without one the kernel counts as busy.
    timeout_s : float
        Seconds to wait for all answers together.
    """
    # Where notebooks are read without a kernel, what talks to kernels need not be loaded.
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.session import Session

    spec = manager.kernel_spec
    where = manager.get_connection_info()
    # A gateway's kernel has no ports here.
    if spec is None or (spec.language or "python").lower() != "python" or not where["shell_port"]:
        return None
    idle = getattr(manager, "execution_state", None) == "idle"
    # A session of its own: with the manager's, the kernel would take this client for any other that has it,
    # and send that one's answers here from then on.
    client = AsyncKernelClient(session=Session(key=where["key"], signature_scheme=where["signature_scheme"]))
    client.load_connection_info(where)
    client.start_channels(shell=idle, iopub=False, stdin=False, hb=False, control=True)
    try:
        end = asyncio.get_running_loop().time() + timeout_s
        if idle:
            sent = client.execute(
                "",
                silent=True,
                store_history=False,
                user_expressions={"live": _EXPRESSION},
                allow_stdin=False,
                stop_on_error=False,
            )
            answer = await _reply(client.get_shell_msg, sent, min(_IDLE_S, timeout_s))
            if answer is not None:
                return _told(answer)
        modules = await _loaded(client, end - asyncio.get_running_loop().time())
    finally:
        client.stop_channels()
    if modules is None:
        return None
    return LiveKernel(python=await asyncio.to_thread(_interpreter, manager), modules=modules, busy=True)


async def _loaded(client: AsyncKernelClient, timeout_s: float) -> Optional[tuple[str, ...]]:
    """Modules by the debugger's request; None where the kernel has no debugger or does not answer."""
    request = {"type": "request", "seq": 1, "command": "modules", "arguments": {}}
    message = client.session.msg("debug_request", request)
    client.control_channel.send(message)
    answer = await _reply(client.get_control_msg, message["header"]["msg_id"], timeout_s)
    body = (answer or {}).get("body")
    found = body.get("modules") if isinstance(body, dict) else None
    if not isinstance(found, list):
        return None
    names = {one.get("name") for one in found if isinstance(one, dict)}
    return tuple(sorted(name for name in names if isinstance(name, str)))


async def _reply(get: Callable[..., Awaitable[Message]], message_id: str, timeout_s: float) -> Optional[Message]:
    """The content of the answer to one message; None after `timeout_s`. Others' answers are passed over."""
    end = asyncio.get_running_loop().time() + timeout_s
    while True:
        left = end - asyncio.get_running_loop().time()
        if left <= 0:
            return None
        try:
            message: Message = await get(timeout=left)
        except queue.Empty:
            return None
        if message["parent_header"].get("msg_id") == message_id:
            content: Message = message["content"]
            return content


def _told(answer: Message) -> Optional[LiveKernel]:
    """The record in the value of the silent expression; None where a kernel gives no such thing."""
    value = answer.get("user_expressions", {}).get("live", {})
    try:
        python, modules = json.loads(ast.literal_eval(value["data"]["text/plain"]))
        return LiveKernel(python=str(python or ""), modules=tuple(map(str, modules)))
    except (KeyError, TypeError, ValueError, SyntaxError):
        return None


def _interpreter(manager: KernelManager) -> str:
    """The interpreter of the process that has the kernel's connection file on its command line, "" if unknown.

    A kernelspec may start it through another program, hence the search among the children. The link
    that was started is wanted, not the file behind it: links tell environments apart.
    """
    import psutil

    pid = getattr(manager.provisioner, "pid", None)
    if not pid:
        return ""
    try:
        started = psutil.Process(pid)
        # The innermost one last.
        for process in reversed([started, *started.children(recursive=True)]):
            words = process.cmdline()
            if len(words) > 1 and any(os.path.basename(manager.connection_file) in word for word in words[1:]):
                command = words[0] if os.sep in words[0] else shutil.which(words[0], path=process.environ().get("PATH"))
                return command if command and os.path.isabs(command) and os.access(command, os.X_OK) else ""
    except (psutil.Error, OSError):
        return ""
    return ""
