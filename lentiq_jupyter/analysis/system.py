"""Debian packages that the code of a notebook asks for: programs it starts, install lines, by ``system.toml``."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ..model import Finding, ImportFact, Place, Severity, SystemNeed, Witness
from .code import Code, walk
from .names import Names
from .shell import Command, simple_commands

# Debian policy 5.6.1.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_APT = ("apt", "apt-get", "aptitude")
_BEFORE = frozenset(("env", "exec", "nohup", "sudo", "time", "timeout", "xargs"))
_TEX = (
    "TeX is several hundred megabytes and is left out: name it with --add-system texlive-latex-extra if it must be in."
)


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("system.toml").read_text("utf-8"))


def package_of_program(name: str) -> str | None:
    """The Debian package that has a program; None if that is not known, or the base image has it."""
    programs: dict[str, str] = _tables()["programs"]
    return programs.get(name) or programs.get(name.lower())


def system_of(
    codes: Iterable[Code],
    names: Names,
    imports: Iterable[ImportFact],
    commands: Iterable[Command],
    magics: Iterable[tuple[str, Place]],
) -> tuple[tuple[SystemNeed, ...], tuple[Finding, ...]]:
    """The packages, one need each at its first place, and what is too large to go in unasked.

    Parameters
    ----------
    magics : pairs of a name and a place
        Cell magics; line magics are found in the code.
    """
    found: dict[str, SystemNeed] = {}
    findings: list[Finding] = []

    def add(packages: Iterable[str], witness: Witness, why: str) -> None:
        for package in packages:
            found.setdefault(package, SystemNeed(package=package, witness=witness, why=why))

    for command in commands:
        for words in map(_started, simple_commands(command.text)):
            where = _where(command.place)
            if words and words[0] in _APT and "install" in words:
                wanted = (re.split("[=:/]", word)[0] for word in words[words.index("install") + 1 :] if word[0] != "-")
                add((one for one in wanted if _PACKAGE.fullmatch(one)), Witness.LINE, f"install line, {where}")
            elif words and (package := package_of_program(words[0])):
                add((package,), Witness.RULE, f"{words[0]}, {where}")
            if "nbconvert" in words and {"pdf", "--to=pdf"} & set(words):
                findings.append(_large(f"nbconvert to PDF needs pandoc and TeX. {_TEX}", command.place))
    tops = {fact.module.partition(".")[0] for fact in imports}
    live = [rule for rule in _tables()["rule"] if not rule.get("with") or tops & set(rule["with"])]
    for name, place in magics:
        for rule in live:
            if name in rule.get("magic", ()):
                add(rule["packages"], Witness.RULE, f"%%{name}, {_where(place)}")
    for code in codes:
        for node in walk(code.tree):
            if _uses_tex(node):
                findings.append(_large(f"usetex needs TeX. {_TEX}", code.place(node)))
            for rule in live:
                if isinstance(node, ast.Call) and _holds(node, rule, names):
                    add(rule["packages"], Witness.RULE, f"{_called(node, names)}, {_where(code.place(node))}")
    return tuple(found.values()), tuple({one.message: one for one in findings}.values())


def _started(words: list[str]) -> list[str]:
    """The words of a command from its program on, which has lost its folder."""
    for number, word in enumerate(words):
        if word not in _BEFORE and "=" not in word and not word.startswith("-") and not word.isdigit():
            return [word.rpartition("/")[2], *words[number + 1 :]]
    return []


def _called(call: ast.Call, names: Names) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else names.dotted(call.func).rpartition(".")[2]


def _holds(call: ast.Call, rule: dict[str, Any], names: Names) -> bool:
    called = _called(call, names)
    texts = [names.text(one) for one in call.args]
    if called == "run_line_magic":
        return bool(texts) and texts[0] in rule.get("magic", ())
    if called not in rule.get("call", ()):
        return False
    if "suffix" in rule and not any(text and text.lower().endswith(tuple(rule["suffix"])) for text in texts):
        return False
    given = {one.arg: names.text(one.value) for one in call.keywords if one.arg}
    return "keyword" not in rule or given.get(rule["keyword"]) in rule["value"]


def _uses_tex(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "usetex" and isinstance(node.value, ast.Constant) and node.value.value is True
    if isinstance(node, ast.Dict):
        return any(
            _is(key, "text.usetex") and _is(value, True) for key, value in zip(node.keys, node.values, strict=True)
        )
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        return _is(node.targets[0].slice, "text.usetex") and _is(node.value, True)
    return False


def _is(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)


def _large(message: str, place: Place) -> Finding:
    return Finding(severity=Severity.WARNING, code="system-large", message=message, place=place)


def _where(place: Place) -> str:
    return f"cell {place.cell + 1}" if place.cell is not None else f"{place.file} line {place.line}"
