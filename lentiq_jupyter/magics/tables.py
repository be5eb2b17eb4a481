"""How lists and records look: an HTML table, and the same as aligned text."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..model import Block, Json, Run, newest

T = TypeVar("T")
Row = Sequence[str]


class Listing(list[T]):
    """A list that shows itself as a table.

    Parameters
    ----------
    items : the list's members
    columns : mapping of a column's title to the function that gives a member's text there
    empty : shown where there are no members: what that means, and what to do about it
    """

    def __init__(self, items: Iterable[T], columns: Mapping[str, Callable[[T], str]], empty: str = "none") -> None:
        super().__init__(items)
        self.columns = dict(columns)
        self.empty = empty

    def rows(self) -> list[Row]:
        """The texts, row by row."""
        return [[text(one) for text in self.columns.values()] for one in self]

    def __repr__(self) -> str:
        return text_table(list(self.columns), self.rows()) if self else self.empty

    def _repr_html_(self) -> str:
        return html_table(list(self.columns), self.rows()) if self else f"<em>{html.escape(self.empty)}</em>"


def text_table(titles: Row, rows: list[Row]) -> str:
    """Columns aligned with spaces."""
    rows = [[plain(text) for text in row] for row in rows]
    widths = [max(len(row[place]) for row in [titles, *rows]) for place in range(len(titles))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in [titles, *rows]
    )


def plain(text: str) -> str:
    """On one line, without what steers a terminal: some of it was written by strangers."""
    return "".join(one if one.isprintable() else " " for one in text)


def html_table(titles: Row, rows: list[Row]) -> str:
    """An HTML table; every text is escaped."""
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in titles)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_style(text)}">{html.escape(text)}</td>' for text in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _style(text: str) -> str:
    # Beside a long reason, names and times would be broken into a line for each word.
    return "text-align: left; white-space: nowrap" if len(text) <= len("2026-01-01 00:00 UTC") else "text-align: left"


def blocks(found: Iterable[Block], empty: str = "No block.") -> Listing[Block]:
    """Blocks with their inputs."""
    return Listing(
        found,
        {
            "Block": lambda one: one.reference,
            "Description": lambda one: (
                one.spec.description if one.deprecated is None else f"deprecated. {one.spec.description}"
            ),
            "Inputs": lambda one: ", ".join(
                f"{given.name}: {given.type}{'' if given.required else f' = {given.default!r}'}"
                for given in one.spec.inputs
            ),
            "Proof": lambda one: str(one.verification.verdict),
            "Made": lambda one: f"{one.created:%Y-%m-%d %H:%M} UTC",
        },
        empty,
    )


def runs(found: Iterable[Run]) -> Listing[Run]:
    """Runs with the first reason that a task gives."""
    return Listing(
        found,
        {
            "Run": lambda one: one.id,
            "Workflow": lambda one: f"{one.workflow.project}/{one.workflow.name}",
            "State": lambda one: str(one.state),
            "Reason": lambda one: next((task.reason for task in newest(one.tasks) if task.reason), one.reason),
            "Made": lambda one: f"{one.created_at:%Y-%m-%d %H:%M} UTC",
        },
        "Nothing has run yet. Run a block: %lentiq run BLOCK",
    )


def workflows(found: Iterable[Mapping[str, Any]]) -> Listing[Mapping[str, Any]]:
    """Entries of `Service.workflows`."""
    return Listing(
        found,
        {
            "Workflow": lambda one: f"{one['workflow']['project']}/{one['workflow']['name']}",
            "Tasks": lambda one: ", ".join(task["name"] for task in one["workflow"]["tasks"]),
            "Next start": lambda one: "paused" if one["workflow"]["paused"] else str(one["next_start"] or "by hand"),
            "Last run": lambda one: one["last_run"]["state"] if one["last_run"] else "never ran",
        },
        "No workflow is saved. Compose one: %lentiq compose",
    )


def status(found: Mapping[str, Json]) -> Listing[tuple[str, Json]]:
    """Pairs of what and how; each problem is a pair of its own."""
    pairs: list[tuple[str, Json]] = [(name, value) for name, value in found.items() if name != "problems"]
    problems = found.get("problems")
    pairs += [("problem", str(one)) for one in (problems if isinstance(problems, list) else [])]
    return Listing(pairs, {"What": lambda one: one[0], "How": lambda one: _said(one[1])})


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_said(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    return "none" if value is None else str(value)
