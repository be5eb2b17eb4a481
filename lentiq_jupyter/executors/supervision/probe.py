"""How far jobs can be kept apart on this system: starts a program that does nothing, and prints it."""

from __future__ import annotations

import os
import sys
import tempfile

from . import child
from .task import Task


def main() -> None:
    """Print `child.Child.isolation` of a job that a user of this process's rights starts."""
    with tempfile.TemporaryDirectory(prefix="lentiq-job-") as folder:
        task = Task(
            argv=[sys.executable, "-I", "-S", "-c", ""],
            environment={},
            folder=os.path.realpath(folder),
            log=2,
            processors=sorted(os.sched_getaffinity(0)),
            user=None,
            shelter=[],
            hidden=[os.path.realpath(folder)],
            shown=[],
            network=True,
        )
        job = child.start(task)
        job.status()
        sys.stdout.write(job.isolation)
