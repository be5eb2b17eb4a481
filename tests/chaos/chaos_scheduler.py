"""A scheduler as a process of its own: ``chaos_scheduler.py OPTIONS.json SLOT``; its holder's name is ``SLOT:PID``."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from chaos_parts import make_executor, make_scheduler, read_block

from lentiq_jupyter.store import open_store


def main(options: dict[str, str], slot: str) -> None:
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {slot}:{os.getpid()} %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Asked for by whoever has lost patience: where every thread is.
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    shop, folder = Path(options["shop"]), Path(options["folder"])
    store = open_store(options["url"])
    made = make_scheduler(
        store,
        make_executor(options["executor"], shop, folder, options["broken"]),
        folder,
        read_block(shop),
        pool=options["pool"],
        holder=f"{slot}:{os.getpid()}",
        tick_s=float(options["tick_s"]),
    )
    stop = threading.Event()

    def ended(*_: object) -> None:
        stop.set()
        made.wake()

    signal.signal(signal.SIGTERM, ended)
    print("up", flush=True)
    made.run_forever(stop)
    store.close()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])
