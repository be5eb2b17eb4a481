"""A scheduler as a process of its own: ``scheduler_process.py FOLDER HOLDER TICK_S``."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from recording_executor import RecordingExecutor
from scheduling import make_scheduler

from lentiq_jupyter.store import open_store


def main(folder: Path, holder: str, tick_s: float) -> None:
    store = open_store(f"sqlite:///{folder}/lentiq.db")
    scheduler = make_scheduler(store, RecordingExecutor(folder / "jobs"), folder, holder=holder, tick_s=tick_s)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("up", flush=True)
    scheduler.run_forever(stop)
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
