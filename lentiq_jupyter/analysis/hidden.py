"""Needs that no import shows, by the rules of ``hidden.toml``."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ..model import HiddenNeed, ImportFact, Place, record
from .code import Code, walk
from .names import Names


@record
class Rule:
    """One rule; `hidden.toml` says what each field means."""

    needs: tuple[str, ...]
    call: tuple[str, ...] = ()
    attribute: tuple[str, ...] = ()
    module: tuple[str, ...] = ()
    magic: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    with_: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    keyword: str = ""
    value: str = ""
    argument: str = ""
    suffix: tuple[str, ...] = ()
    except_suffix: tuple[str, ...] = ()


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file."""
    document = tomllib.loads(Path(__file__).with_name("hidden.toml").read_text("utf-8"))
    made = []
    for given in document["rule"]:
        fields: dict[str, Any] = {
            ("with_" if key == "with" else key): tuple(value) if isinstance(value, list) else value
            for key, value in given.items()
        }
        made.append(Rule(**fields))
    return tuple(made)


def hidden_of(
    codes: Iterable[Code], names: Names, imports: Iterable[ImportFact], magics: Iterable[tuple[str, Place]]
) -> tuple[HiddenNeed, ...]:
    """What the code needs by what it calls. One need a distribution, at its first place.

    Parameters
    ----------
    magics : pairs of a name and a place
        Cell magics; line magics are found in the code.
    """
    imports = tuple(imports)
    tops = {fact.module.partition(".")[0] for fact in imports}
    live = [rule for rule in rules() if not tops & set(rule.unless) and (not rule.with_ or tops & set(rule.with_))]
    found: dict[str, HiddenNeed] = {}

    def add(rule: Rule, because: str, place: Place) -> None:
        for need in rule.needs:
            found.setdefault(need, HiddenNeed(distribution=need, because=because, place=place))

    for rule in live:
        for fact in imports:
            if fact.module in rule.module:
                add(rule, fact.module, fact.place)
        for name, place in magics:
            if name in rule.magic:
                add(rule, f"%%{name}", place)
    for code in codes:
        for node in walk(code.tree):
            for rule in live:
                because = _because(node, rule, names)
                if because:
                    add(rule, because, code.place(node))
    return tuple(found.values())


def _because(node: ast.AST, rule: Rule, names: Names) -> str | None:
    """What of a node makes a rule hold; None if it does not."""
    if isinstance(node, ast.Attribute):
        return f".{node.attr}" if node.attr in rule.attribute and isinstance(node.ctx, ast.Load) else None
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        return _prefix(_beginning(node), rule) if rule.prefix and not rule.call else None
    if not isinstance(node, ast.Call):
        return None
    called = node.func.attr if isinstance(node.func, ast.Attribute) else names.dotted(node.func).rpartition(".")[2]
    if called == "run_line_magic" and rule.magic:
        word = names.text(node.args[0]) if node.args else None
        return f"%{word}" if word in rule.magic else None
    return called if called in rule.call and _conditions(node, rule, names) else None


def _conditions(call: ast.Call, rule: Rule, names: Names) -> bool:
    keywords = {one.arg: one.value for one in call.keywords if one.arg}
    if rule.keyword and rule.keyword not in keywords:
        return False
    if rule.keyword and rule.value and names.text(keywords[rule.keyword]) != rule.value:
        return False
    texts = [names.text(one) or _beginning(one) for one in (*call.args, *keywords.values())]
    if rule.argument and rule.argument not in texts:
        return False
    if rule.prefix and not any(_prefix(text, rule) for text in texts):
        return False
    endings = tuple(text.lower() for text in texts)
    if rule.suffix and not any(text.endswith(rule.suffix) for text in endings):
        return False
    return not (rule.except_suffix and any(text.endswith(rule.except_suffix) for text in endings))


def _beginning(node: ast.expr) -> str:
    """The constant text an expression begins with."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _beginning(node.values[0])
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _prefix(text: str, rule: Rule) -> str | None:
    return next((prefix for prefix in rule.prefix if text.startswith(prefix)), None)
