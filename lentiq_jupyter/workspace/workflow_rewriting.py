"""A changed workflow written into the file it came from: what did not change keeps its bytes, comments included.

The file's nodes say where each value stands in the text (`start_mark`, `end_mark`); only the spans of
changed values are replaced, of new ones inserted, of gone ones cut. The result is read again: should
it describe anything else than the workflow (aliases, merged lines), the file is written anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from io import StringIO
from typing import cast

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ..errors import Invalid
from ..model import Workflow
from .workflow_file import read_workflow, workflow_fields, write_line, write_workflow

__all__ = ["rewrite_workflow"]

Fields = Mapping[str, object]
Entry = tuple[ScalarNode, Node]


def rewrite_workflow(workflow: Workflow, base: str) -> str:
    """The YAML file of a workflow, as `base` where that says the same already.

    Parameters
    ----------
    workflow : Workflow
        One that `check_workflow` finds no fault in.
    base : str
        The file as it was. One that is no workflow file is of no use: all is written anew then.

    Returns
    -------
    str
        `read_workflow` gives `workflow` back, except for its `revision`. Equal to `base` where nothing changed.
    """
    wanted = dataclasses.replace(workflow, revision=0)
    try:
        before = read_workflow(base, project=workflow.project)
    except Invalid:
        return write_workflow(workflow)
    if before == wanted:
        return base
    node = YAML(typ="safe", pure=True).compose(StringIO(base))
    splicer = _Splicer(base)
    splicer.merge(cast(MappingNode, node), workflow_fields(before), workflow_fields(workflow))
    text = splicer.spliced()
    try:
        same = read_workflow(text, project=workflow.project) == wanted
    except Invalid:
        same = False
    return text if same else write_workflow(workflow)


class _Splicer:
    """Collects what is to be replaced in a text, by position."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._break = "\r\n" if "\r\n" in text else "\n"
        self._pieces: list[tuple[int, int, str]] = []

    def spliced(self) -> str:
        parts, at = [], 0
        for start, end, new in sorted(self._pieces, key=lambda piece: piece[:2]):
            parts += [self._text[at:start], new]
            at = max(at, end)
        return "".join([*parts, self._text[at:]])

    def merge(self, node: MappingNode, before: Fields, after: Fields) -> None:
        """Make the mapping at `node`, which says `before`, say `after`."""
        entries: dict[str, Entry] = {str(key.value): (key, value) for key, value in node.value}
        renamed = _renamed(before, after)
        for old, new in renamed.items():
            self._put(entries[old][0], write_line(new, None).split(":", 1)[0])
        names = {new: old for old, new in renamed.items()}
        kept: Entry | None = None
        for name, value in after.items():
            there = names.get(name, name)
            if there in entries:
                kept = entries[there]
                if there not in before or before[there] != value:
                    self._change(kept[1], before.get(there), value)
            elif before.get(name) != value:
                self._insert(node, kept, name, value)
        for name in before:
            if name in entries and name not in after and name not in renamed:
                self._cut(node, name)

    def _change(self, node: Node, before: object, after: object) -> None:
        if isinstance(node, MappingNode) and isinstance(before, dict) and isinstance(after, dict) and after:
            self.merge(node, before, after)
        elif isinstance(node, SequenceNode) and not node.flow_style and isinstance(after, list) and after:
            indent = self._break + " " * node.start_mark.column + "- "
            self._put(node, "- " + indent.join(_value(one) for one in after))
        else:
            self._put(node, _value(after))

    def _put(self, node: Node, text: str) -> None:
        start, end = node.start_mark.index, self._end(node)
        # A value that is not there stands directly behind its colon.
        self._pieces.append((start, max(start, end), text if end > start else f" {text}"))

    def _insert(self, node: MappingNode, behind: Entry | None, name: str, value: object) -> None:
        if node.flow_style:
            if behind is not None:
                self._pieces.append((self._end(behind[1]),) * 2 + (f", {write_line(name, value)}",))
            else:
                at = node.start_mark.index + 1
                self._pieces.append((at, at, write_line(name, value) + (", " if node.value else "")))
            return
        column = node.start_mark.column
        lines = [write_line(name, value)]
        last = node.value[-1][1]
        if isinstance(value, dict) and isinstance(last, MappingNode) and not last.flow_style:
            # As its neighbours are written: a line each.
            step = " " * max(1, last.start_mark.column - column)
            lines = [write_line(name, None).removesuffix(" null")]
            lines += [step + write_line(one, inner) for one, inner in value.items()]
        if behind is not None:
            at = self._line_end(self._end(behind[1]))
            text = "".join(f"{self._break}{' ' * column}{line}" for line in lines)
        else:
            at = self._with_comments(self._line_start(node.start_mark.index), " " * column)
            text = "".join(f"{' ' * column}{line}{self._break}" for line in lines)
        self._pieces.append((at, at, text))

    def _cut(self, node: MappingNode, name: str) -> None:
        place = next(number for number, (key, _) in enumerate(node.value) if key.value == name)
        key, value = node.value[place]
        start, end = key.start_mark.index, self._end(value, key)
        if node.flow_style:
            if place > 0:
                start = self._end(node.value[place - 1][1])
            elif len(node.value) > 1:
                end = node.value[1][0].start_mark.index
        else:
            start, end = self._line_start(start), self._line_end(end)
            end += len(self._break) if end < len(self._text) else 0
            start = self._with_comments(start, " " * key.start_mark.column)
        self._pieces.append((start, end, ""))

    def _with_comments(self, start: int, indent: str) -> int:
        """Where the comment lines directly above begin: they speak of what is cut."""
        while start > 0:
            above = self._line_start(start - 1)
            if not self._text[above:start].startswith(f"{indent}#"):
                break
            start = above
        return start

    def _end(self, node: Node, key: Node | None = None) -> int:
        """Where the last character of a node's text ends; the marks of blocks lie behind the comments that follow."""
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            return len(self._text[: node.end_mark.index].rstrip())
        if not isinstance(node, (MappingNode, SequenceNode)) or node.flow_style or not node.value:
            return max(int(node.end_mark.index), int(key.end_mark.index) + 1 if key else 0)
        last = node.value[-1]
        return self._end(last[1], last[0]) if isinstance(last, tuple) else self._end(last)

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        found = self._text.find(self._break, at)
        return len(self._text) if found < 0 else found


def _value(value: object) -> str:
    return write_line("k", value).removeprefix("k: ")


def _renamed(before: Fields, after: Fields) -> dict[str, str]:
    """Old and new names, where the same number of entries stands in the same order under other names."""
    if len(before) != len(after):
        return {}
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    fresh = all(old not in after and new not in before for old, new in pairs)
    return dict(pairs) if fresh else {}
