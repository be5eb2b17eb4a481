"""What every executor promises, over the real ones."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from pathlib import Path

import pytest
from executor_blocks import Bench, wait_for

from lentiq_jupyter.errors import BadInput, Conflict, LentiqError, NotFound
from lentiq_jupyter.model import BlockKind, Cause, Execution, ExecutionState, Job, Resources

SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(120)"


def test_job_runs_and_brings_its_results_home(bench: Bench, tmp_path: Path) -> None:
    name = bench.start("print('six', 2 * 3)", inputs={"code": "print('six', 2 * 3)", "text": "t", "data": [1, None]})
    end = bench.ended(name)
    assert end == Execution(
        name=name,
        state=ExecutionState.SUCCEEDED,
        starts=1,
        started_at=end.started_at,
        ended_at=end.ended_at,
        exit_code=0,
        peak_memory_bytes=end.peak_memory_bytes,
        cpu_s=end.cpu_s,
    )
    assert end.started_at is not None
    assert end.ended_at is not None
    assert end.started_at < end.ended_at
    assert bench.executor.log(name).decode() == (
        "[1/5] code = ''\n[2/5] # Inputs of this run\n[3/5] print('begin')\nbegin\n[4/5] exec(code, globals())\nsix 6\n"
        '[5/5] from lentiq_jupyter import output\noutput text = "t"\noutput data = [1, null]\n'
    )
    found = bench.results(name, tmp_path / "results")
    notebook = found.pop("notebook")
    assert found.pop("usage").keys() == {"peak_memory_bytes", "cpu_s"}  # type: ignore[union-attr]
    assert found == {
        "outputs": {"text": "t", "data": [1, None]},
        "progress": {"done": 5, "total": 5, "cell": None},
    }
    assert isinstance(notebook, dict)
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2, 3, 4, 5]  # type: ignore[index,union-attr]


def test_hostile_input_values_arrive_as_they_are(bench: Bench, tmp_path: Path) -> None:
    text = '\'; import os; $(id) `id` """ \\ \n\t ${{ x }} %s {0} \x00é☃\U0001f600'
    data = {"'": [text], "\\": {"n": -1e300, "deep": [[[]]]}, "</script>": True}
    name = bench.start(inputs={"code": "", "text": text, "data": data})
    assert bench.ended(name).state is ExecutionState.SUCCEEDED
    assert bench.results(name, tmp_path)["outputs"] == {"text": text, "data": data}


def test_start_twice_runs_once(bench: Bench, tmp_path: Path) -> None:
    job = bench.job("print('ran')")
    bench.executor.start(job)
    bench.executor.start(job)
    bench.again().start(job)
    first = bench.ended(job.name)
    bench.again().start(job)
    assert bench.executor.inspect(job.name) == first
    assert first.starts == 1
    assert bench.executor.log(job.name).count(b"ran\n") == 1


def test_two_that_start_at_once_run_it_once(bench: Bench) -> None:
    job = bench.job("print('ran')")
    errors: list[LentiqError] = []

    def start() -> None:
        try:
            bench.again().start(job)
        except LentiqError as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert bench.ended(job.name).starts == 1
    assert bench.executor.log(job.name).count(b"ran\n") == 1


def test_forbidden_job_never_starts(bench: Bench) -> None:
    job = bench.job("print('ran')")
    assert bench.executor.forbid(job.name, bench.pool) is True
    assert bench.again().forbid(job.name, bench.pool) is True
    for executor in (bench.executor, bench.again()):
        with pytest.raises(Conflict, match=job.name):
            executor.start(job)
        assert executor.inspect(job.name) is None
        assert executor.find(bench.pool) == {}
    bench.executor.stop(job.name)
    with pytest.raises(Conflict, match=job.name):
        bench.executor.start(job)
    # Nobody who could start it is left.
    bench.executor.remove(job.name)
    bench.executor.start(job)
    assert bench.ended(job.name).starts == 1


def test_job_that_has_started_is_not_forbidden(bench: Bench) -> None:
    name = bench.start("")
    assert bench.again().forbid(name, bench.pool) is False
    end = bench.ended(name)
    assert end.state is ExecutionState.SUCCEEDED
    assert bench.executor.forbid(name, bench.pool) is False
    assert bench.executor.inspect(name) == end


def test_start_and_forbid_at_once_agree(bench: Bench) -> None:
    refused: list[str] = []

    def start(job: Job) -> None:
        try:
            bench.again().start(job)
        except Conflict:
            refused.append(job.name)

    jobs = [bench.job("") for _ in range(3)]
    threads = [threading.Thread(target=start, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    forbidden = {job.name for job in jobs if bench.executor.forbid(job.name, bench.pool)}
    for thread in threads:
        thread.join()
    assert set(refused) == forbidden
    assert {job.name for job in jobs if bench.executor.inspect(job.name) is not None} == {
        job.name for job in jobs
    } - forbidden


def test_stop_before_the_start_is_no_stop(bench: Bench) -> None:
    job = bench.job("")
    bench.executor.stop(job.name)
    bench.executor.start(job)
    end = bench.ended(job.name)
    assert (end.state, end.stopped) == (ExecutionState.SUCCEEDED, False)


def test_another_executor_takes_a_running_job_over(bench: Bench) -> None:
    name = bench.start(SLEEP, name=f"lentiq-{bench.pool}-train.3-1")
    bench.names.append(name)
    other = bench.again()
    told: list[str] = []
    unsubscribe = other.subscribe(bench.pool, told.append)
    bench.says(name, "asleep\n")
    assert other.find(bench.pool)[name].state is ExecutionState.RUNNING
    other.stop(name, 10)
    wait_for("word", lambda: told == [name])
    end = other.inspect(name)
    assert end is not None
    assert (end.state, end.exit_code, end.stopped, end.cause) == (ExecutionState.FAILED, 143, True, Cause.CANCELLED)
    unsubscribe()


def test_find_gives_the_jobs_of_the_pool_alone(bench: Bench) -> None:
    ended = bench.start("")
    bench.ended(ended)
    running = bench.start(SLEEP)
    other = bench.start(SLEEP, pool="somebody-else")
    assert {name: one.state for name, one in bench.again().find(bench.pool).items()} == {
        ended: ExecutionState.SUCCEEDED,
        running: ExecutionState.RUNNING,
    }
    assert other in bench.executor.find("somebody-else")


def test_log_and_notebook_grow_while_it_runs(bench: Bench, tmp_path: Path) -> None:
    name = bench.start(SLEEP)
    bench.says(name, "asleep\n")
    assert bench.state(name) is ExecutionState.RUNNING
    whole = bench.executor.log(name)
    assert bench.executor.log(name, 10) == whole[10:]
    assert bench.executor.log(name, len(whole)) == b""
    assert bench.executor.log(name, 3, 7) == whole[3:10]
    assert bench.executor.log(name, len(whole) - 2, 7) == whole[-2:]
    found = bench.results(name, tmp_path)
    assert found["progress"] == {"done": 3, "total": 5, "cell": 3}
    notebook = found["notebook"]
    assert isinstance(notebook, dict)
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2, 3, None, None]  # type: ignore[index,union-attr]
    assert notebook["cells"][2]["outputs"][0]["text"] == ["begin\n"]  # type: ignore[index]


def test_stop_reaches_the_notebook(bench: Bench, tmp_path: Path) -> None:
    name = bench.start(f"try:\n    {SLEEP.replace(chr(10), chr(10) + '    ')}\nfinally:\n    print('tidied')")
    bench.says(name, "asleep\n")
    began = time.monotonic()
    bench.executor.stop(name, 60)
    assert time.monotonic() - began < 50  # no need to wait for the end of the grace
    end = bench.ended(name)
    assert (end.state, end.exit_code, end.stopped) == (ExecutionState.FAILED, 143, True)
    assert bench.executor.log(name).endswith(b"tidied\nstopped as asked\n")
    notebook = bench.results(name, tmp_path)["notebook"]
    assert "tidied" in json.dumps(notebook)
    assert "KeyboardInterrupt" in json.dumps(notebook)


def test_stop_kills_after_the_grace(bench: Bench) -> None:
    deaf = "import time\nprint('deaf', flush=True)\nwhile True:\n    try:\n        time.sleep(60)\n"
    name = bench.start(deaf + "    except KeyboardInterrupt:\n        pass")
    bench.says(name, "deaf\n")
    bench.executor.stop(name, 1)
    end = bench.ended(name, 10)
    assert (end.state, end.exit_code, end.stopped) == (ExecutionState.FAILED, 137, True)


def test_memory_hog_is_killed_and_says_so_while_its_sibling_lives(bench: Bench) -> None:
    sibling = bench.start(SLEEP)
    resources = Resources(cpu_millicores=1000, memory_bytes=2**28)
    hog = bench.start("kept = []\nwhile True:\n    kept.append(bytearray(2**24))", resources=resources)
    end = bench.ended(hog)
    assert (end.state, end.cause, end.reason) == (
        ExecutionState.FAILED,
        Cause.OUT_OF_MEMORY,
        "killed: used more than 256Mi of memory",
    )
    assert bench.state(sibling) is ExecutionState.RUNNING


def test_failing_cell_is_named_in_the_reason(bench: Bench, tmp_path: Path) -> None:
    name = bench.start("raise ValueError('no rows\\nat all')")
    end = bench.ended(name)
    assert (end.state, end.exit_code, end.reason, end.stopped, end.cause) == (
        ExecutionState.FAILED,
        1,
        "ValueError: no rows (cell 4)",
        False,
        Cause.CELL_FAILED,
    )
    error = bench.results(name, tmp_path)["error"]
    assert isinstance(error, dict)
    assert (error["ename"], error["evalue"], error["cell"]) == ("ValueError", "no rows\nat all", 3)
    log = bench.executor.log(name)
    assert b"ValueError: no rows" in log
    assert b"\x1b[" not in log


def test_kernel_that_ends_itself_is_an_exit_code(bench: Bench) -> None:
    end = bench.ended(bench.start("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    assert (end.state, end.exit_code, end.stopped) == (ExecutionState.FAILED, 3, False)
    assert end.cause in (Cause.EXIT_CODE, Cause.CELL_FAILED)


def test_processor_time_and_memory_are_measured_while_it_runs(bench: Bench) -> None:
    name = bench.start(
        "import time\nkept = b'x' * 100_000_000\nwhile time.process_time() < 2: pass\n"
        "print('used', flush=True)\ntime.sleep(120)"
    )
    bench.says(name, "used\n")

    def measured() -> Execution | None:
        found = bench.executor.inspect(name)
        return found if found and (found.cpu_s or 0) >= 1.5 else None

    running = wait_for("figures", measured, 20)
    assert running.state is ExecutionState.RUNNING
    assert running.peak_memory_bytes is not None
    assert 100_000_000 < running.peak_memory_bytes < 400_000_000
    bench.executor.stop(name, 0)
    end = bench.ended(name)
    assert end.cpu_s is not None
    assert running.cpu_s is not None
    assert running.cpu_s <= end.cpu_s < 60


def test_secrets_reach_the_notebook_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    code = "import os\nprint(os.environ['TOKEN'][::-1])"
    name = bench.start(code, secrets={"TOKEN": "hunter2-and-more"})
    assert bench.ended(name).state is ExecutionState.SUCCEEDED
    assert b"erom-dna-2retnuh\n" in bench.executor.log(name)
    bench.executor.collect(name, tmp_path)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir()) + bench.executor.log(name)
    assert b"hunter2" not in written


def test_job_without_network_has_none(bench: Bench) -> None:
    code = (
        "import socket\n"
        "try:\n    socket.create_connection(('1.1.1.1', 53), 3)\nexcept OSError as error:\n    print(error.strerror)"
    )
    name = bench.start(code, allow_network=False)
    assert bench.ended(name).state is ExecutionState.SUCCEEDED
    assert b"Network is unreachable\n" in bench.executor.log(name)


def test_end_is_told_once_and_soon(bench: Bench) -> None:
    told: list[tuple[str, float]] = []
    unsubscribe = bench.executor.subscribe(bench.pool, lambda name: told.append((name, time.time())))
    other: list[str] = []
    elsewhere = bench.again().subscribe(bench.pool, other.append)
    stranger: list[str] = []
    away = bench.again().subscribe("somebody-else", stranger.append)
    name = bench.start("")
    end = bench.ended(name)
    wait_for("word", lambda: told and other)
    time.sleep(1.2)
    assert [one for one, _ in told] == [name]
    assert other == [name]
    assert stranger == []
    assert end.ended_at is not None
    assert told[0][1] - end.ended_at.timestamp() < 1
    for stop in (unsubscribe, elsewhere, away):
        stop()
    bench.ended(bench.start(""))
    time.sleep(0.3)
    assert [one for one, _ in told] == [name]


def test_removed_job_is_forgotten_and_a_running_one_is_not(bench: Bench) -> None:
    name = bench.start(SLEEP)
    bench.executor.remove(name)
    assert bench.state(name) is ExecutionState.RUNNING
    bench.executor.stop(name, 0)
    bench.ended(name)
    bench.executor.remove(name)
    assert bench.executor.inspect(name) is None
    assert bench.executor.find(bench.pool) == {}
    with pytest.raises(NotFound, match=name):
        bench.executor.log(name)
    with pytest.raises(NotFound, match=name):
        bench.executor.collect(name, Path("/nowhere"))


def test_unknown_names_are_ignored(bench: Bench) -> None:
    assert bench.executor.inspect("lentiq-none") is None
    bench.executor.stop("lentiq-none")
    bench.executor.remove("lentiq-none")


def test_inputs_too_large_for_an_environment_are_refused(bench: Bench) -> None:
    job = bench.job(inputs={"code": "", "text": "x" * 200_000, "data": None})
    with pytest.raises(BadInput, match="at most 122880 are passed by value"):
        bench.executor.start(job)
    assert bench.executor.inspect(job.name) is None


@pytest.mark.network
def test_image_block_needs_docker(process_bench: Bench) -> None:
    block = process_bench.block
    image = dataclasses.replace(block, spec=dataclasses.replace(block.spec, kind=BlockKind.IMAGE))
    with pytest.raises(BadInput, match="Run it with the docker executor"):
        process_bench.executor.start(process_bench.job(block=image))
