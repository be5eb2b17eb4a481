"""`analyse`: all facts of one notebook. The order of the readings, nothing else."""

from __future__ import annotations

import ast
import os.path
import re
from collections.abc import Iterable
from pathlib import Path

from ..model import EnvFact, Facts, FileFact, Finding, Place, Severity, record
from .code import Code, parse, salvage, split_cell, walk
from .data import data_of
from .folder import Folder, Outside
from .guard import guard_files, guard_text, is_secret_file
from .hidden import hidden_of
from .inputs import Read, inputs_of
from .modules import Followed, downloaded, follow
from .names import Names, names_of
from .notebook import Notebook, read_notebook
from .outputs import outputs_of
from .shell import Command, commands_of, installs_of, lines_of
from .system import system_of
from .variables import environment_of

_GUARDED_BYTES = 2**18  # data files up to this size are read for secrets
_DOWNLOAD = re.compile(r"(?:-O|-o|--output|--output-document)[= ]\s*['\"]?([^\s'\";|&]+)|>\s*([^\s&|;]+)")


@record
class _Cells:
    """The notebook taken apart. `written` maps paths to the text that ``%%writefile`` puts there."""

    codes: tuple[Code, ...]
    commands: tuple[Command, ...]
    written: dict[str, str]
    magics: tuple[tuple[str, Place], ...]
    findings: tuple[Finding, ...]


def analyse(path: Path) -> Facts:
    """Everything that the text of a notebook and of the files beside it shows. Nothing is executed.

    A cell that does not parse costs only itself: it becomes a finding ``unparsed-cell``, and its
    import lines still count.

    Parameters
    ----------
    path : Path
        The notebook. Files are looked for in its folder only.

    Raises
    ------
    NotFound
        If there is no such file.
    Unavailable
        If it cannot be read.
    NotebookError
        If it is not JSON, not a notebook, not Python, or has no code.
    """
    path = Path(path)
    notebook = read_notebook(path)
    folder = Folder(path.parent)
    cells = _take_apart(notebook)
    names = names_of(cells.codes)
    commands = (*commands_of(cells.codes, names), *cells.commands)
    followed = _follow(cells, names, folder, commands)
    everything = (*cells.codes, *followed.codes)
    written = frozenset((*cells.written, *_made_by(commands)))
    data, data_findings = data_of(cells.codes, names, folder, written)
    hidden = list(hidden_of(cells.codes, names, followed.imports, cells.magics))
    environment = list(environment_of(cells.codes, names))
    for code in followed.codes:
        own = names_of([code])
        more, wrong = data_of([code], own, folder, written)
        data, data_findings = (*data, *more), (*data_findings, *wrong)
        hidden += hidden_of([code], own, followed.imports, ())
        environment += environment_of([code], own)
    system, system_findings = system_of(everything, names, followed.imports, commands, cells.magics)
    outputs, output_findings = outputs_of(cells.codes, names)
    parameters = _parameters(cells.codes)
    files = _files(followed.files, data)
    findings = (
        *cells.findings,
        *_out_of_order(notebook),
        *followed.findings,
        *parameters.findings,
        *output_findings,
        *data_findings,
        *system_findings,
        *_guard(notebook, everything, files, folder),
        *_dotenv(cells.codes, names, folder),
    )
    return Facts(
        notebook=notebook.name,
        sha256=notebook.sha256,
        kernel=notebook.kernel,
        cells=sum(cell.kind == "code" for cell in notebook.cells),
        imports=followed.imports,
        installs=tuple(installs_of(commands, folder.text)),
        hidden=tuple({need.distribution: need for need in reversed(hidden)}.values())[::-1],
        inputs=parameters.inputs,
        outputs=outputs,
        environment=_merge(environment),
        system=system,
        files=tuple(fact for fact in files if not is_secret_file(fact.path) and fact.path != notebook.name),
        findings=tuple(dict.fromkeys(findings)),
    )


def _take_apart(notebook: Notebook) -> _Cells:
    codes: list[Code] = []
    commands: list[Command] = []
    written: dict[str, str] = {}
    magics: list[tuple[str, Place]] = []
    findings: list[Finding] = []
    for cell in notebook.code:
        split = split_cell(cell.source)
        start = Place(file=notebook.name, line=1, cell=cell.index)
        if split.magic:
            magics.append((split.magic, start))
        if split.writes:
            # A path in a variable folder is looked for by what follows the variable.
            name = os.path.normpath(re.sub(r"^(?:\{[^}]*\}|\$\w+)/*", "", split.writes[0]))
            written[name] = split.writes[1]
        commands += lines_of(split.shell, notebook.name, cell.index)
        try:
            tree = parse(split.python)
        except SyntaxError as error:
            tree = parse(salvage(split.python))
            line = min(max(error.lineno or 1, 1), cell.source.count("\n") + 1)
            message = f"Cell {cell.index + 1} is not valid Python ({error.msg}); only its import lines were read."
            place = Place(file=notebook.name, line=line, cell=cell.index)
            findings.append(Finding(severity=Severity.WARNING, code="unparsed-cell", message=message, place=place))
        codes.append(Code(file=notebook.name, text=split.python, tree=tree, cell=cell.index, tags=cell.tags))
    return _Cells(
        codes=tuple(codes),
        commands=tuple(commands),
        written=written,
        magics=tuple(magics),
        findings=tuple(findings),
    )


def _follow(cells: _Cells, names: Names, folder: Folder, commands: Iterable[Command]) -> Followed:
    search = [""]
    runs: list[tuple[str, Place]] = []
    refused: list[Finding] = []
    texts = [command.text for command in commands]
    for code in cells.codes:
        for node in walk(code.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.Call):
                for added in _search_path(node, names):
                    try:
                        search.append(folder.relative(added).removeprefix("."))
                    except Outside:
                        message = f"sys.path gets {added}, outside the notebook's folder. Put its code inside."
                        refused.append(
                            Finding(
                                severity=Severity.WARNING,
                                code="outside-folder",
                                message=message,
                                place=code.place(node),
                            )
                        )
                ran = _ran(node, names)
                if ran and (folder.is_file(ran) or ran in cells.written):
                    runs.append((folder.relative(ran), code.place(node)))
    followed = follow(cells.codes, runs, folder, tuple(dict.fromkeys(search)), cells.written, downloaded(texts))
    return Followed(
        imports=followed.imports,
        files=followed.files,
        codes=followed.codes,
        findings=(*refused, *followed.findings),
    )


def _search_path(call: ast.Call, names: Names) -> list[str]:
    called = names.dotted(call.func)
    if called not in ("sys.path.append", "sys.path.insert", "sys.path.extend", "site.addsitedir") or not call.args:
        return []
    given = call.args[-1]
    parts = given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given]
    unwrapped = [
        part.args[0]
        if isinstance(part, ast.Call)
        and part.args
        and names.dotted(part.func).startswith("os.path.")
        and names.dotted(part.func) != "os.path.join"
        else part
        for part in parts
    ]
    return [text for text in map(names.text, unwrapped) if text]


def _ran(call: ast.Call, names: Names) -> str | None:
    """The file that ``%run`` or ``runpy.run_path`` runs."""
    words = [names.text(argument) for argument in call.args]
    if isinstance(call.func, ast.Attribute) and call.func.attr == "run_line_magic" and words[:1] == ["run"]:
        given = [word for word in (words[1] or "").split() if not word.startswith("-")] if len(words) > 1 else []
        name = given[0].strip("'\"") if given else ""
        return os.path.normpath(name if name.endswith((".py", ".ipynb")) else f"{name}.py") if name else None
    if names.dotted(call.func) == "runpy.run_path" and words and words[0]:
        return os.path.normpath(words[0])
    return None


def _made_by(commands: Iterable[Command]) -> list[str]:
    """Paths that shell commands write."""
    found: list[str] = []
    for command in commands:
        found += [os.path.normpath(first or second) for first, second in _DOWNLOAD.findall(command.text)]
        if command.text.split()[:1] == ["wget"] and not _DOWNLOAD.search(command.text):
            found += [word.rpartition("/")[2] for word in command.text.split() if "://" in word and "/" in word]
    return found


def _parameters(codes: Iterable[Code]) -> Read:
    tagged = [code for code in codes if "parameters" in code.tags]
    if not tagged:
        return Read()
    read = inputs_of(tagged[0])
    more = [
        Finding(
            severity=Severity.WARNING,
            code="second-parameters",
            message="Only the first cell tagged parameters gives inputs. Join the cells, or remove this tag.",
            place=Place(file=code.file, line=1, cell=code.cell),
        )
        for code in tagged[1:]
    ]
    return Read(inputs=read.inputs, findings=(*read.findings, *more))


def _out_of_order(notebook: Notebook) -> list[Finding]:
    highest = 0
    for cell in notebook.code:
        count = cell.execution_count
        if count is not None and count < highest:
            message = (
                f"Cell {cell.index + 1} was run before a cell above it, so a run from top to bottom may differ. "
                "Restart the kernel and run all cells."
            )
            place = Place(file=notebook.name, line=1, cell=cell.index)
            return [Finding(severity=Severity.WARNING, code="out-of-order", message=message, place=place)]
        highest = max(highest, count or 0)
    return []


def _files(modules: Iterable[FileFact], data: Iterable[FileFact]) -> tuple[FileFact, ...]:
    by_path: dict[str, FileFact] = {}
    for fact in (*modules, *data):
        by_path.setdefault(fact.path, fact)
    return tuple(by_path[path] for path in sorted(by_path))


def _guard(notebook: Notebook, codes: Iterable[Code], files: Iterable[FileFact], folder: Folder) -> list[Finding]:
    files = tuple(files)
    found = []
    for cell in notebook.cells:
        place = Place(file=notebook.name, line=1, cell=cell.index)
        found += guard_text(cell.source, place)
    for code in codes:
        if code.file != notebook.name:
            found += guard_text(code.text, Place(file=code.file, line=1))
    for fact in files:
        text = folder.text(fact.path, _GUARDED_BYTES) if fact.kind == "data" and not is_secret_file(fact.path) else None
        found += guard_text(text, Place(file=fact.path, line=1)) if text else []
    return found + guard_files((fact.path, fact.place) for fact in files)


def _dotenv(codes: Iterable[Code], names: Names, folder: Folder) -> list[Finding]:
    """``load_dotenv()`` reads a file that no block holds."""
    for code in codes:
        for node in walk(code.tree):
            if isinstance(node, ast.Call) and not node.args and names.dotted(node.func) == "dotenv.load_dotenv":
                if not folder.is_file(".env"):
                    return []
                message = ".env stays out of the block. Give its variables to the task when it runs."
                return [Finding(severity=Severity.INFO, code="dotenv", message=message, place=code.place(node))]
    return []


def _merge(facts: Iterable[EnvFact]) -> tuple[EnvFact, ...]:
    found: dict[str, EnvFact] = {}
    for fact in facts:
        first = found.get(fact.name, fact)
        found[fact.name] = EnvFact(
            name=fact.name, has_default=first.has_default and fact.has_default, place=first.place
        )
    return tuple(found.values())
