"""An executor of real processes, small enough to see through: its folder is its record."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from lentiq_jupyter.errors import Conflict, LentiqError
from lentiq_jupyter.model import Execution, ExecutionState, Job

JOB = Path(__file__).with_name("recording_job.py")
RESULTS = ("outputs.json", "progress.json", "error.json", "notebook.ipynb")


class RecordingExecutor:
    """Runs `recording_job` for each job; processes survive whoever started them.

    `refuse` holds errors that the next starts raise, one each.
    """

    name = "recording"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.refuse: list[LentiqError] = []
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, job: Job) -> None:
        if self.refuse:
            raise self.refuse.pop(0)
        folder = self.folder / job.name
        if (folder / "forbidden").exists():
            raise Conflict(f"{job.name} must not start.")
        if (folder / "started").exists():
            return
        folder.mkdir(exist_ok=True)
        (folder / "inputs.json").write_text(json.dumps(job.inputs))
        (folder / "environment.json").write_text(json.dumps(job.environment))
        with (folder / "log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-S", str(JOB), str(folder)], stdout=log, stderr=log, start_new_session=True
            )
        self._children.append(child)
        while not (folder / "pid").exists() and child.poll() is None:
            time.sleep(0.005)

    def forbid(self, name: str, pool: str) -> bool:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        try:
            os.close(os.open(folder / "started", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return (folder / "forbidden").exists()
        (folder / "forbidden").touch()
        return True

    def find(self, pool: str) -> dict[str, Execution]:
        return {
            one.parent.name: found for one in self.folder.glob("*/started") if (found := self.inspect(one.parent.name))
        }

    def inspect(self, name: str) -> Execution | None:
        folder = self.folder / name
        if not (folder / "started").exists() or (folder / "forbidden").exists():
            return None
        exit_file = folder / "exit.json"
        alive = self._alive(folder)
        # Asked after: an end between the two questions is an end.
        if exit_file.exists():
            code = json.loads(exit_file.read_text())
            state = ExecutionState.SUCCEEDED if code == 0 else ExecutionState.FAILED
            return Execution(name=name, state=state, exit_code=code, stopped=code == 143)
        return Execution(name=name, state=ExecutionState.RUNNING if alive else ExecutionState.LOST)

    def _alive(self, folder: Path) -> bool:
        for child in self._children:
            child.poll()
        try:
            return psutil.Process(int((folder / "pid").read_text())).status() != psutil.STATUS_ZOMBIE
        except (OSError, psutil.NoSuchProcess):
            return False

    def collect(self, name: str, into: Path) -> None:
        for file in RESULTS:
            if (self.folder / name / file).exists():
                shutil.copy(self.folder / name / file, into / f"{file}.half")
                (into / f"{file}.half").replace(into / file)

    def log(self, name: str, offset: int = 0, limit: int = 1 << 20) -> bytes:
        return (self.folder / name / "log").read_bytes()[offset : offset + limit]

    def stop(self, name: str, grace_s: float = 10.0) -> None:
        pid = self.folder / name / "pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)

    def remove(self, name: str) -> None:
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def subscribe(self, pool: str, ended: Callable[[str], None]) -> Callable[[], None]:
        over = threading.Event()
        told: set[str] = {one.parent.name for one in self.folder.glob("*/exit.json")}

        def watch() -> None:
            while not over.wait(0.02):
                for name in {one.parent.name for one in self.folder.glob("*/exit.json")} - told:
                    told.add(name)
                    ended(name)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()

        def unsubscribe() -> None:
            over.set()
            thread.join()

        return unsubscribe

    # for tests

    def starts(self) -> list[str]:
        """Names of all jobs really started, in order, one entry for each start."""
        record = self.folder / "starts.log"
        return record.read_text().splitlines() if record.exists() else []

    def close(self) -> None:
        """Kill what still runs, so that no test leaves processes behind."""
        for folder in self.folder.glob("*/pid"):
            if not (folder.parent / "exit.json").exists():
                with contextlib.suppress(ProcessLookupError, ValueError):
                    os.kill(int(folder.read_text()), signal.SIGKILL)
        for child in self._children:
            child.wait()
