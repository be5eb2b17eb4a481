"""`analyse`: all facts of one notebook. The order of the readings, nothing else."""

from __future__ import annotations

import ast
import os.path
import re
from collections.abc import Iterable
from pathlib import Path

from ..model import EnvFact, Facts, FileFact, Finding, Place, Severity, record
from .code import Code, Reading, every, parse, read_python, split_cell
from .data import LARGE_BYTES, data_of, weighed
from .executed import executed_of
from .fetched import fetched_of
from .folder import Folder
from .guard import is_secret_file
from .hidden import hidden_of
from .inputs import Read, inputs_of
from .last_run import last_run_of
from .modules import follow
from .names import Names, names_of
from .notebook import Notebook, read_notebook
from .order import out_of_order, undefined_names
from .outputs import outputs_of
from .plugins import plugins_of
from .search import Search, search_of
from .secret_inputs import dotenv_of, with_secret_inputs
from .secrets import Bound, bound_secrets, secrets_of, without
from .shell import Command, commands_of, installs_of, lines_of, simple_commands
from .system import system_of
from .uses import mentioned, uses_of
from .variables import environment_of

_DOWNLOAD = re.compile(r"(?:-O|-o|--output|--output-document)[= ]\s*['\"]?([^\s'\";|&]+)|>\s*([^\s&|;]+)")


@record
class _Cells:
    """The notebook taken apart. `written` maps paths, as they stand there, to the text that ``%%writefile`` writes."""

    codes: tuple[Code, ...]
    commands: tuple[Command, ...]
    written: dict[str, str]
    magics: tuple[tuple[str, Place], ...]
    findings: tuple[Finding, ...]


def analyse(path: Path, large_bytes: int = LARGE_BYTES) -> Facts:
    """Everything that the text of a notebook and of the files beside it shows. Nothing is executed.

    A cell that does not parse costs only itself: it becomes a finding ``unparsed-cell``, and its
    import lines still count.

    Parameters
    ----------
    path : Path
        The notebook. Files are looked for in its folder only.
    large_bytes : int
        Size above which a file is marked as large.

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
    commands = (*_filled(commands_of(cells.codes, names), names), *cells.commands)
    search = search_of(cells.codes, names, folder, commands, _written(cells.written, names))
    followed = follow(cells.codes, names, _runs(cells.codes, names, folder, search, commands), folder, search)
    everything = (*cells.codes, *followed.codes)
    written = frozenset((*search.written, *_made_by(commands)))
    data, data_findings = data_of(cells.codes, names, folder, written)
    uses = uses_of(cells.codes, names)
    hidden = list(hidden_of(uses, followed.imports, cells.magics, commands))
    fetched = list(fetched_of(uses, followed.imports, commands))
    environment = list(environment_of(cells.codes, names))
    alive = mentioned(everything) if followed.parts else frozenset()
    for code, own in followed.parts:
        more, wrong = data_of([code], own, folder, written)
        data, data_findings = (*data, *more), (*data_findings, *wrong)
        uses = uses_of([code], own, alive)
        hidden += hidden_of(uses, followed.imports)
        fetched += fetched_of(uses, followed.imports)
        environment += environment_of([code], own)
    system, system_findings = system_of(everything, names, followed.imports, commands, cells.magics)
    outputs, output_findings = outputs_of(cells.codes, names)
    parameters = _parameters(cells.codes)
    files = _files(followed.files, data)
    dotenv = dotenv_of(everything, names, folder)
    parts = (*((code, names) for code in cells.codes), *followed.parts)
    secrets = secrets_of(notebook, parts, files, folder, dotenv.paths)
    tagged = next((code.cell for code in cells.codes if "parameters" in code.tags), None)
    inputs, secret_facts, secret_findings = with_secret_inputs(
        parameters.inputs, _merge(environment), dotenv, secrets.facts, tagged
    )
    packed, size_findings = weighed(
        (fact for fact in files if not is_secret_file(fact.path) and fact.path != notebook.name), large_bytes
    )
    findings = (
        *cells.findings,
        *out_of_order(notebook),
        *search.findings,
        *followed.findings,
        *parameters.findings,
        *output_findings,
        *data_findings,
        *size_findings,
        *system_findings,
        *secrets.findings,
        *secret_findings,
        *_undefined(notebook, cells, parameters),
    )
    installs = tuple(installs_of(commands, lambda path: search.text(path) or folder.text(path)))
    hidden += plugins_of(installs, followed.imports)
    facts = Facts(
        notebook=notebook.name,
        sha256=notebook.sha256,
        kernel=notebook.kernel,
        cells=sum(cell.kind == "code" for cell in notebook.cells),
        imports=followed.imports,
        installs=installs,
        hidden=tuple({need.distribution: need for need in reversed(hidden)}.values())[::-1],
        inputs=inputs,
        outputs=outputs,
        environment=_merge(environment),
        data=tuple({(need.kind, need.name): need for need in reversed(fetched)}.values())[::-1],
        system=system,
        files=packed,
        secrets=(*secrets.facts, *secret_facts),
        last_run=last_run_of(notebook),
        findings=tuple(dict.fromkeys(findings)),
    )
    return without(facts, secrets.values) if secrets.values else facts


def secret_literals(path: Path) -> tuple[Bound, ...]:
    """The secrets in literals of a notebook's cells, with their values: for whoever takes them out of a copy.

    Raises
    ------
    NotFound, Unavailable, NotebookError
        As `analyse`.
    """
    codes = _take_apart(read_notebook(path)).codes
    names = names_of(codes)
    return tuple(one for one in bound_secrets((code, names) for code in codes) if one.name)


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
            written[split.writes[0]] = split.writes[1]
        commands += lines_of(split.shell, notebook.name, cell.index)
        reading = _read(split.python, split.unsure)
        if reading.fault:
            line = min(max(reading.line, 1), cell.source.count("\n") + 1)
            message = (
                f"Cell {cell.index + 1} is not valid Python ({reading.fault}); the statements around that were read."
            )
            place = Place(file=notebook.name, line=line, cell=cell.index)
            findings.append(Finding(severity=Severity.WARNING, code="unparsed-cell", message=message, place=place))
        codes.append(Code(file=notebook.name, text=split.python, tree=reading.tree, cell=cell.index, tags=cell.tags))
    return _Cells(
        codes=(*codes, *executed_of(codes, commands)),
        commands=tuple(commands),
        written=written,
        magics=tuple(magics),
        findings=tuple(findings),
    )


def _read(python: str, unsure: bool) -> Reading:
    """The tree of a cell; under a magic that nobody knows, only if all of it is Python."""
    if unsure:
        try:
            return Reading(tree=parse(python))
        except SyntaxError:
            return Reading(tree=parse(""))
    return read_python(python)


def _written(files: dict[str, str], names: Names) -> dict[str, str]:
    """The files by their paths; of a folder that only a run can tell, what follows it is looked for."""
    found: dict[str, str] = {}
    for path, text in files.items():
        known = re.sub(r"^(?:\{[^}]*\}|\$\w+)/*", "", names.filled(path)).lstrip("/")
        found[os.path.normpath(known)] = text
    return found


def _filled(commands: Iterable[Command], names: Names) -> list[Command]:
    """Commands with the notebook's own names put in, as IPython does before a shell sees them."""
    return [Command(text=names.filled(one.text), place=one.place) for one in commands]


def _runs(
    codes: Iterable[Code], names: Names, folder: Folder, search: Search, commands: Iterable[Command]
) -> list[tuple[str, Place]]:
    """The scripts and notebooks that the notebook runs, by magics, by calls and by shell lines."""
    named = [(_ran(call, names), code.place(call)) for code in codes for call in every(code.tree, ast.Call)]
    for command in commands:
        for words in simple_commands(names.filled(command.text)):
            named.append((_script(words), command.place))
    found: list[tuple[str, Place]] = []
    for path, place in named:
        if path and path in search.written:
            found.append((path, place))
        elif path and folder.is_file(path):
            found.append((folder.relative(path), place))
    return found


def _script(words: list[str]) -> str | None:
    """The script that a simple shell command gives to Python."""
    if not re.fullmatch(r"(?:.*/)?(?:python[\d.]*|\{sys\.executable\})", words[0]):
        return None
    given = next((word for word in words[1:] if not word.startswith("-")), "")
    return os.path.normpath(given) if given.endswith(".py") and "-m" not in words else None


def _ran(call: ast.Call, names: Names) -> str | None:
    """The file that ``%run`` or ``runpy.run_path`` runs, or whose text ``exec`` does."""
    words = [names.text(argument) for argument in call.args]
    if isinstance(call.func, ast.Attribute) and call.func.attr == "run_line_magic" and words[:1] == ["run"]:
        line = names.filled(words[1] or "") if len(words) > 1 else ""
        given = [word for word in line.split() if not word.startswith("-")]
        name = given[0].strip("'\"") if given else ""
        return os.path.normpath(name if name.endswith((".py", ".ipynb")) else f"{name}.py") if name else None
    if names.dotted(call.func) == "runpy.run_path" and words and words[0]:
        return os.path.normpath(words[0])
    if names.dotted(call.func) in ("exec", "execfile") and call.args:
        inside = [names.text(one.args[0]) for one in ast.walk(call) if isinstance(one, ast.Call) and one.args]
        path = next((text for text in inside if text and text.endswith(".py")), None)
        return os.path.normpath(path) if path else None
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


def _undefined(notebook: Notebook, cells: _Cells, parameters: Read) -> list[Finding]:
    unread = [one.place.cell for one in cells.findings if one.code == "unparsed-cell" and one.place]
    return undefined_names(notebook, cells.codes, [one.name for one in parameters.inputs], unread)


def _files(modules: Iterable[FileFact], data: Iterable[FileFact]) -> tuple[FileFact, ...]:
    by_path: dict[str, FileFact] = {}
    for fact in (*modules, *data):
        by_path.setdefault(fact.path, fact)
    return tuple(by_path[path] for path in sorted(by_path))


def _merge(facts: Iterable[EnvFact]) -> tuple[EnvFact, ...]:
    found: dict[str, EnvFact] = {}
    for fact in facts:
        first = found.get(fact.name, fact)
        found[fact.name] = EnvFact(
            name=fact.name, has_default=first.has_default and fact.has_default, place=first.place
        )
    return tuple(found.values())
