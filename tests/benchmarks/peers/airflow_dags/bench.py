"""The workloads as Airflow's DAGs; the record's path comes with the trigger."""

import shlex
import sys
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

sys.path.insert(0, str(Path(__file__).parents[1]))
import itertools

from answering import AT_ONCE, CHAIN, FAN, command


def step(name: str) -> BashOperator:
    words = command("RECORD", name)
    text = " ".join(shlex.quote(word) for word in words).replace("RECORD", "{{ dag_run.conf['record'] }}")
    return BashOperator(task_id=name, bash_command=f"exec {text}")


with DAG("chain", schedule=None, is_paused_upon_creation=False):
    steps = [step(f"t{number}") for number in range(CHAIN)]
    for before, after in itertools.pairwise(steps):
        before >> after

with DAG("fan", schedule=None, is_paused_upon_creation=False, max_active_tasks=AT_ONCE):
    [step(f"t{number}") for number in range(FAN)] >> step("join")
