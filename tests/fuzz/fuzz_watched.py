"""The watched analysis as a test uses it: hand over a notebook, get what came of it, never wait for ever."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

LIMIT_CPU_S = 5.0
LIMIT_WALL_S = 60.0


@dataclass(frozen=True)
class Answer:
    """What analysing one notebook came to.

    `outcome` is "facts", the name of a LentiqError, "crash", "died" or "hangs"; `said` the error's text or the
    traceback. `forbidden` is what the analysis did and must not do.
    """

    outcome: str
    said: str = ""
    seconds: float = 0.0
    forbidden: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong with it, as sentences; empty if nothing is."""
        broken = self.outcome in ("crash", "died", "hangs")
        found = [f"{self.outcome}: {self.said}"] if broken else []
        if self.outcome != "facts" and not self.said.strip():
            found.append(f"{self.outcome} says nothing")
        if self.seconds > LIMIT_CPU_S:
            found.append(f"took {self.seconds:.1f} s of CPU")
        return found + [f"did: {one}" for one in self.forbidden] + [f"warned: {one}" for one in self.warnings]


class Watched:
    """A `fuzz_worker` process; started again after it had to be killed."""

    def __init__(self) -> None:
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ask(self, path: Path) -> Answer:
        """Analyse one notebook. The working folder is the notebook's."""
        worker = self._worker or self._start()
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(f"{path}\n".encode())
        worker.stdin.flush()
        line = worker.stdout.readline() if select.select([worker.stdout], [], [], LIMIT_WALL_S)[0] else None
        if line is None:
            self.close()
            return Answer(outcome="hangs", said=f"no answer in {LIMIT_WALL_S:.0f} s")
        if not line.endswith(b"\n"):
            code = worker.wait()
            self.close()
            return Answer(outcome="died", said=f"the process ended with {code}")
        document = json.loads(line)
        return Answer(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in document.items()},
        )

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self._worker = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("fuzz_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        return self._worker

    def close(self) -> None:
        """End the process."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            for pipe in (worker.stdin, worker.stdout):
                if pipe:
                    pipe.close()
            worker.wait()
