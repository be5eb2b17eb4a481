"""``%lentiq``: one line in a notebook, thin over the service."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

from ..connect import connect
from ..errors import BadInput, LentiqError, Unavailable
from ..model import (
    DEFAULT_RESOURCES,
    Block,
    BlockQuery,
    Drift,
    Inspection,
    Json,
    LiveKernel,
    ProgressEvent,
    PublishRequest,
    Reporter,
    Resources,
    Run,
    RunState,
    Step,
    Workflow,
    newest,
    parse_cpu,
    parse_memory,
    parse_value,
)
from . import inspection, tables
from .completing import Completer
from .texts import drift_lines, workflow_text
from .words import HelpWanted, parse

if TYPE_CHECKING:
    from ..interfaces import Service
    from ..panels import RunPanel, WorkflowPanel

POLL_S = 0.5
_CELL = ("%lentiq workflow takes a cell.", "Write %%lentiq workflow NAME, and the workflow in YAML below it.")
_LINE = ("Only workflow takes a cell.", "Write %lentiq with one % for all else.")


class LentiqMagic:
    """The magic, callable with a line.

    Parameters
    ----------
    service : callable giving the Service, asked at each line
    variables : mapping
        The user's variables; some front ends leave the notebook's path there.
    """

    def __init__(self, service: Callable[[], Service], variables: Mapping[str, object]) -> None:
        self._service = service
        self._variables = variables

    def __call__(self, line: str, cell: Optional[str] = None) -> object:
        """Do what the line says and return what it is about; an error is one sentence on stderr and None."""
        try:
            words = parse(line)
            if (cell is not None) != (words.verb == "workflow"):
                raise BadInput(*_CELL if words.verb == "workflow" else _LINE)
            words.cell = cell
            verb: Callable[[argparse.Namespace], object] = getattr(self, "_" + words.verb)
            return verb(words)
        except HelpWanted as wanted:
            sys.stdout.write(str(wanted))
        except LentiqError as error:
            sys.stderr.write(f"{error}\n")
        except KeyboardInterrupt:
            sys.stderr.write("Stopped as asked.\n")
        return None

    def _inspect(self, words: argparse.Namespace) -> Inspection:
        path = words.notebook or this_notebook(self._variables, "inspect")
        return self._service().inspect(
            path,
            kernel=words.kernel,
            no_kernel=words.no_kernel,
            add=tuple(words.add),
            remove=tuple(words.remove),
            live=_this_kernel(words),
        )

    def _publish(self, words: argparse.Namespace) -> Block:
        path = words.notebook or this_notebook(self._variables)
        saved = _age(path)
        sys.stdout.write(f"Publishing {path}{saved}\n")
        request = PublishRequest(
            path=path,
            name=words.name,
            version=words.version,
            description=words.description,
            kernel=words.kernel,
            no_kernel=words.no_kernel,
            builder=words.builder,
            base=words.base,
            add=tuple(words.add),
            remove=tuple(words.remove),
            include_files=tuple(words.include),
            exclude_files=tuple(words.exclude),
            add_system=tuple(words.add_system),
            remove_system=tuple(words.remove_system),
            secrets=tuple(words.secret),
            resources=_resources(words.cpu, words.memory, DEFAULT_RESOURCES) if words.cpu or words.memory else None,
            verify=not words.no_verify,
            proof=words.proof,
            live=_this_kernel(words),
        )
        result = self._service().publish(request, Reporter(_Lines().show))
        proof = result.block.verification
        for repair in proof.repairs:
            sys.stdout.write(f"repaired: {repair}\n")
        for note in result.notes:
            if note not in proof.repairs:
                sys.stdout.write(f"{note}\n")
        took = sum(result.seconds.values())
        sys.stdout.write(f"{result.block.reference}: {result.bytes_sent:,} bytes sent, {took:.1f} s\n")
        sys.stdout.write(f"{proof.verdict}{': ' + proof.evidence if proof.evidence else ''}\n")
        return result.block

    def _blocks(self, words: argparse.Namespace) -> object:
        query = BlockQuery(
            words=" ".join(words.words), owner=words.owner, input=words.input, deprecated=not words.no_deprecated
        )
        asked = query != BlockQuery()
        empty = "No block matches." if asked else "There are no blocks yet. Make this notebook one: %lentiq publish"
        return tables.blocks(self._service().blocks(query), empty)

    def _show(self, words: argparse.Namespace) -> Block:
        return self._service().block(words.block)

    def _drift(self, words: argparse.Namespace) -> Drift:
        path = words.notebook or this_notebook(self._variables, "drift")
        live = _this_kernel(argparse.Namespace(notebook=words.notebook, kernel=None, no_kernel=False))
        found = self._service().drift(path, packages=words.packages, live=live if words.packages else None)
        sys.stdout.write("\n".join(drift_lines(found, path)) + "\n")
        return found

    def _workflow(self, words: argparse.Namespace) -> Workflow:
        service = self._service()
        saved = service.save_workflow(service.read_workflow(workflow_text(words.cell, words.name), words.project))
        sys.stdout.write(f"Saved {saved.name} in project {saved.project}, revision {saved.revision}.\n")
        if words.start:
            sys.stdout.write(f"Run {service.start_workflow(saved.name, saved.project).id}\n")
        return saved

    def _start(self, words: argparse.Namespace) -> Run:
        return self._service().start_workflow(words.workflow, words.project)

    def _logs(self, words: argparse.Namespace) -> None:
        service = self._service()
        run = service.run(words.run)
        if words.task is not None:
            wanted = [words.task]
        else:
            executed = [one for one in run.tasks if one.started_at is not None and not one.is_group]
            wanted = [f"{one.label}@{one.attempt}" for one in executed]
        offsets: dict[str, int] = {}
        if words.follow and words.task is None:
            _follow(service, run, cancels=False)
            return
        while True:
            # Asked before reading: what was printed until the end is then read for certain.
            going = words.follow and not service.run(run.id).state.ended
            for task in wanted:
                if len(wanted) > 1:
                    sys.stdout.write(f"==> {task} <==\n")
                _write_log(service, run, task, offsets)
            if not going:
                return
            time.sleep(POLL_S)

    def _compose(self, words: argparse.Namespace) -> WorkflowPanel:
        panels = _panels()
        service = self._service()
        workflow = service.workflow(words.workflow, words.project) if words.workflow else None
        made: WorkflowPanel = panels.WorkflowPanel(workflow, service)
        return made

    def _watch(self, words: argparse.Namespace) -> RunPanel:
        made: RunPanel = _panels().RunPanel(words.run, self._service())
        return made

    def _run(self, words: argparse.Namespace) -> Run:
        service = self._service()
        block = service.block(words.block)
        resources = _resources(words.cpu, words.memory, block.spec.resources)
        values = _values(block, words.input)
        run = service.run_block(block.reference, values, resources=resources, project=words.project)
        sys.stdout.write(f"Run {run.id} of {block.reference}\n")
        return run if words.no_wait else _follow(service, run)

    def _runs(self, words: argparse.Namespace) -> object:
        if words.run is not None:
            return self._service().run(words.run)
        return tables.runs(self._service().runs(project=words.project, limit=20))

    def _workflows(self, words: argparse.Namespace) -> object:
        return tables.workflows(self._service().workflows(words.project))

    def _status(self, words: argparse.Namespace) -> object:
        return tables.status(self._service().status())


def _panels() -> Any:
    try:
        from .. import panels
    except ImportError as error:  # publishing and running need no widgets
        raise Unavailable(f"The panel needs {error.name}.", "%pip install anywidget ipywidgets") from error
    return panels


def register(ipython: Any) -> None:
    """Add ``%lentiq`` to a shell, and let blocks, runs and inspections show themselves as tables."""
    ipython.register_magic_function(LentiqMagic(connect, ipython.user_ns), "line_cell", "lentiq")
    ipython.set_hook("complete_command", Completer(connect), str_key="%lentiq")
    ipython.set_hook("complete_command", Completer(connect), str_key="%%lentiq")
    formatters = ipython.display_formatter.formatters
    formatters["text/html"].for_type(Inspection, inspection.as_html)
    formatters["text/plain"].for_type(Inspection, lambda one, printer, cycle: printer.text(inspection.as_text(one)))
    for mime, show in (("text/html", "_repr_html_"), ("text/plain", "__repr__")):
        formatter = formatters[mime]
        plain = mime == "text/plain"
        formatter.for_type(Block, _shown(tables.blocks, show, plain))
        formatter.for_type(Run, _shown(tables.runs, show, plain))


def _shown(table: Callable[[list[Any]], Any], method: str, plain: bool) -> Callable[..., Any]:
    """A display formatter; the one for plain text writes on the printer it is given."""
    if plain:
        return lambda one, printer, cycle: printer.text(getattr(table([one]), method)())
    return lambda one: getattr(table([one]), method)()


def this_notebook(variables: Mapping[str, object], verb: str = "publish") -> str:
    """The notebook that this kernel runs, as far as it is known.

    ``JPY_SESSION_NAME`` is the path at the kernel's start, wrong after a rename, so it only counts
    while there is such a file; VS Code leaves the path in a variable.

    Raises
    ------
    BadInput
        If it is not known.
    """
    for hint in (variables.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if isinstance(hint, str) and hint.endswith(".ipynb") and os.path.isfile(hint):
            return hint
    raise BadInput("Which notebook this is cannot be told (it may have been renamed).", f"%lentiq {verb} NOTEBOOK")


def _this_kernel(words: argparse.Namespace) -> LiveKernel | None:
    """What this kernel says of itself, where its own notebook is meant; None where another one is."""
    if words.notebook or words.kernel or words.no_kernel:
        return None
    modules = tuple(sorted(name for name in list(sys.modules) if isinstance(name, str)))
    return LiveKernel(python=sys.executable or "", modules=modules, busy=True)


def _age(path: str) -> str:
    try:
        return time.strftime(" as saved at %H:%M:%S", time.localtime(os.path.getmtime(path)))
    except OSError:  # the service says what is wrong with it
        return ""


def _resources(cpu: str | None, memory: str | None, default: Resources) -> Resources:
    return Resources(
        cpu_millicores=parse_cpu(cpu) if cpu else default.cpu_millicores,
        memory_bytes=parse_memory(memory) if memory else default.memory_bytes,
    )


def _values(block: Block, words: list[str]) -> dict[str, Json]:
    known = {one.name: one for one in block.spec.inputs}
    values: dict[str, Json] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in known:
            raise BadInput(
                f"{word!r} gives no input of {block.reference}.", f"Its inputs: {', '.join(known) or 'none'}."
            )
        values[name] = parse_value(known[name], text)
    return values


class _Lines:
    """Writes progress, a line whenever the words change."""

    def __init__(self) -> None:
        self._last: tuple[object, str] | None = None
        self._round = 1

    def show(self, event: ProgressEvent) -> None:
        if (event.step, event.message) != self._last:
            before, self._last = self._last, (event.step, event.message)
            if before and before[0] is Step.VERIFY and event.step in (Step.ANALYSE, Step.RESOLVE, Step.BUILD):
                # The proof found something missing, and the build begins again.
                self._round += 1
                sys.stdout.write(f"{'':>8}  round {self._round}\n")
            sys.stdout.write(f"{event.step:>8}  {event.message}\n")


def _follow(service: Service, run: Run, *, cancels: bool = True) -> Run:
    """Write the run's log until its end; an interrupt cancels it, unless the run is only looked at."""
    offsets: dict[str, int] = {}
    told = ""
    try:
        while True:
            run = service.run(run.id)
            for one in run.tasks:
                if one.started_at is not None and not one.is_group:
                    _write_log(service, run, f"{one.label}@{one.attempt}", offsets)
            now = f"{run.state}{_reason(run)}"
            if now != told:
                sys.stdout.write(f"{now}\n")
                told = now
            if run.state.ended:
                break
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        if not cancels:
            raise
        run = service.cancel_run(run.id)
        sys.stderr.write(f"Run {run.id} is being cancelled.\n")
        return run
    if run.state is not RunState.SUCCEEDED:
        sys.stderr.write(f"Run {run.id} ended {run.state}{_reason(run)}\n")
    return run


def _write_log(service: Service, run: Run, task: str, offsets: dict[str, int]) -> None:
    """Write what one attempt has printed since; a log comes in pieces."""
    while text := service.log(run.id, task, offsets.get(task, 0)):
        offsets[task] = offsets.get(task, 0) + len(text.encode())
        sys.stdout.write(text)


def _reason(run: Run) -> str:
    reason = next((one.reason for one in newest(run.tasks) if one.reason), run.reason)
    return f": {reason}" if reason else ""
