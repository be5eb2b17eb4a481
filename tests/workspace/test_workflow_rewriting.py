"""A workflow goes back into its file: what nobody changed keeps its bytes."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_service import FakeService
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_workflow_file import workflows

from lentiq_jupyter.cli import app
from lentiq_jupyter.magics.magic import LentiqMagic
from lentiq_jupyter.model import DEFAULT_RESOURCES, Task, Workflow, decode, encode
from lentiq_jupyter.panels import WorkflowPanel
from lentiq_jupyter.workspace.workflow_file import read_workflow, write_workflow
from lentiq_jupyter.workspace.workflow_rewriting import rewrite_workflow

FILE = """\
# Nightly figures
workflow: nightly   # keep this name
tasks:
  # cleans
  clean:
    block: clean@3   # pinned
    inputs:
      country: 'RO'  # where
      limit: 10
    memory: 1Gi

  # trains
  train: {block: train@1, inputs: {table: "${{ tasks.clean.outputs.table }}"},   cpu: 2}  # heavy
  # tells
  tell:
    block: tell@1
    after:
      - train
      - clean
# the end
"""
WORKFLOW = read_workflow(FILE)
CLEAN, TRAIN, TELL = WORKFLOW.tasks
change = dataclasses.replace


def tasks(*changed: Task) -> Workflow:
    return change(WORKFLOW, tasks=changed)


# What changes, and the lines of the file that it turns into others.
CHANGES: dict[str, tuple[Workflow, list[tuple[str, str]]]] = {
    "value": (
        tasks(change(CLEAN, inputs={"country": "DE", "limit": 10}), TRAIN, TELL),
        [("'RO'  # where", "DE  # where")],
    ),
    "new and gone inputs": (
        tasks(change(CLEAN, inputs={"country": "RO", "days": [1, 2]}), TRAIN, TELL),
        [("      limit: 10\n", "      days: [1, 2]\n")],
    ),
    "new fields": (
        tasks(change(CLEAN, retries=2), change(TRAIN, reuse=True), TELL),
        [("    memory: 1Gi\n", "    memory: 1Gi\n    retries: 2\n"), ("cpu: 2}", "cpu: 2, reuse: true}")],
    ),
    "last field of one line": (
        tasks(CLEAN, change(TRAIN, inputs={}), TELL),
        [("""train@1, inputs: {table: "${{ tasks.clean.outputs.table }}"},   cpu""", "train@1,   cpu")],
    ),
    "list": (tasks(CLEAN, TRAIN, change(TELL, after=("clean",))), [("      - train\n", "")]),
    "gone list": (
        tasks(CLEAN, TRAIN, change(TELL, after=())),
        [("    after:\n      - train\n      - clean\n", "")],
    ),
    "gone task with its comment": (
        tasks(CLEAN, TRAIN),
        [("  # tells\n  tell:\n    block: tell@1\n    after:\n      - train\n      - clean\n", "")],
    ),
    "new task as its neighbours": (
        tasks(CLEAN, TRAIN, TELL, Task(name="more", block="more")),
        [("      - clean\n", "      - clean\n  more:\n    block: more\n    cpu: 500m\n    memory: 1Gi\n")],
    ),
    "first task": (
        tasks(Task(name="zero", block="zero"), *WORKFLOW.tasks),
        [("  # cleans\n", "  zero:\n    block: zero\n    cpu: 500m\n    memory: 1Gi\n  # cleans\n")],
    ),
    "renamed task": (
        tasks(
            change(CLEAN, name="wash"),
            change(TRAIN, inputs={"table": "${{ tasks.wash.outputs.table }}"}, resources=DEFAULT_RESOURCES),
            change(TELL, after=("train", "wash")),
        ),
        [
            ("  clean:\n", "  wash:\n"),
            ("tasks.clean.", "tasks.wash."),
            ("cpu: 2}", "cpu: 500m}"),
            ("- clean", "- wash"),
        ],
    ),
    "head": (
        change(WORKFLOW, name="weekly", description="a: b", paused=True),
        [("nightly   #", "weekly   #"), ("keep this name\n", 'keep this name\ndescription: "a: b"\npaused: true\n')],
    ),
}


@pytest.mark.parametrize("break_", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CHANGES)
def test_only_what_changed_is_written(name: str, break_: str) -> None:
    workflow, lines = CHANGES[name]
    wanted = functools.reduce(lambda text, line: text.replace(*line), lines, FILE)
    base = FILE.replace("\n", break_)
    assert rewrite_workflow(workflow, base) == wanted.replace("\n", break_)
    assert rewrite_workflow(WORKFLOW, base) == base


def test_what_cannot_be_written_between_is_written_anew() -> None:
    turned = tasks(TRAIN, CLEAN, TELL)
    assert rewrite_workflow(turned, FILE) == write_workflow(turned)
    assert rewrite_workflow(WORKFLOW, "workflow: [") == write_workflow(WORKFLOW)
    shared = "workflow: w\ntasks:\n  a: {block: b, inputs: &i {v: 1}}\n  b: {block: b, inputs: *i}\n"
    workflow = read_workflow(shared)
    one, other = workflow.tasks
    apart = change(workflow, tasks=(change(one, inputs={"v": 2}), other))
    assert rewrite_workflow(apart, shared) == write_workflow(apart)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workflows, workflows, st.booleans())
def test_reading_what_was_rewritten_gives_the_workflow(before: Workflow, after: Workflow, alike: bool) -> None:
    if alike:
        after = change(after, tasks=(change(before.tasks[0], inputs=after.tasks[0].inputs), *before.tasks[1:]))
    base = write_workflow(before)
    assert read_workflow(rewrite_workflow(after, base)) == after
    assert rewrite_workflow(before, base) == base


class _Files(FakeService):
    """A service that reads and writes files as the real one does."""

    def workflow_text(self, workflow: Workflow, base: str | None = None) -> str:
        return write_workflow(workflow) if base is None else rewrite_workflow(workflow, base)

    def read_workflow(self, text: str, project: str = "default") -> Workflow:
        return read_workflow(text, project=project)


def by_composer(service: _Files, tmp_path: Path, edit: Callable[[Workflow], Workflow]) -> str:
    """What the document of Lab does over REST, records going through JSON."""
    read = decode(Workflow, encode(service.read_workflow(FILE)))
    return service.workflow_text(decode(Workflow, encode(edit(read))), FILE)


def by_panel(service: _Files, tmp_path: Path, edit: Callable[[Workflow], Workflow]) -> str:
    panel = WorkflowPanel(service.read_workflow(FILE), service)
    try:
        panel.workflow = encode(edit(panel.value))
        return str(panel._questions({"workflow": panel.workflow, "base": FILE})["text"]()["text"])
    finally:
        panel.close()


def by_command(service: _Files, tmp_path: Path, edit: Callable[[Workflow], Workflow]) -> str:
    path = tmp_path / "nightly.workflow.yaml"
    path.write_text(FILE, encoding="utf-8")

    def lentiq(*words: str) -> None:
        assert CliRunner().invoke(app, ["workflow", *words], obj=service).exit_code == 0

    lentiq("apply", str(path))
    service.save_workflow(edit(service.workflow("nightly")))
    lentiq("export", "nightly", "--into", str(path))
    return path.read_text(encoding="utf-8")


def by_magic(service: _Files, tmp_path: Path, edit: Callable[[Workflow], Workflow]) -> str:
    saved = LentiqMagic(lambda: service, {})("workflow nightly", FILE)
    assert isinstance(saved, Workflow)
    return service.workflow_text(edit(saved), FILE)


FACES = {"composer": by_composer, "panel": by_panel, "command": by_command, "magic": by_magic}


@pytest.mark.parametrize("face", FACES)
def test_every_face_gives_a_file_back_as_it_was(face: str, tmp_path: Path) -> None:
    assert FACES[face](_Files(), tmp_path, lambda workflow: workflow) == FILE


@pytest.mark.parametrize("face", FACES)
def test_every_face_writes_the_same_change_into_it(face: str, tmp_path: Path) -> None:
    longer = functools.partial(change, schedule=None, description="longer")
    wanted = FILE.replace("keep this name\n", "keep this name\ndescription: longer\n")
    assert FACES[face](_Files(), tmp_path, longer) == wanted
