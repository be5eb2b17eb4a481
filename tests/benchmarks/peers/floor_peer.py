"""No scheduler at all: a loop that starts processes."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

from answering import AT_ONCE, CHAIN, FAN, answer, command


def chain(record: str) -> None:
    for number in range(CHAIN):
        subprocess.run(command(record, f"t{number}"), check=True)


def fan(record: str) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda number: subprocess.run(command(record, f"t{number}"), check=True), range(FAN)))
    subprocess.run(command(record, "join"), check=True)


if __name__ == "__main__":
    answer({"chain": chain, "fan": fan})
