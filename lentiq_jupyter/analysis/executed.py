"""Python that a notebook holds as text and runs: given to ``exec``, to ``python -c``, or on a shell's input."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable

from ..model import Place
from .code import Code, parse, walk
from .names import names_of
from .shell import Command, commands_of
from .uses import UNKNOWN, uses_of

_HERE = re.compile(r"\bpython[\d.]*\b.*<<-?\s*['\"]?(\w+)")
_PYTHON = re.compile(r"(?:.*/)?python[\d.]*|\{sys\.executable\}")
_IMPORT = re.compile(r"(?:import|from)\s")


def executed_of(codes: Iterable[Code], commands: Iterable[Command] = ()) -> tuple[Code, ...]:
    """The texts that are known and parse, each at the place of what runs it.

    Parameters
    ----------
    commands : iterable of Command
        Lines of shell cells, in their order; ``!`` lines are among the codes.
    """
    codes, commands = tuple(codes), tuple(commands)
    found = [*_exec(codes), *_inputs(commands)]
    if any("python" in code.text and " -c" in code.text for code in codes):
        commands = (*commands, *commands_of(codes, names_of(codes)))
    for command in commands:
        text = _option(command.text)
        found += _code(text, command.place) if text else []
    return tuple(found)


def _exec(codes: tuple[Code, ...]) -> list[Code]:
    if not any("exec(" in code.text for code in codes):
        return []
    uses = uses_of(codes, names_of(codes))
    return [
        made
        for call in uses.calls
        if call.name == "exec" and isinstance(call.node.func, ast.Name)
        for text in uses.texts_of(call.argument(0))
        for made in _code(text.replace(UNKNOWN, "_"), call.place)
    ]


def _option(line: str) -> str:
    """The program of ``python -c``."""
    if " -c" not in line:
        return ""
    try:
        words = shlex.split(line)
    except ValueError:
        return ""
    for number, word in enumerate(words[:-2]):
        if _PYTHON.fullmatch(word) and words[number + 1] == "-c":
            return words[number + 2]
    return ""


def _inputs(commands: tuple[Command, ...]) -> list[Code]:
    """The imports of ``python - <<END`` in a shell cell: its lines come without their indentation."""
    found: list[Code] = []
    end, place, held = "", None, [""]
    for command in commands:
        if place is None:
            here = _HERE.search(command.text)
            if here:
                end, place, held = here[1], command.place, []
        elif command.text == end:
            found += _code("\n".join(held), place)
            place = None
        elif _IMPORT.match(command.text):
            held.append(command.text)
    return found


def _code(text: str, place: Place) -> list[Code]:
    """The text as code, all of it at one place; nothing if it is not Python."""
    try:
        tree = parse(text)
    except SyntaxError:
        return []
    for node in walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.alias)):
            node.lineno = place.line
    return [Code(file=place.file, text=text, tree=tree, cell=place.cell)]
