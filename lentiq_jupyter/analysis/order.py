"""Hidden state: cells that were run out of order, and names that a run from top to bottom would not find."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable
from typing import Any

from pyflakes import checker, messages

from ..model import Finding, Place, Severity
from .code import Code, walk
from .magics import split_cell
from .notebook import Notebook

_SHOWN = 8
_LINES = 5000  # a longer notebook is left unread: pyflakes takes about 30 ms for each 1000 lines
_ELSEWHERE = frozenset(("px", "parallel"))  # cell magics whose Python runs in other processes
# What IPython and the kernels of Spark and Databricks put into every notebook.
_KNOWN = frozenset(
    [
        "display", "get_ipython", "In", "Out", "_", "__", "___", "_i", "_ii", "_iii", "_dh", "_ih", "_oh",
        "_exit_code", "exit", "quit", "spark", "sc", "sqlContext", "sqlc", "dbutils", "displayHTML",
    ]
)  # fmt: skip
_NUMBERED = re.compile(r"_i?\d+")
# What defines names that no reading finds.
_UNREADABLE = re.compile(
    r"^[ \t]*%(?:run|load|loadpy|pylab|store|recall|rerun|macro|autoload|kedro|reload_kedro)\b"
    r"|\b(?:exec|execfile|run_path|run_cell|interact_manual|(?:globals|locals|vars)\(\)\.update)\s*\("
    r"|\b(?:globals|locals|vars)\(\)\s*\[[^\]\n]*\]\s*=(?!=)|\bshell\.push\(|get_ipython\(\)\.push\(|import\s+\*",
    re.MULTILINE,
)
_MAGIC_LINE = re.compile(r"^[ \t]*(?:[^\W\d][\w, ]*=[ \t]*)?[%!].*$", re.MULTILINE)
_SCOPES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
# Code that asks whether a name is there copes without it.
_GUARDED = re.compile(r"['\"](\w+)['\"]\s+(?:not\s+)?in\s+(?:globals|locals|vars|dir)\(\)")
_WORD = re.compile(r"[^\W\d]\w*")


class _Checker(checker.Checker):  # type: ignore[misc]  # pyflakes is untyped
    """pyflakes, with its undefined names as nodes."""

    def __init__(self, tree: ast.Module, known: Collection[str]) -> None:
        self.undefined: list[tuple[str, ast.AST]] = []
        super().__init__(tree, builtins=known, withDoctest=False)

    def report(self, message: Any, *arguments: Any) -> None:
        if message in (messages.UndefinedName, messages.UndefinedLocal):
            self.undefined.append((str(arguments[1]), arguments[0]))


def out_of_order(notebook: Notebook) -> list[Finding]:
    """One finding that names every cell with a lower execution count than a cell above it."""
    highest, late = 0, []
    for cell in notebook.code:
        count = cell.execution_count
        if count is not None and count < highest:
            late.append(cell.index)
        highest = max(highest, count or 0)
    if not late:
        return []
    listed = ", ".join(str(index + 1) for index in late[:20]) + (", …" if len(late) > 20 else "")
    subject, above = (f"Cell {listed} was", "it") if len(late) == 1 else (f"Cells {listed} were", "them")
    message = (
        f"{subject} run before a cell above {above}, so a run from top to bottom may differ. "
        "Restart the kernel and run all cells."
    )
    place = Place(file=notebook.name, line=1, cell=late[0])
    return [Finding(severity=Severity.WARNING, code="out-of-order", message=message, place=place)]


def undefined_names(
    notebook: Notebook, codes: Iterable[Code], inputs: Collection[str], unread: Collection[int | None] = ()
) -> list[Finding]:
    """Names that cells use and no cell above defines; a handful, each at its first place.

    Silent where names may come from somewhere that only a run reads.

    Parameters
    ----------
    inputs : names that every run defines
    unread : indices of cells that were not read whole: every name in them may be defined there
    """
    codes = [code for code in codes if code.file == notebook.name]
    if sum(cell.source.count("\n") + 1 for cell in notebook.code) > _LINES:
        return []
    if any(_UNREADABLE.search(cell.source) for cell in notebook.code):
        return []
    tree = ast.Module(body=[statement for code in codes for statement in code.tree.body], type_ignores=[])
    try:
        undefined = _Checker(tree, _KNOWN | set(inputs)).undefined
    except (RecursionError, AttributeError, KeyError, TypeError, ValueError):
        return []  # no verdict on a tree that pyflakes was not made for
    mentioned = _mentioned(notebook, unread) if undefined else set()
    sure = [one for one in undefined if one[0] not in mentioned and not _NUMBERED.fullmatch(one[0])]
    nodes = dict(reversed(sure))
    findings = []
    for name in dict.fromkeys(name for name, _ in sure):
        code = next((one for one in codes if any(node is nodes[name] for node in walk(one.tree))), None)
        if code is None or code.cell is None:
            continue
        later = next((one.cell for one in codes if one.cell is not None and _binds(one, name)), None)
        if later is None:
            message = f"{name} is used in cell {code.cell + 1}, but no cell defines it."
            message += " The cell that did was probably deleted." if _has_gaps(notebook) else ""
            message += " Define it, or make it an input."
        elif later == code.cell:
            message = f"{name} is used in cell {code.cell + 1} before that cell defines it. Define it above its use."
        else:
            message = (
                f"{name} is used in cell {code.cell + 1}, but first defined in cell {later + 1}: a run from top to "
                "bottom fails there. Put the definition first."
            )
        place = code.place(nodes[name])
        findings.append(Finding(severity=Severity.WARNING, code="undefined-name", message=message, place=place))
    return findings[:_SHOWN]


def _mentioned(notebook: Notebook, unread: Collection[int | None]) -> set[str]:
    """Words of magic and shell lines, and of cells that are not, not surely, or not here run as Python."""
    found: set[str] = set()
    for cell in notebook.code:
        split = split_cell(cell.source)
        other = split.magic in _ELSEWHERE or split.unsure or (split.magic and not split.python)
        text = cell.source if other or cell.index in unread else "\n".join(_MAGIC_LINE.findall(cell.source))
        found.update(_WORD.findall(text))
        found.update(_GUARDED.findall(cell.source))
    return found


def _binds(code: Code, name: str) -> bool:
    """Whether the cell itself defines the name, not a function, class or comprehension for its own use."""
    pending: list[ast.AST] = list(code.tree.body)
    while pending:
        node = pending.pop()
        if not isinstance(node, _SCOPES):
            pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name.partition(".")[0]) == name:
            return True
    return False


def _has_gaps(notebook: Notebook) -> bool:
    """Whether execution counts are missing between those that are there, so that cells were run that are gone."""
    counts = sorted({cell.execution_count for cell in notebook.code if cell.execution_count})
    return len(counts) > 1 and counts[-1] - counts[0] + 1 > len(counts)
