"""Workflow files: what is read, which faults are named where, and that writing then reading gives the same."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lentiq_jupyter.assets import templates
from lentiq_jupyter.errors import Invalid
from lentiq_jupyter.model import Misfire, Resources, Schedule, Task, When, Workflow
from lentiq_jupyter.workspace.workflow_file import NODE_LIMIT, SIZE_LIMIT, read_workflow, write_workflow

NIGHTLY = """\
workflow: nightly-sales
project: team-a
schedule: {start: 2026-12-01T02:00, timezone: Europe/Bucharest, every: 1d, misfire: skip}
tasks:
  clean: {block: clean-sales@3, inputs: {country: NO, day: 2026-12-01, share: 0.5}, cpu: 500m, memory: 1Gi}
  train: {block: train-model, inputs: {table: "${{ tasks.clean.outputs.table }}"}, cpu: 2, memory: 4Gi, after: [clean]}
"""
WORKFLOW = Workflow(
    name="nightly-sales",
    project="team-a",
    schedule=Schedule(
        start=datetime(2026, 12, 1, 0, 0, tzinfo=UTC), timezone="Europe/Bucharest", every="1d", misfire=Misfire.SKIP
    ),
    tasks=(
        Task(
            name="clean",
            block="clean-sales",
            version="3",
            inputs={"country": "NO", "day": "2026-12-01", "share": 0.5},
            resources=Resources(cpu_millicores=500, memory_bytes=2**30),
        ),
        Task(
            name="train",
            block="train-model",
            inputs={"table": "${{ tasks.clean.outputs.table }}"},
            resources=Resources(cpu_millicores=2000, memory_bytes=4 * 2**30),
            after=("clean",),
        ),
    ),
)
SMALL = "workflow: w\ntasks:\n  a: {block: b}\n"


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(Invalid) as caught:
        read_workflow(text)
    return caught.value.faults


def start_of(line: str) -> datetime:
    schedule = read_workflow(f"{SMALL}schedule: {line}\n").schedule
    assert schedule is not None
    return schedule.start


def test_reads_the_documented_example() -> None:
    assert read_workflow(NIGHTLY) == WORKFLOW


def test_writes_a_file_that_reads_like_the_example() -> None:
    assert write_workflow(WORKFLOW) == (
        "workflow: nightly-sales\n"
        "project: team-a\n"
        "schedule: {start: 2026-12-01T02:00, timezone: Europe/Bucharest, every: 1d, misfire: skip}\n"
        "tasks:\n"
        '  clean: {block: clean-sales@3, inputs: {country: "NO", day: "2026-12-01", share: 0.5}, cpu: 500m, '
        "memory: 1Gi}\n"
        '  train: {block: train-model, inputs: {table: "${{ tasks.clean.outputs.table }}"}, cpu: 2, memory: 4Gi, '
        "after: [clean]}\n"
    )


EVERYTHING = """\
workflow: harvest
project: default
priority: -5
tasks:
  load: {block: load@1, cpu: 500m, memory: 1Gi, foreach: [RO, "NO", {day: "2026-12-01", top: 5}], retries: 3, \
retry_delay: 90s, warn_after: 2h}
  count: {block: count@1, cpu: 500m, memory: 1Gi, foreach: "${{ tasks.load.outputs.tables }}", retry_delay: 0.5s, \
reuse: true, warn_after: 1d}
  tell: {block: tell@1, cpu: 500m, memory: 1Gi, after: [load], when: on_failure}
  tidy: {block: tidy@1, cpu: 500m, memory: 1Gi, after: [load], when: always}
"""
HARVEST = Workflow(
    name="harvest",
    project="default",
    priority=-5,
    tasks=(
        Task(
            name="load",
            block="load",
            version="1",
            foreach=["RO", "NO", {"day": "2026-12-01", "top": 5}],
            retries=3,
            retry_delay_s=90.0,
            warn_after_s=7200.0,
        ),
        Task(
            name="count",
            block="count",
            version="1",
            foreach="${{ tasks.load.outputs.tables }}",
            retry_delay_s=0.5,
            reuse=True,
            warn_after_s=86_400.0,
        ),
        Task(name="tell", block="tell", version="1", after=("load",), when=When.ON_FAILURE),
        Task(name="tidy", block="tidy", version="1", after=("load",), when=When.ALWAYS),
    ),
)


def test_every_key_of_a_task_is_read_and_written() -> None:
    assert read_workflow(EVERYTHING) == HARVEST
    assert write_workflow(HARVEST) == EVERYTHING


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30.0), ("5m", 300.0), ("1.5h", 5400.0), ("1d", 86_400.0), ("0s", 0.0), ('"0.25s"', 0.25), ("0.1h", 360.0)],
)
def test_lengths_of_time_are_a_number_and_a_unit(written: str, seconds: float) -> None:
    workflow = read_workflow(f"workflow: w\ntasks: {{a: {{block: b, retry_delay: {written}}}}}")
    assert workflow.tasks[0].retry_delay_s == seconds


def test_faults_of_the_flow_are_named_with_path_and_line() -> None:
    text = (
        "workflow: w\n"
        "priority: 101\n"
        "tasks:\n"
        "  a:\n"
        "    block: b\n"
        "    when: on_error\n"
        "    retries: many\n"
        "    retry_delay: 30\n"
        "    foreach: {a: 1}\n"
        "    reuse: sometimes\n"
        "    warn_after: 0s\n"
        "    retry: 3\n"
        "  c: {block: b, retry_delay: 25h, retries: 1.5}\n"
        "  d: {block: b, retries: true, warn_after: -1h}\n"
    )
    assert faults(text) == (
        "priority (line 2): expected a whole number from -100 to 100",
        "tasks.a.retry (line 12): unknown; did you mean retries?",
        "tasks.a.when (line 6): expected on_success, on_failure, always, not 'on_error'",
        "tasks.a.foreach (line 9): expected a list, as in [RO, DE], or one reference, as in "
        "${{ tasks.NAME.outputs.OUTPUT }}",
        "tasks.a.retries (line 7): expected a whole number from 0 to 100",
        "tasks.a.retry_delay (line 8): '30' is not a length of time. Write a number and a unit: 30s, 5m, 2h or 1d.",
        "tasks.a.reuse (line 10): expected true or false",
        "tasks.a.warn_after (line 11): expected more than 0s",
        "tasks.c.retries (line 13): expected a whole number from 0 to 100",
        "tasks.c.retry_delay (line 13): expected at most 1d",
        "tasks.d.retries (line 14): expected a whole number from 0 to 100",
        "tasks.d.warn_after (line 14): '-1h' is not a length of time. Write a number and a unit: 30s, 5m, 2h or 1d.",
    )


def test_what_a_file_leaves_out_has_defaults() -> None:
    assert read_workflow(SMALL, project="mine") == Workflow(
        name="w", project="mine", tasks=(Task(name="a", block="b"),)
    )


@pytest.mark.parametrize(("written", "cpu"), [("500m", 500), ("2", 2000), ("0.5", 500), ('"1.5"', 1500)])
def test_cpu_is_cores_or_millicores(written: str, cpu: int) -> None:
    workflow = read_workflow(f"workflow: w\ntasks: {{a: {{block: b, cpu: {written}}}}}")
    assert workflow.tasks[0].resources.cpu_millicores == cpu


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("010", 10),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("12:30:45", "12:30:45"),
        ("2026-12-01", "2026-12-01"),
        ("!!str 5", "5"),
        ("[1, {x: a}]", [1, {"x": "a"}]),
    ],
)
def test_values_are_those_of_yaml_1_2(written: str, value: object) -> None:
    read = read_workflow(f"workflow: w\ntasks: {{a: {{block: b, inputs: {{v: {written}}}}}}}").tasks[0].inputs["v"]
    assert (type(read), read) == (type(value), value)


def test_yaml_1_1_directive_changes_no_value() -> None:
    text = "%YAML 1.1\n---\nworkflow: w\ntasks: {a: {block: b, inputs: {country: NO}}}\n"
    assert read_workflow(text).tasks[0].inputs == {"country": "NO"}


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("{start: 2026-07-01T02:00, timezone: Europe/Berlin}", datetime(2026, 7, 1, 0, 0, tzinfo=UTC)),
        ("{start: 2026-07-01}", datetime(2026, 7, 1, tzinfo=UTC)),
        ("{start: 2026-07-01T02:00+05:00, timezone: Europe/Berlin}", datetime(2026, 6, 30, 21, 0, tzinfo=UTC)),
        # Clocks go back at 03:00 on 25 October: 02:30 exists twice and means the first.
        ("{start: 2026-10-25T02:30, timezone: Europe/Berlin}", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("{start: 2026-10-25T02:30+01:00, timezone: Europe/Berlin}", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        # Clocks go forward at 02:00 on 29 March: 02:30 does not exist and moves on to 03:30.
        ("{start: 2026-03-29T02:30, timezone: Europe/Berlin}", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ],
)
def test_start_is_on_the_clock_of_its_time_zone(line: str, start: datetime) -> None:
    assert start_of(line) == start


def test_all_faults_are_named_with_path_and_line() -> None:
    text = (
        "workflow: Nightly\n"
        "projekt: default\n"
        "schedule:\n"
        "  start: soon\n"
        "  timezone: Europe/Berln\n"
        "  every: 15\n"
        "  misfire: never\n"
        "tasks:\n"
        "  a:\n"
        "    blok: b\n"
        "    cpu: lots\n"
        "    memory: -1\n"
        "    inputs: {v: .inf, c: 1, c: 2, 7: x}\n"
        "    after: a\n"
    )
    assert faults(text) == (
        "projekt (line 2): unknown; did you mean project?",
        "workflow (line 1): 'Nightly' is not a workflow name. Use up to 50 lower-case letters, digits and single "
        "hyphens, as in clean-sales.",
        "schedule.timezone (line 5): 'Europe/Berln' is not a time zone; did you mean Europe/Berlin?",
        "schedule.start (line 4): 'soon' is not a time like 2026-12-01T02:00",
        "schedule.every (line 6): expected text; put it in quotes",
        "schedule.misfire (line 7): expected once, all, skip, not 'never'",
        "tasks.a.blok (line 10): unknown; did you mean block?",
        "tasks.a.block (line 10): missing",
        "tasks.a.inputs.c (line 13): given twice",
        "tasks.a.inputs (line 13): a key must be text; put it in quotes",
        "tasks.a.inputs.v (line 13): .inf is not a finite number.",
        "tasks.a.cpu (line 11): 'lots' is not an amount of CPU. Write cores (2, 0.5) or millicores (500m).",
        "tasks.a.memory (line 12): '-1' is not an amount of memory. Write for example 512Mi or 4Gi.",
        "tasks.a.after (line 14): expected a list of task names, as in [clean]",
    )


def test_every_and_cron_together_are_a_fault() -> None:
    assert faults(f'{SMALL}schedule: {{start: 2026-01-01, every: 1d, cron: "0 2 * * *"}}\n') == (
        "schedule.cron (line 4): a schedule repeats either every … or by cron, not both",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "document: empty; begin with a line like workflow: nightly-sales"),
        ("- a\n", "document (line 1): expected key: value lines"),
        (SMALL + "---\nb: 1\n", "document (line 4): not YAML: but found another document"),
        ("workflow: [\n", "document (line 2): not YAML: expected the node content, but found '<stream end>'"),
        ("workflow: w\ntasks: {}\n", "tasks (line 2): a workflow needs at least one task"),
        ("[" * 5000, "document: nested too deeply"),
        ("#" * (SIZE_LIMIT + 1), f"document: longer than {SIZE_LIMIT} characters; pass large values by file"),
    ],
)
def test_what_is_no_workflow_file_is_refused(text: str, fault: str) -> None:
    assert faults(text) == (fault,)


@pytest.mark.parametrize("place", ["{v: %s}", "%s"])
def test_tags_construct_nothing(place: str, tmp_path: object) -> None:
    tagged = place % f"!!python/object/apply:os.mkdir ['{tmp_path}/made']"
    found = faults(f"workflow: w\ntasks: {{a: {{block: b, inputs: {tagged}}}}}")
    assert len(found) == 1
    assert not (tmp_path / "made").exists()  # type: ignore[operator]


def test_aliases_count_as_what_they_repeat() -> None:
    lines = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9)]
    bomb = "workflow: w\ntasks:\n  a:\n    block: b\n    inputs:\n" + "".join(f"      {line}\n" for line in lines)
    assert faults(bomb) == (f"document: more than {NODE_LIMIT} values, aliases counted as what they repeat",)


def test_an_alias_to_itself_is_a_fault() -> None:
    assert faults("workflow: w\ntasks: {a: {block: b, inputs: {v: &v [*v]}}}")[0].endswith(
        "nested deeper than 40 levels"
    )


names = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Monrovia"])


@st.composite
def starts(draw: st.DrawFn) -> datetime:
    if draw(st.booleans()):  # around the hour that exists twice
        return datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 180)))
    naive = draw(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
    return naive.replace(tzinfo=ZoneInfo(draw(zones))).astimezone(UTC)


schedules = st.builds(
    lambda start, zone, repeat, misfire: Schedule(start=start, timezone=zone, misfire=misfire, **repeat),
    starts(),
    zones,
    st.sampled_from([{}, {"every": "15m"}, {"every": "1M"}, {"cron": "*/5 2 * * 1-5"}]),
    st.sampled_from(list(Misfire)),
)
tasks = st.builds(
    Task,
    name=names,
    block=names,
    version=st.none()
    | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(lambda v: v != "latest"),
    inputs=st.dictionaries(texts, json_values, max_size=3),
    resources=st.builds(Resources, cpu_millicores=st.integers(1, 10**6), memory_bytes=st.integers(1, 2**45)),
    after=st.lists(names, max_size=2).map(tuple),
    when=st.sampled_from(list(When)),
    retries=st.integers(0, 100),
    retry_delay_s=st.floats(0, 86_400) | st.integers(0, 1440).map(lambda minutes: minutes * 60.0),
    foreach=st.none() | st.lists(json_values, max_size=3) | texts,
    reuse=st.booleans(),
    warn_after_s=st.none() | st.floats(0, exclude_min=True, allow_infinity=False),
)
workflows = st.builds(
    Workflow,
    name=names,
    project=names,
    tasks=st.lists(tasks, min_size=1, max_size=3, unique_by=lambda task: task.name).map(tuple),
    schedule=st.none() | schedules,
    description=texts,
    paused=st.booleans(),
    priority=st.integers(-100, 100),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workflows)
def test_reading_what_was_written_gives_the_same(workflow: Workflow) -> None:
    assert read_workflow(write_workflow(workflow)) == workflow


def test_a_file_carries_no_revision() -> None:
    assert read_workflow(write_workflow(dataclasses.replace(WORKFLOW, revision=7))) == WORKFLOW


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text("[]{}:,&*!|>%@-\"'\\ \nabcx0#?~", max_size=60))
def test_no_text_raises_anything_but_invalid(text: str) -> None:
    for document in (text, f"workflow: w\ntasks:\n  a: {{block: b, inputs: {{v: {text}}}}}\n"):
        try:
            read_workflow(document)
        except Invalid:
            continue


@pytest.mark.parametrize("path", sorted(templates().glob("workflows/*.yaml")), ids=lambda path: path.name)
def test_example_workflows_are_valid(path: object) -> None:
    text = path.read_text()  # type: ignore[attr-defined]
    workflow = read_workflow(text)
    assert read_workflow(write_workflow(workflow)) == workflow
