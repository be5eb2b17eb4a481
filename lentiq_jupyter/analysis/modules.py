"""Local modules: found beside the notebook, followed through their own imports, never reported as imports."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..errors import LentiqError
from ..model import FileFact, Finding, ImportFact, Place, Severity, record
from .code import Code, read_python, split_cell
from .finder import Finder
from .folder import Folder
from .imports import Import, imports_of
from .names import Names, names_of
from .notebook import read_notebook
from .search import Search

_FILES = 2000  # local modules followed; a folder that holds more is no project of a notebook


@record
class Followed:
    """What is outside (`imports`), what is local (`files`), the code of local files with its names, and faults."""

    imports: tuple[ImportFact, ...]
    files: tuple[FileFact, ...]
    parts: tuple[tuple[Code, Names], ...]
    findings: tuple[Finding, ...]

    @property
    def codes(self) -> tuple[Code, ...]:
        """The code of all local files."""
        return tuple(code for code, _ in self.parts)


def follow(
    codes: Iterable[Code], names: Names, runs: Iterable[tuple[str, Place]], folder: Folder, search: Search
) -> Followed:
    """Follow imports from the notebook's code through every local file.

    Parameters
    ----------
    names : Names
        Of the notebook, whose cells share them.
    runs : pairs of a path and a place
        What ``%run`` names.
    """
    finder = Finder(folder, search)
    outside: dict[str, ImportFact] = {}
    files: dict[str, FileFact] = {}
    parts: list[tuple[Code, Names]] = []
    seen: set[str] = set()
    findings: list[Finding] = []
    queue: deque[tuple[Code, Names, str | None, bool]] = deque((code, names, None, False) for code in codes)
    # With a file goes the folder of the script that it is, or that found it beside itself; None for others.
    pending: deque[tuple[str, Place, str | None]] = deque(
        (path, place, path.rpartition("/")[0]) for path, place in runs
    )
    while queue or pending:
        if queue:
            code, own, package, script = queue.popleft()
            for one in imports_of(code, own):
                local = finder.local(one, package, script)
                beside = package if script else None
                pending.extend((path, one.place, beside) for path in local)
                if not local and not one.level:
                    findings += _take(one, finder, outside)
            continue
        path, place, beside = pending.popleft()
        if path in seen or len(seen) >= _FILES:
            continue
        seen.add(path)
        if not finder.is_written(path) and folder.ignores(path):
            message = f"{path} is imported, but .lentiqignore keeps it out of the block. Take it out of that list."
            findings.append(Finding(severity=Severity.WARNING, code="ignored-file", message=message, place=place))
            continue
        if not finder.is_written(path):
            files[path] = FileFact(path=path, size=folder.size(path), kind="module", place=place)
        read, wrong = _read(path, finder)
        findings += wrong
        own = names_of(read)
        for code in read:
            parts.append((code, own))
            folder_of = path.rpartition("/")[0]
            queue.append((code, own, folder_of, beside == folder_of))
    return Followed(
        imports=tuple(outside.values()), files=tuple(files.values()), parts=tuple(parts), findings=tuple(findings)
    )


def _take(one: Import, finder: Finder, outside: dict[str, ImportFact]) -> list[Finding]:
    """One import that is not local: an import of a package, or a finding that its file is out of reach."""
    if finder.is_made(one.module):
        return []
    path = finder.outside(one.module)
    if path is not None:
        message = f"{path} lies outside the notebook's folder, so it stays out of the block. Put a copy in the folder."
        return [Finding(severity=Severity.WARNING, code="outside-folder", message=message, place=one.place)]
    for module in one.modules():
        first = outside.get(module)
        optional = one.optional and (first is None or first.optional)
        outside[module] = ImportFact(
            module=module,
            place=first.place if first else one.place,
            optional=optional,
            elsewhere=finder.elsewhere(module) or (f"the name that {one.giver} gives" if one.giver else ""),
        )
    return []


def _read(path: str, finder: Finder) -> tuple[list[Code], list[Finding]]:
    """The code of one local file; a notebook that ``%run`` names gives one piece a cell."""
    if path.endswith(".ipynb"):
        try:
            cells = read_notebook(finder.folder.root / path).code
        except LentiqError as error:
            return [], [_unparsed(path, f"{error.message} What it imports is unknown. Add its packages by hand.", 1)]
        texts = [split_cell(cell.source).python for cell in cells]
        return [Code(file=path, text=text, tree=read_python(text).tree) for text in texts], []
    text = finder.text(path)
    if text is None:
        message = f"{path} is not text, so what it imports is unknown. Add its packages by hand."
        return [], [_unparsed(path, message, 1)]
    reading = read_python(text)
    message = f"{path} is not valid Python ({reading.fault}); the statements around that were read."
    wrong = [_unparsed(path, message, reading.line)] if reading.fault else []
    return [Code(file=path, text=text, tree=reading.tree)], wrong


def _unparsed(path: str, message: str, line: int) -> Finding:
    place = Place(file=path, line=max(1, line))
    return Finding(severity=Severity.WARNING, code="unparsed-cell", message=message, place=place)
