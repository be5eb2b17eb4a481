"""A scheduler as a process of its own: ``standing_scheduler.py URL FOLDER RECORD TICK_S [instant]``."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from own_parts import InstantExecutor, scheduler, trivial_executor

from lentiq_jupyter.model import Block, decode
from lentiq_jupyter.store import open_store


def main(url: str, folder: Path, record: Path, tick_s: float, *, instant: bool) -> None:
    import json

    block = decode(Block, json.loads((folder / "block.json").read_text()))
    store = open_store(url)
    executor = InstantExecutor(record) if instant else trivial_executor(folder, record)
    stop = threading.Event()
    made = scheduler(store, executor, folder, block, tick_s=tick_s)

    def ended(*_: object) -> None:
        stop.set()
        made.wake()

    signal.signal(signal.SIGTERM, ended)
    print("up", flush=True)
    made.run_forever(stop)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]), instant=sys.argv[5:] == ["instant"])
