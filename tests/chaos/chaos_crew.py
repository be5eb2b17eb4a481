"""Several scheduler processes on one database, and what befalls them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import sqlalchemy as sa
from chaos_plan import Fault

import lentiq_jupyter
from lentiq_jupyter.interfaces import Store
from lentiq_jupyter.scheduler import LEASE

SCRIPT = Path(__file__).with_name("chaos_scheduler.py")
STOP_S = 30.0
Note = Callable[..., None]


class Crew:
    """The scheduler processes, one for each slot; a slot whose process was killed is empty for a while.

    Parameters
    ----------
    options : dict
        What `chaos_scheduler` reads.
    note : callable
        Writes an event into the record.
    """

    def __init__(self, folder: Path, options: dict[str, str], count: int, store: Store, note: Note) -> None:
        self._folder = folder
        self._url = sa.make_url(options["url"])
        self._store = store
        self._note = note
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._options = folder / "options.json"
        self._options.write_text(json.dumps(options))
        self._threads: list[threading.Thread] = []
        self.slow_ends: list[str] = []
        for slot in range(count):
            self._start(slot)

    def _start(self, slot: int) -> None:
        # The same code as here, installed or not.
        environment = {**os.environ, "PYTHONPATH": str(Path(lentiq_jupyter.__file__).parents[1])}
        with (self._folder / "schedulers.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT), str(self._options), str(slot)],
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._processes[slot] = process
        self._note("up", slot=slot, pid=process.pid)

    def _chosen(self, fault: Fault) -> int | None:
        """The slot that a fault is for: the leader's, if one leads and it is for the leader."""
        slots = sorted(self._processes)
        if fault.leader:
            with contextlib.suppress(Exception):
                held = self._store.lease(LEASE)
                if held is not None:
                    slot, _, pid = held[0].partition(":")
                    if int(slot) in self._processes and self._processes[int(slot)].pid == int(pid):
                        return int(slot)
        return slots[int(fault.pick * len(slots))] if slots else None

    def suffer(self, fault: Fault) -> None:
        """Let a fault begin; `turn` ends it."""
        slot = self._chosen(fault)
        if slot is None:
            return
        process = self._processes[slot]
        self._note(fault.kind, slot=slot, pid=process.pid, leader=fault.leader, lasts_s=round(fault.lasts_s, 2))
        if fault.kind == "kill":
            del self._processes[slot]
            process.kill()
            process.wait()
            self._later(fault.lasts_s, lambda: self._start(slot))
        elif fault.kind == "end":
            del self._processes[slot]
            self._end(process)
            self._later(fault.lasts_s, lambda: self._start(slot))
        elif fault.kind == "freeze":
            process.send_signal(signal.SIGSTOP)
            self._later(fault.lasts_s, lambda: self._thaw(process))
        elif self._url.get_backend_name() == "sqlite":
            thread = threading.Thread(target=self._lock, args=(fault.lasts_s,))
            thread.start()
            self._threads.append(thread)
        else:
            self._cut(process.pid)

    def _thaw(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            self._note("thaw", pid=process.pid)
            process.send_signal(signal.SIGCONT)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.slow_ends.append(f"scheduler {process.pid} did not end within {STOP_S:g} s of SIGTERM")
            process.kill()
            process.wait()

    def _lock(self, seconds: float) -> None:
        """Another writer that takes its time."""
        with contextlib.closing(sqlite3.connect(str(self._url.database), timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            other.execute("ROLLBACK")

    def _cut(self, pid: int) -> None:
        """End the connections of one process, on the server's side."""
        with contextlib.suppress(psutil.NoSuchProcess):
            ports = [one.laddr.port for one in psutil.Process(pid).net_connections("tcp")]
            engine = sa.create_engine(self._url, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE client_port = ANY(:ports) AND pid <> pg_backend_pid()"
                    ),
                    {"ports": ports},
                )
            engine.dispose()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._due.append((time.monotonic() + seconds, act))

    def turn(self) -> None:
        """End faults whose time is over, and start schedulers that have ended by themselves, which is noted."""
        now = time.monotonic()
        ready = [act for at, act in self._due if at <= now]
        self._due = [one for one in self._due if one[0] > now]
        for act in ready:
            act()
        for slot, process in tuple(self._processes.items()):
            if process.poll() is not None:
                self._note("died", slot=slot, pid=process.pid, code=process.returncode)
                self.slow_ends.append(f"scheduler {process.pid} ended by itself with {process.returncode}")
                self._start(slot)

    def calm(self) -> None:
        """End all faults now."""
        for _, act in self._due:
            act()
        self._due = []
        for thread in self._threads:
            thread.join()

    def ask_where(self) -> None:
        """Let every scheduler write into its log where each of its threads is."""
        for process in self._processes.values():
            process.send_signal(signal.SIGUSR1)
        time.sleep(1)

    def close(self) -> None:
        """End all schedulers, as a service manager would."""
        self.calm()
        for process in self._processes.values():
            self._end(process)
        self._processes = {}


@contextmanager
def crew(folder: Path, options: dict[str, str], count: int, store: Store, note: Note) -> Iterator[Crew]:
    """The processes, ended whatever happens."""
    made = Crew(folder, options, count, store, note)
    try:
        yield made
    finally:
        made.close()
