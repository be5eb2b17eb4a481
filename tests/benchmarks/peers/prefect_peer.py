"""Prefect 3 with a server of its own over SQLite, served or called directly: ``prefect_peer.py [direct]``.

Served: the flow is a deployment that a runner watches, looking every second (its default is ten), and starts in a
process of its own. Direct: the flow is called in this warm process, which reports to the server; nothing
would start it again were this process gone.
"""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from answering import AT_ONCE, CHAIN, FAN, answer, command

PORT = os.environ.get("BENCHMARK_PORT", "4277")
os.environ.update(
    PREFECT_HOME=os.environ["BENCHMARK_FOLDER"],
    PREFECT_API_URL=f"http://127.0.0.1:{PORT}/api",
    PREFECT_RUNNER_POLL_FREQUENCY="1",
    PREFECT_LOGGING_LEVEL="WARNING",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
)

from prefect import flow, serve, task  # noqa: E402  # it reads its settings at import
from prefect.deployments import run_deployment  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402


@task
def step(record: str, name: str) -> None:
    subprocess.run(command(record, name), check=True)


@flow
def chain(record: str) -> None:
    for number in range(CHAIN):
        step(record, f"t{number}")


@flow(task_runner=ThreadPoolTaskRunner(max_workers=AT_ONCE))
def fan(record: str) -> None:
    steps = [step.submit(record, f"t{number}") for number in range(FAN)]
    step.submit(record, "join", wait_for=steps).wait()


def reachable() -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/health", timeout=2).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def served(name: str, record: str) -> None:
    run_deployment(f"{name}/bench", parameters={"record": record}, timeout=0)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve(chain.to_deployment("bench"), fan.to_deployment("bench"))
        sys.exit()
    prefect = Path(sys.executable).with_name("prefect")
    processes = [
        subprocess.Popen(
            [sys.executable, str(prefect), "server", "start", "--host", "127.0.0.1", "--port", PORT, "--no-ui"],
            stdout=2,
        )
    ]
    try:
        while not reachable():
            time.sleep(0.3)
            assert processes[0].poll() is None, "the server does not start"
        if sys.argv[1:] == ["direct"]:
            answer({"chain": chain, "fan": fan})
        else:
            processes.append(subprocess.Popen([sys.executable, __file__, "serve"], stdout=2))
            # The runner registers its deployments before it watches them.
            time.sleep(15)
            answer({"chain": lambda record: served("chain", record), "fan": lambda record: served("fan", record)})
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait()
