"""Cells and files as Python trees whose line numbers are those of the cell.

IPython's own transformer turns magics and shell lines into calls, so that everything after looks at
one kind of tree. Cell magics are taken apart here: their body is Python, shell, a file, or none of these.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager

from ..model import Place, record

# Cell magics whose body is Python that runs in the notebook's namespace.
_PYTHON_MAGICS = frozenset(
    [
        "capture",
        "debug",
        "lprun",
        "memit",
        "mprun",
        "prun",
        "px",
        "snakeviz",
        "time",
        "timeit",
        "wandb",
        "mlflow",
        "python",
        "python3",
        "pypy",
    ]
)
_SHELL_MAGICS = frozenset(["!", "bash", "sh", "script", "sx", "system", "cmd"])
_FILE_MAGICS = frozenset(("writefile", "file"))
_CELL_MAGIC = re.compile(r"%%(\S+)[ \t]*(.*)")
_IMPORT_LINE = re.compile(r"[ \t]*((?:import|from)[ \t].*)")


@record
class Code:
    """One parsed piece of Python: a cell, or a local module. `tree` keeps the lines of `text`."""

    file: str
    text: str
    tree: ast.Module
    cell: int | None = None
    tags: frozenset[str] = frozenset()

    def place(self, node: ast.AST) -> Place:
        """Where `node` stands."""
        return Place(file=self.file, line=max(1, getattr(node, "lineno", 1)), cell=self.cell)


@record
class Split:
    """What one cell consists of. `python` keeps the cell's line numbers; `writes` is path and text of a file."""

    python: str = ""
    shell: str = ""
    magic: str = ""
    writes: tuple[str, str] | None = None


def split_cell(source: str) -> Split:
    """Take a leading cell magic off a cell.

    Python bodies keep their line numbers: the magic's own line becomes an empty one, or the
    statement that ``%%timeit`` takes there.
    """
    lines = source.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    found = _CELL_MAGIC.match(lines[first]) if lines else None
    if found is None:
        return Split(python=source)
    name, rest, body = found[1], found[2].strip(), "".join(lines[first + 1 :])
    if name in _FILE_MAGICS:
        words = [word for word in rest.split() if word not in ("-a", "--append")]
        return Split(magic=name, writes=(words[0].strip("'\""), body) if words else None)
    if name in _SHELL_MAGICS:
        if re.search(r"\bpython", rest):
            return Split(magic=name, python="\n" * (first + 1) + body)
        return Split(magic=name, shell="\n" * (first + 1) + body)
    if name in _PYTHON_MAGICS:
        inner = split_cell(body)  # magics may be stacked: %%capture over %%time
        if inner.magic:
            return Split(
                magic=name,
                python="\n" * (first + 1) + inner.python if inner.python else "",
                shell="\n" * (first + 1) + inner.shell if inner.shell else "",
                writes=inner.writes,
            )
        return Split(magic=name, python="\n" * (first + 1) + body)
    return Split(magic=name)


class _SameLines(TransformerManager):  # type: ignore[misc]  # IPython is untyped
    """IPython's transformer, keeping every line where it was (it joins continued magic lines)."""

    def do_one_token_transform(self, lines: list[str]) -> tuple[bool, list[str]]:
        changed, made = super().do_one_token_transform(lines)
        gone = len(lines) - len(made)
        if changed and gone > 0:
            same = next((n for n, (old, new) in enumerate(zip(lines, made, strict=False)) if old != new), len(made) - 1)
            made = [*made[: same + 1], *["\n"] * gone, *made[same + 1 :]]
        return changed, made


def parse(python: str) -> ast.Module:
    """The tree of Python with IPython's additions.

    Raises
    ------
    SyntaxError
        If it does not parse even so; every way a text can fail to parse is told as this.
    """
    try:
        return _tree(python)
    except SyntaxError:
        pass
    bare = python.lstrip("\n")
    skipped = len(python) - len(bare)
    # The transformer drops leading empty lines; they are put back so that places stay right.
    while True:
        line, newline, rest = bare.partition("\n")
        if line.strip() or not newline:
            break
        bare, skipped = rest, skipped + 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of IPython about odd line ends
            made = _SameLines().transform_cell(bare)
        return _tree("\n" * skipped + made)
    except (RuntimeError, ValueError, IndexError, AttributeError) as error:
        raise SyntaxError(str(error)) from error


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in a user's strings
        try:
            return ast.parse(text)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error)) from error


def salvage(python: str) -> str:
    """The import lines of Python that does not parse, everything else blanked, lines kept.

    So a cell in another Python's syntax still tells what it needs.
    """
    kept = []
    for line in python.splitlines():
        found = _IMPORT_LINE.match(line)
        try:
            kept.append(found[1] if found and _tree(found[1]) else "")
        except SyntaxError:
            kept.append("")
    return "\n".join(kept)


def walk(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes in the order of the text, without recursion (user code may nest deeply)."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(list(ast.iter_child_nodes(node))))
