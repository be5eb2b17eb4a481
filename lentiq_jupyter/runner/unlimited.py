"""Runs in the kernel's process, before the first cell: nothing that it prints is dropped."""

from __future__ import annotations

from typing import Any


def unlimit() -> None:
    """Let the kernel's output socket keep all that the runner has not taken yet.

    ZeroMQ drops what is sent beyond 1,000 messages, which a cell that prints reaches while the runner waits for a
    processor. An ipykernel that has no such socket is left as it is.
    """
    try:
        from ipykernel.kernelapp import IPKernelApp

        application: Any = IPKernelApp.instance()
        application.shell.events.register("pre_execute", _Once(application))
    except (ImportError, AttributeError):
        return


class _Once:
    """Unlimits the socket when the first cell comes: the limit counts for connections that are there."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self) -> None:
        import zmq

        self._application.shell.events.unregister("pre_execute", self)
        thread = self._application.iopub_thread
        # In its own thread, which alone may touch the socket.
        thread.schedule(lambda: thread.socket.setsockopt(zmq.SNDHWM, 0))
