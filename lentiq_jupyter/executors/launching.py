"""The executor's side of its launcher: a process of its own that starts supervisors quickly. See `supervision`."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import Unavailable
from .supervision.claim import is_locked
from .supervision.words import BEFORE, CANNOT, END, LENGTH, NEVER, NOW

_CODE = "import sys; sys.path.append(sys.argv[1]); from supervision.{} import main; main()"
_ANSWER_S = 60.0
# A launcher may have died since the last job; one that dies at each is no accident.
_TRIES = 3


class Launcher:
    """Starts supervisors, and tells when they have ended.

    Parameters
    ----------
    ended : callable
        Called with a job's name and pool from a thread of this object; must not raise.
    """

    def __init__(self, ended: Callable[[str, str], None]) -> None:
        self._ended = ended
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._owner = os.getpid()
        self._selector: selectors.BaseSelector | None = None
        self._alarm: tuple[socket.socket, socket.socket] | None = None

    def start(self, name: str, pool: str, folder: Path, spec: dict[str, object], held: int) -> bytes:
        """Have a supervisor made, and tell it what to do.

        Parameters
        ----------
        held : int
            A descriptor that it keeps open for as long as it lives.

        Returns
        -------
        bytes
            NOW, BEFORE or NEVER.

        Raises
        ------
        Unavailable
            If it cannot start the job.
        """
        body = json.dumps(spec).encode()
        for _ in range(_TRIES):
            ours, theirs = socket.socketpair()
            with theirs:
                self._hand_over([theirs.fileno(), held])
            answer = _ask(ours, LENGTH.pack(len(body)) + body)
            if answer[:1] == NOW:
                self._watch(ours, name, pool, folder)
                return NOW
            ours.close()
            if answer:
                break
        if answer in (BEFORE, NEVER):
            return answer
        said = answer.removeprefix(CANNOT).decode(errors="replace") or "no supervisor answers"
        raise Unavailable(f"Job {name} could not be started: {said}.", f"Free space, or see {folder / 'log'}.")

    def close(self) -> None:
        """End the launcher; supervisors stay."""
        with self._lock:
            self._close()

    def _hand_over(self, descriptors: list[int]) -> None:
        with self._lock:
            if self._owner != os.getpid():
                # A fork of the process that had it: the launcher and its thread are the other's.
                self._process = self._channel = self._selector = self._alarm = None
                self._owner = os.getpid()
            try:
                socket.send_fds(self._channel or self._open(), [b"+"], descriptors)
            except OSError:
                # It was killed; the next one may live.
                self._end_process()
                with contextlib.suppress(OSError):
                    socket.send_fds(self._open(), [b"+"], descriptors)

    def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    _command("launcher"),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise Unavailable(
                    f"No process can be started: {error.strerror}.", "Free memory or processes."
                ) from error
        self._channel = ours
        return ours

    def _watch(self, connection: socket.socket, name: str, pool: str, folder: Path) -> None:
        connection.setblocking(False)
        with self._lock:
            if self._selector is None:
                self._selector = selectors.DefaultSelector()
                self._alarm = socket.socketpair()
                self._selector.register(self._alarm[0], selectors.EVENT_READ)
                thread = threading.Thread(
                    target=_listen, args=(self._selector, self._alarm, self._ended), name="lentiq-ends", daemon=True
                )
                thread.start()
            self._selector.register(connection, selectors.EVENT_READ, (name, pool, folder))

    def _end_process(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._channel = self._process = None

    def _close(self) -> None:
        if self._owner == os.getpid():
            self._end_process()
            if self._alarm is not None:
                self._alarm[1].close()
        self._selector = self._alarm = None


def probe_isolation() -> str:
    """What keeps jobs from others' files and processes here: ``namespaces``, ``landlock`` or ``none``.

    Raises
    ------
    Unavailable
        If no process can be started.
    """
    try:
        done = subprocess.run(_command("probe"), capture_output=True, text=True, check=False, timeout=_ANSWER_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"No process can be started: {error}.", "Free memory, or allow more processes.") from error
    return done.stdout or "none"


def _command(module: str) -> list[str]:
    """The command line of a module of `supervision`, which finds nothing but the standard library beside it."""
    return [sys.executable, "-I", "-S", "-c", _CODE.format(module), str(Path(__file__).parent)]


def _ask(connection: socket.socket, message: bytes) -> bytes:
    """Send, and give the answer: one letter, or one and a text; "" if there is none."""
    connection.settimeout(_ANSWER_S)
    answer = b""
    with contextlib.suppress(OSError):
        connection.sendall(message)
        answer = connection.recv(1)
        while answer[:1] == CANNOT and (more := connection.recv(1024)):
            answer += more
    return answer


def _listen(
    selector: selectors.BaseSelector,
    alarm: tuple[socket.socket, socket.socket],
    ended: Callable[[str, str], None],
) -> None:
    """Wait for supervisors that say that the job has ended, or fall silent."""
    while True:
        for key, _ in selector.select():
            connection = key.fileobj
            assert isinstance(connection, socket.socket)  # noqa: S101  for the type checker
            if connection is alarm[0]:
                for one in tuple(selector.get_map().values()):
                    if isinstance(one.fileobj, socket.socket):
                        one.fileobj.close()
                selector.close()
                return
            try:
                word = connection.recv(1)
            except BlockingIOError:
                continue
            except OSError:
                word = b""
            name, pool, folder = key.data
            selector.unregister(connection)
            connection.close()
            if word != END:
                _wait_unlocked(folder)
            ended(name, pool)


def _wait_unlocked(folder: Path) -> None:
    """Until the kernel has taken all of a killed supervisor away: it still looks alive for a moment."""
    end = time.monotonic() + 1
    while is_locked(str(folder)) and time.monotonic() < end:
        time.sleep(0.001)
