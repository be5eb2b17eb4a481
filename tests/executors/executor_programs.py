"""Jobs of the process executor that are shell scripts, here or where the system allows less.

Run as a program, it reads what to do as JSON and prints what became of it: so that the executor can live in a process
with fewer rights.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from executor_blocks import RESOURCES, find_interpreter, find_uv, wait_for

from lentiq_jupyter.executors import ProcessExecutor
from lentiq_jupyter.model import Block, Execution, ExecutionState, Job, Resources, decode, encode
from lentiq_jupyter.registry import LayoutRegistry

# An ordinary user; one who may make no namespaces of any kind.
UNPRIVILEGED = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_NO_MORE = 'for one in user mnt pid; do echo 0 > /proc/sys/user/max_${one}_namespaces; done; exec "$@"'
CONFINED = ("unshare", "--user", "--map-root-user", "sh", "-c", _NO_MORE, "sh")
MODES = {"namespaces": (), "ordinary user": UNPRIVILEGED, "landlock": CONFINED}


class Programs:
    """An executor over a folder of its own, whose jobs run the shell script in their input ``code``."""

    def __init__(self, folder: Path, registry: Path, block: Block, **options: Any) -> None:
        self.folder = folder
        self.block = block
        self.pool = "programs"
        self._make: Callable[[], ProcessExecutor] = lambda: ProcessExecutor(
            folder,
            LayoutRegistry(registry),
            lambda python: find_interpreter(python, find_uv(None)),
            command=lambda root: ["/bin/sh", "-c", 'eval "$SCRIPT"'],
            **options,
        )
        self.executor = self._make()
        self.started: list[str] = []

    def again(self) -> ProcessExecutor:
        """Another executor over the same folder."""
        return self._make()

    def job(self, script: str, memory_bytes: int = RESOURCES.memory_bytes, **environment: str) -> Job:
        name = f"lentiq-{uuid.uuid4().hex[:8]}-train.3-1"
        self.started.append(name)
        return Job(
            name=name,
            pool=self.pool,
            block=self.block,
            inputs={},
            resources=Resources(cpu_millicores=500, memory_bytes=memory_bytes),
            environment={"SCRIPT": script, **environment},
        )

    def start(self, script: str, **options: Any) -> str:
        job = self.job(script, **options)
        self.executor.start(job)
        return job.name

    def ended(self, name: str) -> Execution:
        def look() -> Execution | None:
            found = self.executor.inspect(name)
            return found if found and found.state is not ExecutionState.RUNNING else None

        return wait_for(f"end of {name}", look)

    def run(self, script: str, **options: Any) -> str:
        """What a script that succeeds prints."""
        name = self.start(script, **options)
        end = self.ended(name)
        said = self.executor.log(name).decode()
        assert end.state is ExecutionState.SUCCEEDED, (end, said)
        return said

    def says(self, name: str, text: str) -> None:
        wait_for(text, lambda: text.encode() in self.executor.log(name))

    def record(self, name: str) -> dict[str, Any]:
        """What the supervisor wrote at the end."""
        found = json.loads((self.folder / "jobs" / name / "exit.json").read_bytes())
        assert isinstance(found, dict)
        return found

    def close(self) -> None:
        for name in self.started:
            self.executor.stop(name, 0)
        for name in self.started:
            if self.executor.inspect(name) is not None:
                self.ended(name)
            self.executor.remove(name)


def share_images(shop: Path, folder: Path) -> None:
    """The blocks that were unpacked for other tests, by hard links."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("images", "layers"):
        subprocess.run(["cp", "-al", str(shop / "process" / name), str(folder)], check=True)


def in_mode(mode: str, home: Path, block: Block, scripts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What becomes of scripts, one after the other, in a process with the rights of that mode.

    `home` is all private; in it are the registry, and the executor's folder.
    """
    task = {"home": str(home), "block": encode(block), "scripts": dict(scripts)}
    done = subprocess.run(
        [*MODES[mode], sys.executable, __file__], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def can_limit() -> bool:
    """Whether this machine lets the tests take rights away."""
    return bool(shutil.which("unshare")) and not subprocess.run([*CONFINED, "true"], capture_output=True).returncode


def main() -> None:
    task = json.load(sys.stdin)
    home = Path(task["home"])
    programs = Programs(home / "process", home / "registry", decode(Block, task["block"]), private=home)
    ends: list[str] = []
    unsubscribe = programs.executor.subscribe(programs.pool, ends.append)
    found: dict[str, dict[str, Any]] = {"probe": {"isolation": programs.executor.isolation()}}
    for title, script in task["scripts"].items():
        name = programs.start(script)
        end = programs.ended(name)
        wait_for("word", lambda name=name: name in ends, 5)
        found[title] = {
            "log": programs.executor.log(name).decode(),
            "code": end.exit_code,
            "isolation": programs.record(name)["isolation"],
        }
    unsubscribe()
    programs.close()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
