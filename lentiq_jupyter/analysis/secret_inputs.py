"""Secret inputs that a notebook proposes: parameters, what it reads from the environment, and from ``.env`` files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from ..model import EnvFact, Finding, Input, InputType, Place, SecretFact, Severity, record
from .code import Code, every
from .folder import Folder
from .guard import is_placeholder
from .literals import is_secret_name, is_secret_variable
from .names import Names

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTENV_BYTES = 2**18


@record
class Dotenv:
    """The ``.env`` files that code loads: their paths, and the names (never the values) of their variables."""

    paths: frozenset[str] = frozenset()
    variables: tuple[tuple[str, Place], ...] = ()


def dotenv_of(codes: Iterable[Code], names: Names, folder: Folder) -> Dotenv:
    """What ``load_dotenv``, ``dotenv_values`` and ``%dotenv`` read. Without a path, that is ``.env``."""
    paths: set[str] = set()
    variables: dict[str, Place] = {}
    for code in codes:
        if "dotenv" not in code.text:
            continue
        for call in every(code.tree, ast.Call):
            words = [names.text(one) for one in call.args]
            magic = isinstance(call.func, ast.Attribute) and call.func.attr == "run_line_magic"
            if names.dotted(call.func) in ("dotenv.load_dotenv", "dotenv.dotenv_values", "load_dotenv"):
                given = [names.text(one.value) for one in call.keywords if one.arg == "dotenv_path"]
                path = next((one for one in (*words[:1], *given) if one), ".env")
            elif magic and words[:1] == ["dotenv"]:
                path = next((one for one in (words[1] or "").split() if not one.startswith("-")), ".env")
            else:
                continue
            if not folder.is_file(path):
                continue
            paths.add(folder.relative(path))
            for line in (folder.text(path, _DOTENV_BYTES) or "").splitlines():
                if match := _ASSIGNMENT.match(line):
                    variables.setdefault(match[1], code.place(call))
    return Dotenv(paths=frozenset(paths), variables=tuple(variables.items()))


def with_secret_inputs(
    inputs: Iterable[Input],
    environment: Iterable[EnvFact],
    dotenv: Dotenv,
    secrets: Iterable[SecretFact],
    parameters: int | None,
) -> tuple[tuple[Input, ...], tuple[SecretFact, ...], tuple[Finding, ...]]:
    """All inputs of the block, with the facts and findings of those that are secret.

    A parameter is secret if its default is, or if it is named like a secret and has no real default. A
    variable of the environment is secret by its name, or because a ``.env`` file sets it.

    Parameters
    ----------
    parameters : int or None
        The cell tagged ``parameters``.
    """
    in_cell = {one.name for one in secrets if one.name and parameters is not None and one.place.cell == parameters}
    made = {one.name: _parameter(one, one.name in in_cell) for one in inputs}
    read = {one.name: one for one in environment if _NAME.fullmatch(one.name)}
    wanted: dict[str, tuple[bool, Place]] = {}
    loaded = dict(dotenv.variables)
    for name, one in read.items():
        if name in loaded or is_secret_variable(name):
            wanted[name] = (not one.has_default, one.place)
    for name, place in loaded.items():
        # A library reads what the code does not; only names tell whether it can do without.
        wanted.setdefault(name, (is_secret_variable(name), place))
    facts: list[SecretFact] = []
    findings: list[Finding] = []
    for name, (required, place) in wanted.items():
        if name in made or name.startswith("LENTIQ_"):
            continue
        made[name] = Input(
            name=name, required=required, secret=True, description="environment variable that the notebook reads"
        )
        facts.append(SecretFact(kind="a variable of the environment", source="environment", place=place, name=name))
        message = f"{name} is read from the environment: a secret input. Set it with: lentiq secret set {name}"
        findings.append(Finding(severity=Severity.INFO, code="secret-input", message=message, place=place))
    if dotenv.paths:
        where = dotenv.variables[0][1] if dotenv.variables else None
        message = f"{', '.join(sorted(dotenv.paths))} stays out of the block; its variables are secret inputs."
        findings.append(Finding(severity=Severity.INFO, code="dotenv", message=message, place=where))
    return tuple(made.values()), tuple(facts), tuple(findings)


def _parameter(one: Input, holds_secret: bool) -> Input:
    empty = one.default is None or one.default == "" or (isinstance(one.default, str) and is_placeholder(one.default))
    named = is_secret_name(one.name) and empty and one.type in (InputType.STR, InputType.JSON)
    if not holds_secret and not named:
        return one
    return Input(name=one.name, required=True, secret=True, description=one.description)
