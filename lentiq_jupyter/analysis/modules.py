"""Local modules: found beside the notebook, followed through their own imports, never reported as imports."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Mapping

from ..model import FileFact, Finding, ImportFact, Place, Severity, record
from .code import Code, parse, salvage, split_cell
from .folder import Folder
from .imports import Import, imports_of
from .names import names_of
from .notebook import read_notebook

_DOWNLOADED = re.compile(r"https?://[^\s'\"]*/(\w+)\.py\b")


@record
class Followed:
    """What is outside (`imports`), what is local (`files`), the code of local files, and what went wrong."""

    imports: tuple[ImportFact, ...]
    files: tuple[FileFact, ...]
    codes: tuple[Code, ...]
    findings: tuple[Finding, ...]


class _Finder:
    """Where the notebook's Python would find local modules.

    `search` are folders as ``sys.path`` has them, relative to the notebook ("" is its own folder);
    `written` are files the notebook writes itself, path to text.
    """

    def __init__(self, folder: Folder, search: tuple[str, ...], written: Mapping[str, str]) -> None:
        self.folder, self.search, self.written = folder, search, written

    def is_file(self, path: str) -> bool:
        return path in self.written or self.folder.is_file(path)

    def text(self, path: str) -> str | None:
        return self.written[path] if path in self.written else self.folder.text(path)

    def files(self, module: str) -> list[str]:
        """The files that importing a dotted name runs, packages first; none if it is not local."""
        if module.partition(".")[0] in sys.builtin_module_names:
            return []
        for place in self.search:
            found = self._from(place, module.split("."))
            if found:
                return found
        return []

    def _from(self, place: str, parts: list[str]) -> list[str]:
        found: list[str] = []
        base = place
        for part in parts:
            here = f"{base}/{part}" if base else part
            if self.is_file(f"{here}/__init__.py"):
                found.append(f"{here}/__init__.py")
            elif self.is_file(f"{here}.py"):
                return [*found, f"{here}.py"]
            elif not self.folder.is_folder(here) and not any(name.startswith(f"{here}/") for name in self.written):
                break
            base = here
        return found

    def namespace(self, module: str) -> bool:
        """Whether a dotted name is a local folder of modules without ``__init__.py``."""
        path = module.replace(".", "/")
        places = [f"{place}/{path}" if place else path for place in self.search]
        return any(self.folder.is_folder(one) and self.folder.matching(f"{one}/*.py", 1) for one in places)


def follow(
    codes: Iterable[Code],
    runs: Iterable[tuple[str, Place]],
    folder: Folder,
    search: tuple[str, ...] = ("",),
    written: Mapping[str, str] | None = None,
    made: frozenset[str] = frozenset(),
) -> Followed:
    """Follow imports from the notebook's code through every local file.

    Parameters
    ----------
    runs : pairs of a path and a place
        What ``%run`` names.
    made : names of modules
        Local at run time without being there now (downloaded by the notebook).
    """
    finder = _Finder(folder, search, written or {})
    outside: dict[str, ImportFact] = {}
    files: dict[str, FileFact] = {}
    seen: dict[str, Code | None] = {}
    findings: list[Finding] = []
    queue = deque(codes)
    notebook = {id(code) for code in queue}
    pending = list(runs)
    while queue or pending:
        if queue:
            code = queue.popleft()
            names = names_of([code])
            for one in imports_of(code, names):
                package = None if id(code) in notebook else code.file.rpartition("/")[0]
                local = _local(one, package, finder)
                pending += [(path, one.place) for path in local]
                for path in _refused(one, folder) if not local else []:
                    findings.append(_outside(path, one.place))
                if not local and not one.level and one.module.partition(".")[0] not in made:
                    _add(outside, one)
            continue
        path, place = pending.pop(0)
        if path in seen:
            continue
        seen[path] = None
        if path not in finder.written:
            files[path] = FileFact(path=path, size=folder.size(path), kind="module", place=place)
        read, wrong = _read(path, finder)
        findings += wrong
        queue.extend(read)
        for one_code in read:
            seen[path] = one_code
    found = tuple(code for code in seen.values() if code is not None)
    return Followed(imports=tuple(outside.values()), files=tuple(files.values()), codes=found, findings=tuple(findings))


def _local(one: Import, package: str | None, finder: _Finder) -> list[str]:
    """Files one import runs. `package` is the folder of the importing file, None for the notebook."""
    if one.level:
        base = (package or "").split("/") if package else []
        climbed = base[: len(base) - one.level + 1] if one.level > 1 else base
        stem = [*climbed, *(one.module.split(".") if one.module else [])]
        wanted = [stem, *([*stem, name] for name in one.names)]
        return list(dict.fromkeys(path for parts in wanted if parts for path in finder._from("", parts)))
    found = finder.files(one.module)
    whole = found or finder.namespace(one.module)
    for name in one.names if whole or finder.namespace(one.module.partition(".")[0]) else ():
        found += finder.files(f"{one.module}.{name}")
    return list(dict.fromkeys(found))


def _refused(one: Import, folder: Folder) -> list[str]:
    """Files of that module that lie beside the notebook only as links to elsewhere."""
    path = one.module.partition(".")[0]
    return [name for name in (f"{path}.py", path) if path and not one.level and folder.leads_out(name)]


def _outside(path: str, place: Place) -> Finding:
    message = f"{path} is a link out of the notebook's folder, so it stays out of the block. Put a copy in the folder."
    return Finding(severity=Severity.WARNING, code="outside-folder", message=message, place=place)


def _add(outside: dict[str, ImportFact], one: Import) -> None:
    for module in one.modules():
        first = outside.get(module)
        optional = one.optional and (first is None or first.optional)
        outside[module] = ImportFact(module=module, place=first.place if first else one.place, optional=optional)


def _read(path: str, finder: _Finder) -> tuple[list[Code], list[Finding]]:
    """The code of one local file; a notebook that ``%run`` names gives one piece a cell."""
    if path.endswith(".ipynb"):
        return [code for cell in read_notebook(finder.folder.root / path).code for code in _cell(path, cell.source)], []
    text = finder.text(path)
    if text is None:
        message = f"{path} is not text, so what it imports is unknown. Add its packages by hand."
        return [], [_unparsed(path, message, 1)]
    try:
        return [Code(file=path, text=text, tree=parse(text))], []
    except SyntaxError as error:
        message = f"{path} is not valid Python ({error.msg}); only its import lines were read."
        tree = parse(salvage(text))
        return [Code(file=path, text=text, tree=tree)], [_unparsed(path, message, error.lineno or 1)]


def _cell(path: str, source: str) -> list[Code]:
    python = split_cell(source).python
    try:
        return [Code(file=path, text=python, tree=parse(python))]
    except SyntaxError:
        return [Code(file=path, text=python, tree=parse(salvage(python)))]


def _unparsed(path: str, message: str, line: int) -> Finding:
    place = Place(file=path, line=max(1, line))
    return Finding(severity=Severity.WARNING, code="unparsed-cell", message=message, place=place)


def downloaded(texts: Iterable[str]) -> frozenset[str]:
    """Modules that the notebook fetches as single files (``https://…/thinkstats2.py``)."""
    return frozenset(name for text in texts for name in _DOWNLOADED.findall(text))
