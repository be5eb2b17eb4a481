"""Luigi with its local scheduler: one worker for the chain, two for the fan-out.

Called in a process that has imported it, or, with the word ``command``, started as its users and their cron start
it: ``luigi --module …``, where the trigger is the start of that command.
"""

import subprocess
import sys
from pathlib import Path

import luigi
from answering import AT_ONCE, CHAIN, FAN, answer, command


class Step(luigi.Task):
    record = luigi.Parameter()
    number = luigi.IntParameter()
    chained = luigi.BoolParameter()

    def requires(self) -> list[luigi.Task]:
        return [Step(self.record, self.number - 1, True)] if self.chained and self.number else []

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.record}.{self.number}")

    def run(self) -> None:
        subprocess.run(command(self.record, f"t{self.number}"), check=True)
        Path(self.output().path).touch()


class Join(luigi.Task):
    record = luigi.Parameter()

    def requires(self) -> list[luigi.Task]:
        return [Step(self.record, number, False) for number in range(FAN)]

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(f"{self.record}.join")

    def run(self) -> None:
        subprocess.run(command(self.record, "join"), check=True)
        Path(self.output().path).touch()


def build(task: luigi.Task, workers: int) -> None:
    assert luigi.build([task], workers=workers, local_scheduler=True, log_level="WARNING")


def started(workers: int, *words: str) -> None:
    luigi_command = [sys.executable, "-m", "luigi", "--module", Path(__file__).stem, "--local-scheduler"]
    subprocess.run([*luigi_command, "--workers", str(workers), *words], check=True, cwd=Path(__file__).parent)


if __name__ == "__main__" and sys.argv[1:] == ["command"]:
    answer(
        {
            "chain": lambda record: started(1, "Step", "--record", record, "--number", str(CHAIN - 1), "--chained"),
            "fan": lambda record: started(AT_ONCE, "Join", "--record", record),
        }
    )
elif __name__ == "__main__":
    answer(
        {
            "chain": lambda record: build(Step(record, CHAIN - 1, True), 1),
            "fan": lambda record: build(Join(record), AT_ONCE),
        }
    )
