"""Huey over SQLite, a consumer with two worker threads that look every 10 ms (its default is 100 ms).

The consumer imports this file as a module. `BENCHMARK_FOLDER` holds its database.
"""

import os
import subprocess
import sys
from pathlib import Path

from answering import AT_ONCE, CHAIN, FAN, answer, command
from huey import SqliteHuey, chord

huey = SqliteHuey(filename=str(Path(os.environ["BENCHMARK_FOLDER"]) / "huey.db"))


@huey.task(context=False)
def step(record: str, name: str, *_: object) -> None:
    subprocess.run(command(record, name), check=True)


@huey.task()
def join(record: str, *_: object) -> None:
    subprocess.run(command(record, "join"), check=True)


def chain(record: str) -> None:
    steps = step.s(record, "t0")
    for number in range(1, CHAIN):
        steps = steps.then(step, record, f"t{number}")
    huey.enqueue(steps)


def fan(record: str) -> None:
    huey.enqueue(chord([step.s(record, f"t{number}") for number in range(FAN)], join.s(record)))


if __name__ == "__main__":
    script = Path(sys.executable).with_name("huey_consumer")
    options = ["-w", str(AT_ONCE), "-k", "thread", "-d", "0.01", "-m", "0.05", "-q"]
    consumer = subprocess.Popen(
        [sys.executable, str(script), "huey_peer.huey", *options],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=2,
    )
    # As the consumer knows it: a task is named after its module.
    import huey_peer

    try:
        answer({"chain": huey_peer.chain, "fan": huey_peer.fan})
    finally:
        consumer.terminate()
        consumer.wait()
