"""Airflow 3: its scheduler with LocalExecutor, its API server and its DAG processor, over SQLite.

A run is triggered by the REST API. The scheduler's sleep when idle is Airflow's default of one second.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from answering import AT_ONCE, answer

PORT = os.environ.get("BENCHMARK_PORT", "8277")
HOME = Path(os.environ["BENCHMARK_FOLDER"])
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).with_name("airflow_dags")),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__EXECUTOR="LocalExecutor",
    AIRFLOW__CORE__PARALLELISM=str(AT_ONCE),
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
    AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{PORT}/execution/",
    AIRFLOW__API_AUTH__JWT_SECRET="a benchmark's own, which nobody else ever sees",
    AIRFLOW__API__PORT=PORT,
    AIRFLOW__API__HOST="127.0.0.1",
    AIRFLOW__API__WORKERS="1",
    AIRFLOW__API__BASE_URL=f"http://127.0.0.1:{PORT}",
    PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
)
API = f"http://127.0.0.1:{PORT}"


def ask(path: str, body: object = None, token: str = "") -> object:
    request = urllib.request.Request(
        API + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
    )
    with urllib.request.urlopen(request, timeout=30) as answered:
        return json.load(answered)


def waited(look: object, limit_s: float = 180) -> object:
    end = time.monotonic() + limit_s
    while True:
        try:
            found = look()
            if found:
                return found
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > end:
                raise TimeoutError(f"Airflow does not come up: {error}") from error
        if time.monotonic() > end:
            raise TimeoutError("Airflow does not come up")
        time.sleep(0.5)


if __name__ == "__main__":
    airflow = [sys.executable, str(Path(sys.executable).with_name("airflow"))]
    subprocess.run([*airflow, "db", "migrate"], check=True, stdout=2)
    processes = [
        subprocess.Popen([*airflow, part], stdout=2, start_new_session=True)
        for part in ("api-server", "scheduler", "dag-processor")
    ]
    try:
        token = waited(lambda: ask("/auth/token")["access_token"])
        waited(lambda: {one["dag_id"] for one in ask("/api/v2/dags", token=token)["dags"]} >= {"chain", "fan"})

        def trigger(name: str, record: str) -> None:
            ask(f"/api/v2/dags/{name}/dagRuns", {"conf": {"record": record}, "logical_date": None}, token)

        answer({"chain": lambda record: trigger("chain", record), "fan": lambda record: trigger("fan", record)})
    finally:
        for process in processes:
            os.killpg(process.pid, 15)
        for process in processes:
            process.wait()
