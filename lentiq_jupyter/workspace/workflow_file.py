"""Workflows as YAML files: read with every fault and its line, written so that reading gives the same back.

YAML 1.2 (core schema): ``NO`` and ``2026-12-01`` are text. The file is only composed into nodes, and
the values are made here: no tag can construct anything, and aliases are counted as what they expand to.

A schedule's start without an offset is a time on the clock of its time zone. Where clocks are put
back, such a time exists twice and means the first (PEP 495, ``fold=0``); write an offset to mean the
second. Where clocks are put forward, a time that does not exist moves on by the length of the gap.

A length of time is a number and a unit: ``30s``, ``5m``, ``2h``, ``1d``.
"""

from __future__ import annotations

import difflib
import math
import re
import zoneinfo
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Never, NoReturn, TypeVar, cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from ..errors import BadInput, Invalid
from ..model import (
    DEFAULT_RESOURCES,
    Json,
    Misfire,
    Resources,
    Schedule,
    StrEnum,
    Task,
    When,
    Workflow,
    check_name,
    format_cpu,
    format_memory,
    parse_cpu,
    parse_memory,
    split_reference,
)
from ..model.workflow import DELAY_LIMIT_S, PRIORITY_LIMIT, RETRIES_LIMIT

__all__ = ["read_workflow", "workflow_fields", "write_line", "write_workflow"]

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)

SIZE_LIMIT = 2**20
"""Characters of a workflow file: four input values of the largest allowed size."""
NODE_LIMIT = 50_000
DEPTH_LIMIT = 40

_WORKFLOW_KEYS = ("workflow", "project", "description", "paused", "priority", "schedule", "tasks")
_SCHEDULE_KEYS = ("start", "timezone", "every", "cron", "misfire")
_TASK_KEYS = (
    "block", "inputs", "cpu", "memory", "after", "when", "foreach", "retries", "retry_delay", "reuse", "warn_after",
)  # fmt: skip
_TASK_DEFAULTS = Task(name="task", block="block")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")

# YAML 1.2.2, section 10.3.2, core schema tag resolution.
_CORE = "tag:yaml.org,2002:"
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SCALAR_TAGS = {_CORE + kind for kind in ("null", "bool", "int", "float", "str", "timestamp")}


def read_workflow(text: str, *, project: str = "default") -> Workflow:
    """The workflow that a YAML file describes.

    Parameters
    ----------
    text : str
        The file's content, one YAML document.
    project : str
        For files that name no project.

    Returns
    -------
    Workflow
        With `revision` 0, which a file never carries: applying a file has the last word. Versions
        are None where the file pins none. The start is in UTC.

    Raises
    ------
    Invalid
        With every fault, each with its path and line.
    """
    reader = _Reader()
    workflow = reader.workflow(_compose(text), project)
    if reader.faults or workflow is None:
        raise Invalid("Not a valid workflow file", tuple(reader.faults))
    return workflow


def _compose(text: str) -> Node:
    if len(text) > SIZE_LIMIT:
        _refuse(f"document: longer than {SIZE_LIMIT} characters; pass large values by file")
    try:
        node = YAML(typ="safe", pure=True).compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"document (line {mark.line + 1})" if mark else "document"
        _refuse(f"{where}: not YAML: {error.problem or error.context}", error)
    except RecursionError as error:
        _refuse("document: nested too deeply", error)
    except (YAMLError, ValueError, OverflowError, LookupError, AttributeError) as error:
        # ruamel lets Python's own errors through for some malformed escapes, tags and directives.
        _refuse(f"document: not YAML: {' '.join(str(error).split())[:200]}", error)
    if node is None:
        _refuse("document: empty; begin with a line like workflow: nightly-sales")
    return cast(Node, node)


def _refuse(fault: str, cause: BaseException | None = None) -> NoReturn:
    raise Invalid("Not a valid workflow file", (fault,)) from cause


class _Reader:
    """Walks the nodes once; `faults` collects what is wrong, in the order of the file."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._nodes = 0

    def workflow(self, node: Node, project: str) -> Workflow | None:
        fields = self._mapping(node, "", _WORKFLOW_KEYS)
        if fields is None:
            return None
        name = self._required(node, fields, "workflow", "", self._name("workflow name"))
        project = self._optional(fields, "project", "", self._name("project name"), project)
        description = self._optional(fields, "description", "", self._text, "")
        paused = self._optional(fields, "paused", "", self._flag, False)
        priority = self._optional(fields, "priority", "", self._whole(-PRIORITY_LIMIT, PRIORITY_LIMIT), 0)
        schedule = self._optional(fields, "schedule", "", self._schedule, None)
        tasks = self._required(node, fields, "tasks", "", self._tasks)
        if self.faults or name is None or tasks is None:
            return None
        return Workflow(
            name=name,
            project=project,
            description=description,
            paused=paused,
            priority=priority,
            schedule=schedule,
            tasks=tasks,
        )

    def _tasks(self, node: Node, path: str) -> tuple[Task, ...] | None:
        fields = self._mapping(node, path, None)
        if fields is None:
            return None
        if not fields:
            return self._fault(node, path, "a workflow needs at least one task")
        tasks = [self._task(name, one, f"{path}.{name}") for name, one in fields.items()]
        return tuple(task for task in tasks if task is not None)

    def _task(self, name: str, node: Node, path: str) -> Task | None:
        self._try(node, path, lambda: check_name(name, "task name"))
        fields = self._mapping(node, path, _TASK_KEYS)
        if fields is None:
            return None
        reference = self._required(node, fields, "block", path, self._reference)
        nothing: dict[str, Json] = {}
        inputs = self._optional(fields, "inputs", path, self._inputs, nothing)
        cpu = self._optional(fields, "cpu", path, self._amount(parse_cpu), DEFAULT_RESOURCES.cpu_millicores)
        memory = self._optional(fields, "memory", path, self._amount(parse_memory), DEFAULT_RESOURCES.memory_bytes)
        none: tuple[str, ...] = ()
        after = self._optional(fields, "after", path, self._names, none)
        when = self._optional(fields, "when", path, self._word(When), _TASK_DEFAULTS.when)
        foreach = self._optional(fields, "foreach", path, self._foreach, None)
        retries = self._optional(fields, "retries", path, self._whole(0, RETRIES_LIMIT), _TASK_DEFAULTS.retries)
        delay = self._optional(fields, "retry_delay", path, self._delay, _TASK_DEFAULTS.retry_delay_s)
        reuse = self._optional(fields, "reuse", path, self._flag, _TASK_DEFAULTS.reuse)
        warn_after = self._optional(fields, "warn_after", path, self._warning, None)
        if self.faults or reference is None:
            return None
        return Task(
            name=name,
            block=reference[0],
            version=reference[1],
            inputs=inputs,
            resources=Resources(cpu_millicores=cpu, memory_bytes=memory),
            after=after,
            when=when,
            foreach=foreach,
            retries=retries,
            retry_delay_s=delay,
            reuse=reuse,
            warn_after_s=warn_after,
        )

    def _schedule(self, node: Node, path: str) -> Schedule | None:
        fields = self._mapping(node, path, _SCHEDULE_KEYS)
        if fields is None:
            return None
        zone = self._optional(fields, "timezone", path, self._zone, zoneinfo.ZoneInfo("UTC"))
        start = self._required(node, fields, "start", path, lambda one, where: self._start(one, where, zone))
        every = self._optional(fields, "every", path, self._text, None)
        cron = self._optional(fields, "cron", path, self._text, None)
        misfire = self._optional(fields, "misfire", path, self._word(Misfire), Misfire.ONCE)
        if every and cron:
            self._fault(fields["cron"], _join(path, "cron"), "a schedule repeats either every … or by cron, not both")
        if self.faults or start is None:
            return None
        return Schedule(start=start, timezone=zone.key, every=every, cron=cron, misfire=misfire)

    # one kind of value each; None after a fault
    def _text(self, node: Node, path: str) -> str | None:
        value = self._value(node, path)
        return value if isinstance(value, str) else self._fault(node, path, "expected text; put it in quotes")

    def _flag(self, node: Node, path: str) -> bool | None:
        value = self._value(node, path)
        return value if isinstance(value, bool) else self._fault(node, path, "expected true or false")

    def _name(self, what: str) -> Callable[[Node, str], str | None]:
        # A name may look like a number (workflow: 2026): what is written counts.
        return lambda node, path: self._try(node, path, lambda: check_name(self._written(node), what))

    def _reference(self, node: Node, path: str) -> tuple[str, str | None] | None:
        return self._try(node, path, lambda: split_reference(self._written(node)))

    def _amount(self, parse: Callable[[str], int]) -> Callable[[Node, str], int | None]:
        return lambda node, path: self._try(node, path, lambda: parse(self._written(node)))

    def _names(self, node: Node, path: str) -> tuple[str, ...] | None:
        if not isinstance(node, SequenceNode):
            return self._fault(node, path, "expected a list of task names, as in [clean]")
        read = self._name("task name")
        names = [read(one, f"{path}[{number}]") for number, one in enumerate(node.value)]
        return tuple(name for name in names if name is not None)

    def _inputs(self, node: Node, path: str) -> dict[str, Json] | None:
        fields = self._mapping(node, path, None)
        return None if fields is None else {name: self._value(one, f"{path}.{name}") for name, one in fields.items()}

    def _word(self, words: type[Word]) -> Callable[[Node, str], Word | None]:
        def read(node: Node, path: str) -> Word | None:
            word = self._text(node, path)
            if word is None or word in set(words):
                return None if word is None else words(word)
            return self._fault(node, path, f"expected {', '.join(words)}, not {word[:60]!r}")

        return read

    def _whole(self, least: int, most: int) -> Callable[[Node, str], int | None]:
        def read(node: Node, path: str) -> int | None:
            value = self._value(node, path)
            if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
                return value
            return self._fault(node, path, f"expected a whole number from {least} to {most}")

        return read

    def _length(self, node: Node, path: str) -> float | None:
        """A length of time in seconds."""
        return self._try(node, path, lambda: _read_length(self._written(node)))

    def _delay(self, node: Node, path: str) -> float | None:
        found = self._length(node, path)
        if found is not None and found > DELAY_LIMIT_S:
            return self._fault(node, path, f"expected at most {_write_length(DELAY_LIMIT_S)}")
        return found

    def _warning(self, node: Node, path: str) -> float | None:
        found = self._length(node, path)
        return self._fault(node, path, "expected more than 0s") if found == 0 else found

    def _foreach(self, node: Node, path: str) -> Json:
        value = self._value(node, path)
        if value is None or isinstance(value, (list, str)):
            return value
        example = "${{ tasks.NAME.outputs.OUTPUT }}"
        return self._fault(node, path, f"expected a list, as in [RO, DE], or one reference, as in {example}")

    def _zone(self, node: Node, path: str) -> zoneinfo.ZoneInfo | None:
        word = self._text(node, path)
        if word is None:
            return None
        try:
            return zoneinfo.ZoneInfo(word)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            near = _near(word, zoneinfo.available_timezones())
            return self._fault(
                node, path, f"{word[:60]!r} is not a time zone{near or '; write one like Europe/Berlin'}"
            )

    def _start(self, node: Node, path: str, zone: zoneinfo.ZoneInfo) -> datetime | None:
        word = self._text(node, path)
        if word is None:
            return None
        try:
            when = datetime.fromisoformat(word)
            return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            return self._fault(node, path, f"{word[:60]!r} is not a time like 2026-12-01T02:00")

    # nodes
    def _value(self, node: Node, path: str, depth: int = 0) -> Json:
        """The JSON document under `node`; None after a fault."""
        self._count()
        if depth > DEPTH_LIMIT:
            return self._fault(node, path, f"nested deeper than {DEPTH_LIMIT} levels")
        if isinstance(node, SequenceNode) and node.tag == _CORE + "seq":
            return [self._value(one, f"{path}[{number}]", depth + 1) for number, one in enumerate(node.value)]
        if isinstance(node, MappingNode) and node.tag == _CORE + "map":
            fields = self._mapping(node, path, None) or {}
            return {name: self._value(one, f"{path}.{name}", depth + 1) for name, one in fields.items()}
        if not isinstance(node, ScalarNode) or node.tag not in _SCALAR_TAGS:
            return self._fault(node, path, f"tag {str(node.tag)[:60]} is not allowed; write plain values")
        return self._try(node, path, lambda: _scalar(node))

    def _mapping(self, node: Node, path: str, known: tuple[str, ...] | None) -> dict[str, Node] | None:
        """Keys and their nodes; keys outside `known` (None: any) and double ones are faults."""
        if not isinstance(node, MappingNode) or node.tag != _CORE + "map":
            return self._fault(node, path, "expected key: value lines")
        fields: dict[str, Node] = {}
        for key, value in node.value:
            self._count()
            name = key.value if isinstance(key, ScalarNode) and isinstance(_scalar_or_none(key), str) else None
            if name is None:
                self._fault(key, path, "a key must be text; put it in quotes")
            elif name in fields:
                self._fault(key, _join(path, name), "given twice")
            elif known is not None and name not in known:
                shown = _near(name, known) or f"; known are {', '.join(known)}"
                self._fault(key, _join(path, name), f"unknown{shown}")
            else:
                fields[name] = value
        return fields

    def _required(
        self, parent: Node, fields: dict[str, Node], name: str, path: str, read: Callable[[Node, str], T | None]
    ) -> T | None:
        if name not in fields:
            return self._fault(parent, _join(path, name), "missing")
        return read(fields[name], _join(path, name))

    def _optional(
        self, fields: dict[str, Node], name: str, path: str, read: Callable[[Node, str], T | None], default: T
    ) -> T:
        value = read(fields[name], _join(path, name)) if name in fields else None
        return default if value is None else value

    def _written(self, node: Node) -> str:
        self._count()
        if not isinstance(node, ScalarNode) or node.tag not in _SCALAR_TAGS:
            raise BadInput("Expected one plain word.")
        return str(node.value)

    def _try(self, node: Node, path: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except (BadInput, ValueError, OverflowError) as error:
            return self._fault(node, path, str(error)[:300])

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > NODE_LIMIT:
            _refuse(f"document: more than {NODE_LIMIT} values, aliases counted as what they repeat")

    def _fault(self, node: Node, path: str, message: str) -> Never | None:  # noqa: RUF020 - of a plain None mypy lets nothing be returned
        self.faults.append(f"{path or 'document'} (line {node.start_mark.line + 1}): {message}")
        return None


def _scalar(node: ScalarNode) -> Json:
    """The value of a plain or quoted scalar. Raises BadInput for what JSON cannot say, ValueError for huge numbers."""
    text = str(node.value)
    # Quoted text, block text and an explicit !!str all carry this tag; what ruamel calls a time is text too.
    if node.tag in (_CORE + "str", _CORE + "timestamp"):
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return _TRUE.fullmatch(text) is not None
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_HEX.fullmatch(text):
        return int(text, 0)
    number = float(text) if _FLOAT.fullmatch(text) else None
    if _NOT_FINITE.fullmatch(text) or (number is not None and not math.isfinite(number)):
        raise BadInput(f"{text[:60]} is not a finite number.")
    return text if number is None else number


def _scalar_or_none(node: ScalarNode) -> Json:
    if node.tag not in _SCALAR_TAGS:
        return None
    try:
        return _scalar(node)
    except (BadInput, ValueError):
        return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _near(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word[:60], list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


_PLAIN = re.compile(
    r"[A-Za-z][A-Za-z0-9_/@-]*(?:\.[A-Za-z0-9_/@-]+)*"  # a word
    r"|[0-9]+(?:\.[0-9]+)?(?:[dhmsw]|[KMGT]i?)"  # an amount: 500m, 1Gi, 1d
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"  # a start
)
_WORDS_OF_YAML = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def write_workflow(workflow: Workflow) -> str:
    """The YAML file of a workflow; `read_workflow` gives the same back, except `revision`, which is 0 then.

    The workflow is one that `check_workflow` finds no fault in: its time zone exists.
    """
    fields = workflow_fields(workflow)
    tasks = cast(dict[str, Json], fields.pop("tasks"))
    document = CommentedMap({name: _flow(value) for name, value in fields.items()})
    document["tasks"] = CommentedMap({_text(name): _flow(task) for name, task in tasks.items()})
    return _dumped(document)


def workflow_fields(workflow: Workflow) -> dict[str, Json]:
    """What the file of a workflow says, as plain values; what is as it would be without being said is left out."""
    fields: dict[str, Json] = {"workflow": workflow.name, "project": workflow.project}
    if workflow.description:
        fields["description"] = workflow.description
    if workflow.paused:
        fields["paused"] = True
    if workflow.priority:
        fields["priority"] = workflow.priority
    if workflow.schedule is not None:
        fields["schedule"] = cast(Json, _schedule_fields(workflow.schedule))
    fields["tasks"] = {task.name: cast(Json, _task_fields(task)) for task in workflow.tasks}
    return fields


def write_line(name: str, value: object) -> str:
    """``name: value`` in one line, as it stands in a workflow file."""
    return _dumped(CommentedMap({_text(name): _flow(value)})).rstrip("\n")


def _dumped(document: CommentedMap) -> str:
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 2**31 - 1  # never folds a line: some values do not survive folding
    yaml.allow_unicode = True
    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _schedule_fields(schedule: Schedule) -> dict[str, Json]:
    zone = zoneinfo.ZoneInfo(schedule.timezone)
    local = schedule.start.astimezone(UTC).astimezone(zone)
    # Only the second of two equal clock times needs its offset.
    shown = local if local.fold else local.replace(tzinfo=None)
    compact = "minutes" if not (local.second or local.microsecond) else "auto"
    fields: dict[str, Json] = {"start": shown.isoformat(timespec=compact), "timezone": schedule.timezone}
    if schedule.every:
        fields["every"] = schedule.every
    if schedule.cron:
        fields["cron"] = schedule.cron
    if schedule.misfire is not Misfire.ONCE:
        fields["misfire"] = schedule.misfire.value
    return fields


def _task_fields(task: Task) -> dict[str, Json]:
    fields: dict[str, Json] = {"block": f"{task.block}@{task.version}" if task.version else task.block}
    if task.inputs:
        fields["inputs"] = cast(Json, task.inputs)
    cpu = format_cpu(task.resources.cpu_millicores)
    fields["cpu"] = int(cpu) if cpu.isdigit() else cpu
    fields["memory"] = format_memory(task.resources.memory_bytes)
    if task.after:
        fields["after"] = list(task.after)
    if task.when is not _TASK_DEFAULTS.when:
        fields["when"] = task.when.value
    if task.foreach is not None:
        fields["foreach"] = task.foreach
    if task.retries:
        fields["retries"] = task.retries
    if task.retry_delay_s != _TASK_DEFAULTS.retry_delay_s:
        fields["retry_delay"] = _write_length(task.retry_delay_s)
    if task.reuse:
        fields["reuse"] = True
    if task.warn_after_s is not None:
        fields["warn_after"] = _write_length(task.warn_after_s)
    return fields


def _read_length(text: str) -> float:
    """Seconds in ``90s``, ``1.5h``. Raises BadInput."""
    found = _LENGTH.fullmatch(text)
    if not found or len(text) > 400:
        raise BadInput(f"{text[:60]!r} is not a length of time.", "Write a number and a unit: 30s, 5m, 2h or 1d.")
    seconds = float(Decimal(found[1]) * _SECONDS[found[2]])
    if not math.isfinite(seconds):
        raise BadInput(f"{text[:60]!r} is longer than any time.", "Write less.")
    return seconds


def _write_length(seconds: float) -> str:
    """The shortest exact form that `_read_length` reads: in the largest unit that needs no fraction, else seconds."""
    for unit, size in _SECONDS.items():
        if seconds and seconds % size == 0:
            return f"{int(seconds) // size}{unit}"
    return f"{Decimal(repr(abs(seconds))):f}s"


def _flow(value: object) -> object:
    """`value` as ruamel's nodes in one line, with quotes wherever a word might be read as something else."""
    if isinstance(value, dict):
        mapping = CommentedMap({_text(str(name)): _flow(one) for name, one in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, (list, tuple)):
        sequence = CommentedSeq([_flow(one) for one in value])
        sequence.fa.set_flow_style()
        return sequence
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    plain = len(value) < 100 and _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML
    return value if plain else DoubleQuotedScalarString(value)
