"""Secrets of a notebook and its files: facts and findings without a character of them.

A secret in a literal gets a name, so that a block can take it as a secret input instead. The values stay
in `Bound`, for whoever takes them out of the copy that is packed.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TypeVar, cast

from ..model import FileFact, Finding, Place, SecretFact, Severity, record
from .code import Code, every
from .folder import Folder
from .guard import is_secret_file, sightings
from .literals import is_secret_variable, literals_of, secret_kind
from .names import Names
from .notebook import Notebook

T = TypeVar("T")
# What tools leave in metadata of earlier runs: no block has it.
VOLATILE = frozenset(("widgets", "execution", "ExecuteTime", "papermill"))
_FILE_BYTES = 2**18  # data files up to this size are read for secrets, so many bytes in all
_ALL_BYTES = 2**24
_OUTPUT_CHARACTERS = 2**20
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@record
class Bound:
    """One secret as it stands in code. `name` is "" where no secret input can take its place."""

    kind: str
    source: str
    place: Place
    name: str
    value: str = field(repr=False)


@record
class Secrets:
    """What was found; `values` are the secrets themselves, for taking them out of everything else."""

    facts: tuple[SecretFact, ...] = ()
    findings: tuple[Finding, ...] = ()
    values: tuple[str, ...] = field(default=(), repr=False)


def secrets_of(
    notebook: Notebook,
    parts: Iterable[tuple[Code, Names]],
    files: Iterable[FileFact],
    folder: Folder,
    unread: Collection[str] = (),
) -> Secrets:
    """Every secret that would go into a block, and those in saved outputs.

    Parameters
    ----------
    parts : cells and modules, with the names each sees
    files : what would go into the block
    unread : paths that code gives to ``load_dotenv``: they stay out, and their variables become inputs
    """
    parts = tuple(parts)
    bound = bound_secrets(parts)
    names = {one.value: one.name for one in bound if one.name}
    seen: dict[SecretFact, None] = {
        SecretFact(kind=one.kind, source=one.source, place=one.place, name=one.name): None for one in bound
    }
    values = [one.value for one in bound]
    for text, place in _texts(notebook, parts, files, folder):
        literals = [one.value for one in bound if (one.place.file, one.place.cell) == (place.file, place.cell)]
        for one in sightings(text):
            if any(one.value in value for value in literals):
                continue
            name = next((name for value, name in names.items() if one.value in value), "")
            line = place.line + text.count("\n", 0, one.start) if place.line else 1
            spot = Place(file=place.file, line=line, cell=place.cell)
            seen[SecretFact(kind=one.kind, source=one.source, place=spot, name=name)] = None
            values += [one.value] if one.kind != "a private key" else []
    for fact in files:
        if is_secret_file(fact.path) and fact.path not in unread:
            place = Place(file=fact.path, line=1)
            seen[SecretFact(kind="a file of secrets", source="file", place=place)] = None
    for cell in notebook.code:
        place = Place(file=notebook.name, line=1, cell=cell.index)
        for text in _outputs(cell.outputs):
            for one in sightings(text):
                seen[SecretFact(kind=one.kind, source="output", place=place)] = None
                values.append(one.value)
    findings = tuple(_finding(fact, notebook.name) for fact in seen)
    return Secrets(facts=tuple(seen), findings=findings, values=tuple(dict.fromkeys(values)))


def bound_secrets(parts: Iterable[tuple[Code, Names]]) -> list[Bound]:
    """Secrets in literals, in the order of the text; one value has one name, and one name one value."""
    found: list[Bound] = []
    names: dict[str, str] = {}
    for code, own in parts:
        in_text = {one.value: one for one in sightings(code.text)}
        for literal in literals_of(code, own):
            kind, source = secret_kind(literal.name, literal.value), "cell"
            for value, one in in_text.items():
                if value in literal.value:
                    kind, source = one.kind, one.source
            if not kind and literal.value not in names.values():
                continue
            kind = kind or next(one.kind for one in found if one.value == literal.value)
            name = (
                _name(literal.name, kind, literal.value, names) if literal.replaceable and code.cell is not None else ""
            )
            found.append(
                Bound(kind=kind, source=source, place=code.place(literal.node), name=name, value=literal.value)
            )
        for call in every(code.tree, ast.Call):
            if variable := _magic_variable(call):
                place = code.place(call)
                found.append(Bound(kind=variable[0], source="cell", place=place, name="", value=variable[1]))
    return found


def _name(wished: str, kind: str, value: str, names: dict[str, str]) -> str:
    """A name of its own for that value: what it is bound to, else what it is."""
    for name, known in names.items():
        if known == value:
            return name
    base = wished if _NAME.fullmatch(wished) else re.sub(r"\W+", "_", re.sub(r"^an? ", "", kind)).lower()
    name, number = base, 2
    while name in names:
        name, number = f"{base}_{number}", number + 1
    names[name] = value
    return name


def _magic_variable(call: ast.Call) -> tuple[str, str] | None:
    """Kind and value of ``%env NAME=value`` where that is a secret."""
    words = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    magic = isinstance(call.func, ast.Attribute) and call.func.attr == "run_line_magic" and len(words) > 1
    if not magic or words[0] not in ("env", "set_env"):
        return None
    name, _, value = words[1].strip().replace(" ", "=", 1).partition("=")
    value = value.strip().strip("'\"")
    kind = secret_kind(name.strip(), value) if is_secret_variable(name.strip()) else ""
    return (kind, value) if kind else None


def _texts(
    notebook: Notebook, parts: Iterable[tuple[Code, Names]], files: Iterable[FileFact], folder: Folder
) -> Iterator[tuple[str, Place]]:
    """All texts that would go into the block. Metadata has no line: 0."""
    for cell in notebook.cells:
        yield cell.source, Place(file=notebook.name, line=1, cell=cell.index)
        if kept := {key: value for key, value in cell.metadata.items() if key not in VOLATILE}:
            yield json.dumps(kept, ensure_ascii=False), Place(file=notebook.name, line=0, cell=cell.index)
    if kept := {key: value for key, value in notebook.metadata.items() if key not in VOLATILE}:
        yield json.dumps(kept, ensure_ascii=False), Place(file=notebook.name, line=0)
    for code, _ in parts:
        if code.file != notebook.name:
            yield code.text, Place(file=code.file, line=1)
    left = _ALL_BYTES
    for fact in files:
        if fact.kind == "data" and fact.size <= _FILE_BYTES and left > 0 and not is_secret_file(fact.path):
            left -= fact.size
            text = folder.text(fact.path, _FILE_BYTES)
            if text:
                yield text, Place(file=fact.path, line=1)


def _outputs(outputs: Iterable[Mapping[str, object]]) -> Iterator[str]:
    for one in outputs:
        data = one.get("data")
        shown = (
            [value for mime, value in data.items() if not mime.startswith("image/")] if isinstance(data, dict) else []
        )
        for value in (one.get("text"), one.get("evalue"), one.get("traceback"), *shown):
            text = value if isinstance(value, str) else _joined(value)
            if text:
                yield _ANSI.sub("", text[:_OUTPUT_CHARACTERS])


def _joined(value: object) -> str:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(cast("list[str]", value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else ""


def _finding(fact: SecretFact, notebook: str) -> Finding:
    place = fact.place
    where = f"Cell {place.cell + 1}" if place.cell is not None else f"{place.file}, line {place.line}"
    if place.cell is None and place.file == notebook:
        where = "The notebook's metadata"
    if fact.source == "output":
        message = (
            f"A saved output of cell {(place.cell or 0) + 1} shows {fact.kind}. Blocks hold no outputs, but whoever "
            "gets the notebook reads it: clear the output, and have the secret replaced."
        )
        return Finding(severity=Severity.WARNING, code="secret-in-output", message=message, place=place)
    if fact.kind == "a file of secrets":
        message = (
            f"{place.file} holds secrets, so it must not go into a block. Read environment variables instead, "
            f"or leave it out with --exclude {place.file}."
        )
    elif fact.name:
        message = (
            f"{where} holds {fact.kind}. Take it out and read it from an environment variable, "
            f"or make it a secret input with --secret {fact.name}."
        )
    else:
        message = f"{where} holds {fact.kind}. Take it out and read it from an environment variable."
        if place.file != notebook:
            message = message.removesuffix(".") + f", or leave the file out with --exclude {place.file}."
    return Finding(severity=Severity.ERROR, code="secret", message=message, place=place)


def without(value: T, secrets: Collection[str]) -> T:
    """A record, or a tuple of them, with ``***`` wherever one of its texts holds a secret."""
    return cast(T, _without(value, sorted((one for one in secrets if len(one) >= 4), key=len, reverse=True)))


def _without(value: object, secrets: list[str]) -> object:
    if isinstance(value, str) and type(value) is str:
        for one in secrets:
            value = value.replace(one, "***")
        return value
    if isinstance(value, tuple):
        return tuple(_without(one, secrets) for one in value)
    if isinstance(value, list):
        return [_without(one, secrets) for one in value]
    if isinstance(value, dict):
        return {_without(key, secrets): _without(one, secrets) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = {one.name: _without(getattr(value, one.name), secrets) for one in dataclasses.fields(value)}
        return dataclasses.replace(value, **made) if any(made[n] is not getattr(value, n) for n in made) else value
    return value
