"""The Jupyter Server extension: routes, the kernels' way in, the scheduler's thread."""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Unicode

from ..connect import ENV_TOKEN, ENV_URL
from ..errors import LentiqError
from ..interfaces import Service
from .activity import Activity
from .call import Call
from .documents import PublishState
from .events import Announcer
from .handlers import build_handlers
from .identity import KernelIdentity
from .kernels import find_kernel
from .publishing import PublishJobs
from .routes import ROUTES
from .wiring import Backend, open_backend

THREADS = 8
RETRY_S = 30.0
STOP_S = 10.0


class LentiqExtension(ExtensionApp):  # type: ignore[misc]  # jupyter_server is untyped here
    """Serves ``/lentiq/``.

    Kernels learn of it through two variables in the server's own environment, which every way of
    starting a kernel inherits (and a terminal too, where the ``lentiq`` command then finds the same
    service); wrapping the kernel manager would miss kernels that other extensions start.
    """

    name = "lentiq"
    load_other_extensions = True

    scheduler = Bool(
        True,
        help="Run a scheduler in this server; while another one holds the lease it stands by. "
        "False where `lentiq scheduler` runs as a service of its own.",
    ).tag(config=True)
    prepare = Bool(
        True,
        help="Read the default kernel's environment when the server starts, so that the first dialog opens quickly.",
    ).tag(config=True)
    url = Unicode(
        "",
        help="Address of this service as kernels reach it. Empty: the server's own address; a server that listens on "
        "a Unix socket only has none.",
    ).tag(config=True)

    def initialize_settings(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self.kernel_identity = KernelIdentity(parent=self)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="lentiq")
        self._opening = threading.Lock()
        self._backend: Backend | None = None
        self._stop = threading.Event()
        self._scheduler_thread: threading.Thread | None = None
        self._announcer = Announcer(self.serverapp.event_logger, self.serverapp.io_loop.asyncio_loop)
        self.publishes = PublishJobs(lambda: self.backend().service, self._announcer.notify, self.log)
        self._activity = Activity(self.serverapp.web_app.settings, self._count)
        # The server's port is known only once it listens, which is before its loop runs this.
        self.serverapp.io_loop.add_callback(self._begin)

    def initialize_handlers(self) -> None:
        self.handlers.extend(build_handlers(ROUTES, self))

    def backend(self) -> Backend:
        """The service, opened at its first use, so that a fault in its settings is an answer and no failed start.

        Blocks; call it in a thread. Raises LentiqError, and tries again next time.
        """
        with self._opening:
            if self._backend is None:
                self._backend = open_backend(self.config, self._announcer.notify)
            return self._backend

    async def open_call(self, user: str) -> Call:
        """See `handlers.Host`."""
        loop = asyncio.get_running_loop()
        service: Service = (await loop.run_in_executor(self._pool, self.backend)).service
        return Call(
            service=service,
            publishes=self.publishes,
            root=Path(self.serverapp.root_dir),
            user=user,
            kernel=functools.partial(find_kernel, self.serverapp),
            pool=self._pool,
        )

    def _begin(self) -> None:
        url = self.url or ("" if self.serverapp.sock else f"{self.serverapp.connection_url}lentiq")
        if url:
            os.environ[ENV_URL] = url
            os.environ[ENV_TOKEN] = self.token
        self._activity.start()
        if self.prepare:
            self._pool.submit(self._prepare)
        if self.scheduler:
            self._scheduler_thread = threading.Thread(target=self._schedule, name="lentiq-scheduler", daemon=True)
            self._scheduler_thread.start()

    def _prepare(self) -> None:
        try:
            self.backend().prepare()
        except LentiqError as error:
            # Whoever inspects a notebook is told.
            self.log.debug("The default kernel cannot be read yet: %s", error)

    def _schedule(self) -> None:
        while not self._stop.is_set():
            try:
                self.backend().run_scheduler(self._stop)
            except LentiqError as error:
                self.log.warning("The scheduler does not run: %s Trying again in %.0f s.", error, RETRY_S)
                self._stop.wait(RETRY_S)

    def current_activity(self) -> int:
        """How many tasks and publishes go on: a server without kernels does not shut down meanwhile."""
        return self._activity.going

    async def _count(self) -> int:
        publishes = sum(one.state is PublishState.RUNNING for one in self.publishes.all())
        if self._backend is None:
            return publishes
        tasks = await asyncio.get_running_loop().run_in_executor(self._pool, self._backend.tasks_in_hand)
        return publishes + tasks

    async def stop_extension(self) -> None:
        """Stop the scheduler cleanly, cancel publishes, take the kernels' way in back."""
        self._stop.set()
        self._activity.stop()
        if os.environ.get(ENV_TOKEN) == self.token:
            os.environ.pop(ENV_URL, None)
            del os.environ[ENV_TOKEN]
        self.publishes.close()
        await asyncio.get_running_loop().run_in_executor(self._pool, self._close)
        self._pool.shutdown(wait=False)

    def _close(self) -> None:
        if self._scheduler_thread is not None:
            self._scheduler_thread.join(STOP_S)
        if self._backend is not None:
            self._backend.close()
