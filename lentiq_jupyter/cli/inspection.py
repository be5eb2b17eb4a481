"""An inspection as text for people: what packaging would do, section by section.

Pure functions from records to lines; colours are codes that `click.echo` drops where nobody sees them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence

import click

from ..model import (
    EnvFact,
    FileFact,
    Finding,
    Input,
    Inspection,
    LastRun,
    Package,
    Place,
    SecretFact,
    Severity,
    SystemNeed,
    Witness,
)
from .present import place, size, value

Row = Sequence[str]

INDENT = "  "
LEAST_WRAPPED = 24
"""Columns below which the last column of a table is not wrapped but left to the terminal."""
_TONES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
# What a notebook's author writes must not move the reader's cursor.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SOURCES = {
    "cell": "written in a cell",
    "output": "in an output, which does not go in",
    "file": "a file of secrets, left out",
    "url": "in an address",
    "environment": "read from the environment when it runs",
}


def inspection(found: Inspection, *, width: int = 0, everything: bool = False) -> str:
    """What packaging would find, in sections; empty ones are left out.

    Parameters
    ----------
    width : int
        Columns of the terminal; long sentences are wrapped below themselves. 0 never wraps.
    everything : bool
        List each dependency and each import, instead of counting dependencies only.
    """
    facts = found.facts
    lines = _pairs(_head(found), width)

    def section(title: str, rows: Sequence[Row], header: Row = (), after: str = "", tones: Sequence[str] = ()) -> None:
        if not rows and not after:
            return
        lines.extend(["", click.style(title, bold=True), *grid(header, rows, width, tones)])
        if after:
            lines.extend(_wrapped(INDENT, after, width))

    told = sorted(facts.findings, key=lambda one: list(Severity).index(one.severity), reverse=True)
    section("Findings", [_finding(one, facts.notebook) for one in told], tones=[_TONES[one.severity] for one in told])
    section("Imports that no package explains", *_unresolved(found))
    section("Inputs", [_input(one) for one in facts.inputs], ("name", "type", "default", "about"))
    section("Outputs", [(one.name, one.description) for one in facts.outputs])
    needed = [one for one in facts.environment if not one.has_default]
    section("Environment variables it needs", [_variable(one, facts.notebook) for one in needed])
    _packages(found, section, everything)
    section("Install lines that nothing uses", *_unused(found))
    section("System packages", [_system(one) for one in found.system], ("package", "witness", "why"))
    total = sum(one.size for one in facts.files)
    section(
        f"Files ({len(facts.files)}, {size(total)})",
        [_file(one, facts.notebook) for one in facts.files],
        ("path", "size", "kind", "seen in"),
        _large([one for one in facts.files if one.large]),
    )
    section(
        "Fetched when it runs, so no part of the block",
        [(one.name, one.kind, f"{one.because}, {_where(one.place, facts.notebook)}") for one in facts.data],
        ("what", "kind", "by"),
    )
    section(
        "Secrets, which stay out of the block",
        [_secret(one, facts.notebook) for one in facts.secrets],
        ("kind", "seen in", "what to do"),
    )
    if everything:
        imports = [(f"{one.module}{' (optional)' if one.optional else ''}", one.place) for one in facts.imports]
        section("Imports", [(name, _where(spot, facts.notebook)) for name, spot in imports], ("module", "seen in"))
    return "\n".join(lines)


def grid(header: Row, rows: Sequence[Row], width: int, tones: Sequence[str] = ()) -> list[str]:
    """Aligned, indented columns under a header in capitals.

    Parameters
    ----------
    header : sequence of str
        Titles of the columns; an empty one shows none.
    width : int
        The last column is wrapped to this many columns of the terminal; 0 never wraps.
    tones : sequence of str
        A colour for the first column of each row; empty for none.
    """
    if not rows:
        return []
    clean = [[_CONTROLS.sub("�", cell) for cell in row] for row in rows]
    lines = [[word.upper() for word in header], *clean] if header else clean
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = []
    for line in lines:
        lead = INDENT + "".join(f"{cell.ljust(room)}  " for cell, room in zip(line[:-1], widths[:-1], strict=True))
        shown.append(_wrapped(lead, line[-1], width))
    out = [click.style(one, dim=True) for one in shown.pop(0)] if header else []
    for number, (first, *rest) in enumerate(shown):
        if tones:
            end = len(INDENT) + widths[0]
            first = INDENT + click.style(first[len(INDENT) : end], fg=tones[number]) + first[end:]
        out += [first, *rest]
    return out


def _wrapped(lead: str, text: str, width: int) -> list[str]:
    room = width - len(lead)
    if width <= 0 or room < LEAST_WRAPPED or len(text) <= room:
        return [f"{lead}{text}".rstrip()]
    first, *rest = textwrap.wrap(text, room, break_on_hyphens=False)
    return [lead + first, *(" " * len(lead) + one for one in rest)]


def _pairs(words: dict[str, str], width: int) -> list[str]:
    room = max(len(key) for key in words)
    return [line for key, text in words.items() for line in _wrapped(f"{key.ljust(room)}  ", text, width)]


def _head(found: Inspection) -> dict[str, str]:
    facts = found.facts
    python = found.lock.python if found.lock else ""
    if found.live:
        asked = f"{found.python_executable or 'its interpreter'}; the running kernel was asked too"
    else:
        asked = found.python_executable or "no kernel asked: versions are the package index's"
    words = {
        "notebook": f"{facts.notebook}, {facts.cells} {'cell' if facts.cells == 1 else 'cells'}",
        "kernel": facts.kernel or "none named",
        "python": f"{python} ({asked})" if python else asked,
    }
    if facts.last_run:
        words["last run"] = _last_run(facts.last_run)
    words["proof"] = _proof(found)
    return words


def _last_run(last: LastRun) -> str:
    took = f" in {last.seconds:.1f} s" if last.seconds is not None else ""
    ended = f"; cell {last.failed + 1} ended with an error" if last.failed is not None else ""
    return f"{last.cells} {'cell' if last.cells == 1 else 'cells'}{took}{ended}"


def _proof(found: Inspection) -> str:
    how = "publishing would run it" if found.proof == "run" else "publishing would try its imports only"
    return f"{how}{': ' + found.proof_reason if found.proof_reason else ''}"


def _where(where: Place, notebook: str) -> str:
    """The place, without the notebook's own name."""
    return place(where).removeprefix(f"{notebook}, ")


def _finding(one: Finding, notebook: str) -> Row:
    return str(one.severity), one.message + (f" ({_where(one.place, notebook)})" if one.place else "")


def _unresolved(found: Inspection) -> tuple[list[Row], Row, str]:
    places: dict[str, str] = {}
    for one in found.facts.imports:
        places.setdefault(one.module.partition(".")[0], _where(one.place, found.facts.notebook))
    rows: list[Row] = [(module, places.get(module, "")) for module in found.unresolved]
    hint = "Say --add PACKAGE, or leave one out with --remove MODULE."
    return rows, ("module", "seen in"), hint if rows else ""


def _unused(found: Inspection) -> tuple[list[Row], Row, str]:
    places = {one.requirement: _where(one.place, found.facts.notebook) for one in found.facts.installs}
    rows: list[Row] = [(line, places.get(line, "")) for line in found.unused]
    return rows, ("requirement", "seen in"), "They are left out; --add REQUIREMENT takes one in." if rows else ""


def _input(one: Input) -> Row:
    marks = [word for word, on in (("required", one.required), ("secret", one.secret)) if on]
    default = "" if one.required or one.secret else value(one.default)
    return one.name, str(one.type), default, ", ".join([*marks, *([one.description] if one.description else [])])


def _variable(one: EnvFact, notebook: str) -> Row:
    return one.name, _where(one.place, notebook)


def _packages(found: Inspection, section: Callable[..., None], everything: bool) -> None:
    packages = found.lock.packages if found.lock else ()
    direct = [one for one in packages if one.witness is not Witness.DEPENDENCY]
    along = [one for one in packages if one.witness is Witness.DEPENDENCY]
    shown = [*direct, *along] if everything else direct
    after = ""
    if along and not everything:
        names = ", ".join(one.name for one in along[:4]) + (", …" if len(along) > 4 else "")
        after = f"and {len(along)} that these need: {names} (--all lists them)"
    title = f"Packages ({len(packages)})"
    section(title, [_package(one) for one in shown], ("name", "version", "witness", "why"), after)


def _package(one: Package) -> Row:
    return one.name, one.version, str(one.witness), one.why + (f", from {one.url}" if one.url else "")


def _system(one: SystemNeed) -> Row:
    return one.package, str(one.witness), one.why


def _file(one: FileFact, notebook: str) -> Row:
    where = _where(one.place, notebook)
    return one.path, size(one.size), one.kind, where + (" (large: needs your decision)" if one.large else "")


def _large(files: Sequence[FileFact]) -> str:
    if not files:
        return ""
    name = files[0].path
    return f"Publishing asks whether large files go in: --include {name}, or --exclude {name}."


def _secret(one: SecretFact, notebook: str) -> Row:
    todo = _SOURCES.get(one.source, one.source)
    if one.name and one.source == "environment":
        todo += f"; give {one.name} as a secret input"
    elif one.name:
        todo += f"; --secret {one.name} makes it a secret input"
    return one.kind, _where(one.place, notebook), todo
