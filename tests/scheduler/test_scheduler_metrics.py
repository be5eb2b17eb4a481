"""What a scheduler counts, as Prometheus reads it."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from lentiq_jupyter.model import RunState, TaskState
from lentiq_jupyter.scheduler.metrics import Meters


def samples(meters: Meters) -> dict[tuple[str, ...], float]:
    """By name and label values; without the times at which series were made."""
    return {
        (one.name, *(value for key, value in one.labels.items() if key != "le")): one.value
        for family in text_string_to_metric_families(generate_latest(meters.registry()).decode())
        for one in family.samples
        if not one.name.endswith(("_created", "_bucket"))
    }


def test_everything_that_is_counted_is_shown() -> None:
    meters = Meters()
    meters.run_started()
    meters.run_started(late_s=-0.5)
    meters.run_ended(RunState.FAILED)
    meters.task_started("default", 2.5)
    meters.task_ended("default", TaskState.SUCCEEDED, 7.0)
    meters.ticked(0.03)
    meters.lease(True)
    meters.in_flight(2, 1)
    assert samples(meters) == {
        ("lentiq_runs_started_total",): 2.0,
        ("lentiq_runs_ended_total", "FAILED"): 1.0,
        ("lentiq_start_late_seconds_count",): 1.0,
        ("lentiq_start_late_seconds_sum",): 0.0,
        ("lentiq_task_wait_seconds_count", "default"): 1.0,
        ("lentiq_task_wait_seconds_sum", "default"): 2.5,
        ("lentiq_task_run_seconds_count", "default", "SUCCEEDED"): 1.0,
        ("lentiq_task_run_seconds_sum", "default", "SUCCEEDED"): 7.0,
        ("lentiq_tick_seconds_count",): 1.0,
        ("lentiq_tick_seconds_sum",): 0.03,
        ("lentiq_lease_held",): 1.0,
        ("lentiq_starts_in_flight",): 2.0,
        ("lentiq_finishes_in_flight",): 1.0,
    }


def test_two_schedulers_of_one_process_do_not_mix() -> None:
    first, second = Meters(), Meters()
    first.ticked(1.0)
    assert samples(second)["lentiq_tick_seconds_count",] == 0.0
