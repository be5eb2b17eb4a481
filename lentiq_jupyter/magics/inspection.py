"""How an inspection looks in a notebook: sections of tables, as HTML and as text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple, Optional

from ..model import Finding, Inspection, Place, SecretFact, Severity, Witness
from .tables import html_table, text_table

Row = Sequence[str]

_FATES = {
    "cell": "written in a cell",
    "output": "in an output, which does not go in",
    "file": "a file of secrets, left out",
    "url": "in an address",
    "environment": "read from the environment when it runs",
}


class Section(NamedTuple):
    """A titled table. `folded`: shown when it is asked for."""

    title: str
    columns: Row
    rows: list[Row]
    folded: bool = False


def sections(found: Inspection) -> list[Section]:
    """What packaging would find, most urgent first; empty sections are left out."""
    facts = found.facts
    packages = found.lock.packages if found.lock else ()
    rows = [(one, (one.name, one.version, str(one.witness), one.why)) for one in packages]
    direct: list[Row] = [row for one, row in rows if one.witness is not Witness.DEPENDENCY]
    along: list[Row] = [row for one, row in rows if one.witness is Witness.DEPENDENCY]
    columns = ("Package", "Version", "Witness", "Why")
    told = sorted(facts.findings, key=lambda one: list(Severity).index(one.severity), reverse=True)
    made = [
        Section("Findings", ("Severity", "Finding", "Where"), [_finding(one, facts.notebook) for one in told]),
        Section(
            "Imports that no package explains (--add PACKAGE, or --remove MODULE)",
            ("Module",),
            [(module,) for module in found.unresolved],
        ),
        Section(
            "Inputs",
            ("Input", "Type", "Default", "Required", "Secret"),
            [
                (
                    one.name,
                    str(one.type),
                    "" if one.required or one.secret else repr(one.default),
                    _mark(one.required),
                    _mark(one.secret),
                )
                for one in facts.inputs
            ],
        ),
        Section(f"Packages ({len(packages)})", columns, direct),
        Section(f"Packages that these need ({len(along)})", columns, along, folded=True),
        Section(
            "Install lines that nothing uses (--add takes one in)",
            ("Requirement",),
            [(one,) for one in found.unused],
        ),
        Section(
            "System packages",
            ("Package", "Witness", "Why"),
            [(one.package, str(one.witness), one.why) for one in found.system],
        ),
        Section(
            f"Files ({_size(sum(one.size for one in facts.files))})",
            ("File", "Size", "Kind", "Decision"),
            [
                (one.path, _size(one.size), one.kind, "large: --include or --exclude it" if one.large else "")
                for one in facts.files
            ],
        ),
        Section(
            "Fetched when it runs",
            ("What", "Kind", "By"),
            [(one.name, one.kind, f"{one.because}, {_where(one.place, facts.notebook)}") for one in facts.data],
        ),
        Section(
            "Secrets, which stay out of the block",
            ("Kind", "Where", "What to do"),
            [(one.kind, _where(one.place, facts.notebook), _fate(one)) for one in facts.secrets],
        ),
    ]
    return [one for one in made if one.rows]


def head(found: Inspection) -> str:
    """One sentence: the notebook, who was asked, how it would be proven."""
    facts = found.facts
    python = f"Python {found.lock.python}" if found.lock else "no packages resolved"
    asked = "live kernel asked" if found.live else "environment asked" if found.python_executable else "no kernel asked"
    how = "run" if found.proof == "run" else "imports only"
    why = f" ({found.proof_reason})" if found.proof_reason else ""
    cells = f"{facts.cells} {'cell' if facts.cells == 1 else 'cells'}"
    return f"{facts.notebook}: {cells}, {python}, {asked}; proof: {how}{why}"


def as_html(found: Inspection) -> str:
    """All sections as HTML; every text is escaped."""
    parts = [f"<p><strong>{html.escape(head(found))}</strong></p>"]
    for title, columns, rows, folded in sections(found):
        opened = "" if folded else " open"
        table = html_table(columns, rows)
        parts.append(f"<details{opened}><summary><b>{html.escape(title)}</b></summary>{table}</details>")
    return "".join(parts)


def as_text(found: Inspection) -> str:
    """All sections as aligned text; folded ones only by their title."""
    parts = [head(found)]
    for title, columns, rows, folded in sections(found):
        parts.append(title if folded else f"{title}\n{text_table(columns, rows)}")
    return "\n\n".join(parts)


def _finding(one: Finding, notebook: str) -> Row:
    return str(one.severity), one.message, _where(one.place, notebook)


def _where(place: Optional[Place], notebook: str) -> str:
    """``cell 3, line 1`` (cells counted from 1), with the file where it is not the notebook; "" for None."""
    if place is None:
        return ""
    words = [] if place.file == notebook and place.cell is not None else [place.file]
    words += [f"cell {place.cell + 1}"] if place.cell is not None else []
    words += [f"line {place.line}"] if place.line else []  # metadata lie in no line
    return ", ".join(words)


def _mark(on: bool) -> str:
    return "yes" if on else ""


def _fate(one: SecretFact) -> str:
    fate = _FATES.get(one.source, one.source)
    if one.name and one.source == "environment":
        return f"{fate}; give {one.name} as a secret input"
    return f"{fate}; --secret {one.name} makes it a secret input" if one.name else fate


def _size(count: int) -> str:
    number = float(count)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
