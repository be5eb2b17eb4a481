"""Random workflows on several schedulers that are killed, frozen and cut off: nothing lost, nothing twice.

    python tests/chaos/chaos.py [--runs 300] [--schedulers 3] [--store sqlite|postgres] [--executor process|docker]
                                [--seed N] [--keep FOLDER] [--real 0.02] [--break twice|never]
    python tests/chaos/chaos.py --judge FOLDER

The same seed gives the same workflows and the same faults, one after another with the same pauses; what they meet is
chance. `--keep` leaves the record: the options, the events with their times, all rows, what was really started,
the schedulers' log and the verdict. `--judge` judges such a record again. Ends with 1 if something is wrong.
`--postgres` means the server of LENTIQ_TEST_POSTGRES, docker the busybox of LENTIQ_TEST_REGISTRY.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import sqlalchemy as sa
from chaos_crew import Crew, crew
from chaos_parts import make_block, make_executor
from chaos_plan import AT_ONCE, PROJECT, QUOTA, Fault, faults, workflows
from chaos_verdict import Record, Wrong, judge

from lentiq_jupyter.errors import LentiqError, Unavailable
from lentiq_jupyter.interfaces import Executor
from lentiq_jupyter.model import Execution, Project, Run, RunState, Workflow, decode, encode
from lentiq_jupyter.scheduler import new_run
from lentiq_jupyter.store import SqlStore, open_store

LOOK_S = 0.15
# A workflow is made due again no sooner than that.
MADE_DUE_S = 4.0
KEPT = ("plan.json", "record.json", "verdict.json", "events.jsonl", "schedulers.log")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Of one chaos run. Times in seconds; `longest_s` is that of a fault, `mean_s` between two of them."""

    runs: int = 300
    schedulers: int = 3
    store: str = "sqlite"
    executor: str = "process"
    seed: int = 1
    tick_s: float = 0.6
    mean_s: float = 1.5
    longest_s: float = 4.0
    patience_s: float = 180.0
    real: float = 0.02
    broken: str = ""


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new, empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/lentiq.db"
        return
    server = sa.make_url(os.environ["LENTIQ_TEST_POSTGRES"]).set(drivername="postgresql+psycopg")
    name = f"lentiq_chaos_{secrets.token_hex(4)}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


class Chaos:
    """One chaos run over a store: keeps it busy, lets faults happen, waits for the end, gathers the record."""

    def __init__(self, options: Options, store: SqlStore, executor: Executor, folder: Path, pool: str) -> None:
        self._options = options
        self._store = store
        self._executor = executor
        self._folder = folder
        self._pool = pool
        self._chance = random.Random(f"load {options.seed}")
        self._began = time.monotonic()
        self._events = (folder / "events.jsonl").open("w")
        self._overlaps: set[str] = set()
        self._made_due: dict[str, float] = {}
        self._flows = workflows(options.seed, max(6, min(30, options.runs // 4)), real=options.real)
        for flow in self._flows:
            store.save_workflow(flow, None, datetime.now(UTC))

    def note(self, kind: str, **facts: object) -> None:
        """Write an event down."""
        self._events.write(json.dumps({"at_s": round(time.monotonic() - self._began, 3), "kind": kind, **facts}) + "\n")
        self._events.flush()

    def unleash(self, those: Crew) -> None:
        """Start runs until there are enough of them, with faults all the time; then wait until all have ended."""
        planned = faults(self._options.seed, 100_000, mean_s=self._options.mean_s, longest_s=self._options.longest_s)
        upcoming = iter(planned)
        fault = next(upcoming)
        next_fault = time.monotonic() + 2.0
        while self._count() < self._options.runs:
            try:
                self._load()
                if time.monotonic() >= next_fault:
                    self._befall(those, fault)
                    fault = next(upcoming)
                    next_fault = time.monotonic() + fault.after_s
            except Unavailable as error:
                # A scheduler frozen in the middle of a write to SQLite; `turn` lets it go on.
                self.note("busy", why=str(error))
            those.turn()
            time.sleep(LOOK_S)
        self.note("no more runs")
        those.calm()
        for flow in self._flows:
            self._store.save_workflow(dataclasses.replace(flow, paused=True), None, datetime.now(UTC))
        end = time.monotonic() + self._options.patience_s
        while self._look() and time.monotonic() < end:
            those.turn()
            time.sleep(LOOK_S)
        if not self._store.runs(active=True):
            self.note("all ended")
            return
        self.note("patience is over")
        those.ask_where()

    def _count(self) -> int:
        return sum(run.state is not RunState.SKIPPED for run in self._store.runs(limit=100_000))

    def _look(self) -> list[Run]:
        """The active runs; two of one workflow are noted."""
        active = self._store.runs(active=True)
        for name, number in Counter(run.workflow.name for run in active).items():
            if number > 1:
                ids = sorted(run.id for run in active if run.workflow.name == name)
                self._overlaps.add(f"{name}: {', '.join(ids)} were active together")
        return active

    def _load(self) -> None:
        """Start or make due what keeps the schedulers busy, and now and then what is active already."""
        active = {run.workflow.name for run in self._look()}
        idle = [flow for flow in self._flows if flow.name not in active]
        busy = [flow for flow in self._flows if flow.name in active]
        if idle and len(active) < AT_ONCE:
            self._ask_for(self._chance.choice(idle))
        if busy and self._chance.random() < 0.05:
            self._ask_for(self._chance.choice(busy))

    def _ask_for(self, flow: Workflow) -> None:
        now = datetime.now(UTC)
        if flow.schedule is not None:
            if time.monotonic() < self._made_due.get(flow.name, 0.0) + MADE_DUE_S:
                return
            self._made_due[flow.name] = time.monotonic()
            self._store.save_workflow(flow, now + timedelta(seconds=self._chance.uniform(0, 1)), now)
            self.note("due", workflow=flow.name)
            return
        run = new_run(flow, secrets.token_hex(6), now, executor=self._options.executor)
        if self._store.create_run(run):
            self.note("start", workflow=flow.name, run=run.id)

    def _befall(self, those: Crew, fault: Fault) -> None:
        if not fault.kind.startswith("cancel"):
            those.suffer(fault)
            return
        active = sorted(self._store.runs(active=True), key=lambda run: run.id)
        if active:
            run = active[int(fault.pick * len(active))]
            task = run.workflow.tasks[-1].name if fault.kind == "cancel task" else None
            self._store.request_cancel(run.id, task)
            self.note(fault.kind, run=run.id, task=task)

    def record(self) -> Record:
        """What the store, the executor and the jobs themselves say, now that all is over."""
        self._events.close()
        executions = self._executor.find(self._pool)
        return Record(
            runs=tuple(self._store.runs(limit=100_000)),
            executions=executions,
            begun=tuple(self._begun(executions)),
            overlaps=tuple(sorted(self._overlaps)),
            orphans=tuple(self._orphans(executions)),
        )

    def _begun(self, executions: dict[str, Execution]) -> Iterator[tuple[str, float]]:
        if self._options.executor == "process":
            for line in (self._folder / "begun").read_text().splitlines():
                name, at = line.split()
                yield name, float(at)
            return
        for name, execution in executions.items():
            # One line for each time that the container really began.
            times = self._executor.log(name).count(b"begin\n")
            for _ in range(max(times, 1 if execution.stopped else times)):
                yield name, execution.started_at.timestamp() if execution.started_at else 0.0

    def _orphans(self, executions: dict[str, Execution]) -> Iterator[str]:
        for name, execution in executions.items():
            if execution.state == "RUNNING":
                yield f"{name} runs, and every run has ended"
        for process in psutil.process_iter(["pid", "cmdline"]):
            words = process.info["cmdline"] or []
            ours = any(str(self._folder / name) in word for name in ("begun", "process") for word in words)
            with contextlib.suppress(psutil.NoSuchProcess):
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield f"process {process.pid} is left: {' '.join(words)[:200]}"


def unleash(options: Options, folder: Path, shop: Path) -> tuple[Record, list[Wrong]]:
    """A chaos run in an empty `folder`; `shop` has the block (see `make_block`). The record, and what is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    pool = f"chaos-{secrets.token_hex(4)}"
    executor = make_executor(options.executor, shop, folder)
    with database(options.store, folder) as url, contextlib.closing(open_store(url)) as store:
        store.save_project(Project(name=PROJECT, quota=QUOTA))
        told = {
            "url": url,
            "shop": str(shop),
            "folder": str(folder),
            "executor": options.executor,
            "broken": options.broken,
            "pool": pool,
            "tick_s": str(options.tick_s),
        }
        chaos = Chaos(options, store, executor, folder, pool)
        try:
            with crew(folder, told, options.schedulers, store, chaos.note) as those:
                chaos.unleash(those)
            record = chaos.record()
        finally:
            if options.executor == "docker":
                forget(executor, pool)
    # It names a database that is gone, with its password.
    (folder / "options.json").unlink()
    wrong = [*judge(record), *(Wrong("stuck", one) for one in those.slow_ends)]
    keep(options, record, wrong, folder)
    return record, wrong


def forget(executor: Executor, pool: str) -> None:
    """Leave no containers behind."""
    for name in executor.find(pool):
        with contextlib.suppress(LentiqError):
            executor.stop(name, 0)
            executor.remove(name)


def keep(options: Options, record: Record, wrong: list[Wrong], folder: Path) -> None:
    """Leave the record in the folder, to be judged again."""
    (folder / "plan.json").write_text(json.dumps(dataclasses.asdict(options), indent=2))
    (folder / "record.json").write_text(json.dumps(encode(record)))
    (folder / "verdict.json").write_text(json.dumps([dataclasses.asdict(one) for one in wrong], indent=2))


def read(folder: Path) -> Record:
    """A record that was kept."""
    document = json.loads((folder / "record.json").read_text())
    return Record(
        runs=tuple(decode(Run, one) for one in document["runs"]),
        executions={name: decode(Execution, one) for name, one in document["executions"].items()},
        begun=tuple((name, at) for name, at in document["begun"]),
        overlaps=tuple(document["overlaps"]),
        orphans=tuple(document["orphans"]),
    )


def summary(record: Record, wrong: list[Wrong], events: Path | None) -> str:
    """What happened, in a few lines."""
    states = Counter(str(run.state) for run in record.runs)
    tasks = Counter(str(one.state) for run in record.runs for one in run.tasks)
    lines = [
        f"runs: {dict(states)}",
        f"task runs: {dict(tasks)}; jobs begun: {len(record.begun)}, "
        f"second attempts: {sum(one.attempt > 1 for run in record.runs for one in run.tasks)}, "
        f"items: {sum(one.item is not None for run in record.runs for one in run.tasks)}",
    ]
    if events is not None:
        kinds = Counter(json.loads(line)["kind"] for line in events.read_text().splitlines())
        lines.append(f"events: {dict(kinds)}")
    counts = Counter(one.kind for one in wrong)
    kinds_of = ("lost", "doubled", "stuck", "overlap", "order", "state", "output", "orphan")
    lines.append("wrong: " + ", ".join(f"{counts[kind]} {kind}" for kind in kinds_of))
    return "\n".join([*lines, *(f"  {one.kind}: {one.sentence}" for one in wrong[:40])])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--schedulers", type=int, default=3)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--executor", choices=["process", "docker"], default="process")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--tick", type=float, default=0.6)
    parser.add_argument("--mean", type=float, default=1.5, help="seconds between two faults")
    parser.add_argument("--patience", type=float, default=180.0, help="seconds for all to end, at the end")
    parser.add_argument("--real", type=float, default=0.02, help="share of tasks that are notebooks (process only)")
    parser.add_argument("--break", dest="broken", choices=["twice", "never"], default="")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--judge", type=Path)
    given = parser.parse_args()
    if given.judge:
        record = read(given.judge)
        wrong = judge(record)
        print(summary(record, wrong, given.judge / "events.jsonl"))
        return 1 if wrong else 0
    options = Options(
        runs=given.runs,
        schedulers=given.schedulers,
        store=given.store,
        executor=given.executor,
        seed=given.seed,
        tick_s=given.tick,
        mean_s=given.mean,
        patience_s=given.patience,
        real=given.real if given.executor == "process" else 0.0,
        broken=given.broken,
    )
    print(options, flush=True)
    with tempfile.TemporaryDirectory(prefix="lentiq-chaos-") as temporary:
        folder, shop = Path(temporary) / "run", Path(temporary) / "shop"
        shop.mkdir()
        make_block(options.executor, shop)
        began = time.monotonic()
        try:
            record, wrong = unleash(options, folder, shop)
        finally:
            if given.keep:
                given.keep.mkdir(parents=True, exist_ok=True)
                for name in KEPT:
                    with contextlib.suppress(FileNotFoundError):
                        shutil.copy(folder / name, given.keep / name)
        print(summary(record, wrong, folder / "events.jsonl"))
        print(f"{time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
