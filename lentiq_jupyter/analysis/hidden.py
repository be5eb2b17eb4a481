"""Needs that no import shows, by the rules of ``rules/*.toml``."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..model import HiddenNeed, ImportFact, Place, record
from .shell import Command
from .uses import Call, Uses

_RULES = Path(__file__).with_name("rules")
_TRIGGERS = ("call", "attribute", "imported", "module", "magic", "scheme", "program", "global_")
_SETS = frozenset(("with_", "unless", "on", "off", "after"))


@record
class Rule:
    """One rule: it holds where one of its triggers is seen and all its conditions hold.

    In the files every value is a list, or one text of words parted by blanks; `from_`, `with_` and
    `global_` are written without the underscore.

    Triggers
    --------
    call : last name of a called function or method
    attribute : last name of an attribute that is read (``.plot`` also in ``.plot.bar``)
    imported : last name of what an import takes, or of what is taken from an imported module
    module : an imported module, or one above it
    magic : a line or cell magic
    scheme : what a string literal has before ``://`` (beside `call`: one of that call's arguments)
    program : the first word of a shell line; ``-m name`` for ``python -m name``
    global_ : a name that is used and never given a value

    Conditions
    ----------
    with_, unless : the notebook imports one of these, none of these
    from_, not_from : the full name of what is called or imported begins so, does not
    on : what the method or attribute is taken from may be a value of one of these libraries
    after : the attribute is taken from an attribute of one of these names
    off : it is not surely a value of one of these
    keyword, value : the call has one of these keywords, other than None and False (with that value)
    without_keyword : the call has none of these keywords
    argument : the call (or magic) has one of these texts among its arguments
    beginning, suffix, except_suffix : of a text argument; none ends so
    unless_line : no shell line has this in it

    What follows
    ------------
    needs : the distributions
    named : the first argument names the distribution
    """

    needs: tuple[str, ...] = ()
    named: bool = False
    call: tuple[str, ...] = ()
    attribute: tuple[str, ...] = ()
    imported: tuple[str, ...] = ()
    module: tuple[str, ...] = ()
    magic: tuple[str, ...] = ()
    scheme: tuple[str, ...] = ()
    program: tuple[str, ...] = ()
    global_: tuple[str, ...] = ()
    with_: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    from_: tuple[str, ...] = ()
    not_from: tuple[str, ...] = ()
    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    keyword: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    without_keyword: tuple[str, ...] = ()
    argument: tuple[str, ...] = ()
    beginning: tuple[str, ...] = ()
    suffix: tuple[str, ...] = ()
    except_suffix: tuple[str, ...] = ()
    unless_line: tuple[str, ...] = ()


Table = dict[str, dict[str, tuple[Rule, ...]]]  # trigger to word to rules


def fields_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a rule as a file writes it."""
    fields: dict[str, Any] = {}
    for key, value in given.items():
        name = f"{key}_" if key in ("from", "with", "global") else key
        made = value.split() if isinstance(value, str) else value
        fields[name] = made if isinstance(made, bool) else frozenset(made) if name in _SETS else tuple(made)
    return fields


@cache
def rules() -> Table:
    """All rules by what triggers them, in the order of the files."""
    table: Table = {trigger: {} for trigger in _TRIGGERS}
    for path in sorted(_RULES.glob("*.toml")):
        for given in tomllib.loads(path.read_text("utf-8")).get("rule", ()):
            rule = Rule(**fields_of(given))
            for trigger in _TRIGGERS:
                if trigger != "scheme" or not rule.call:  # beside a call it is a condition
                    for word in getattr(rule, trigger):
                        table[trigger][word] = (*table[trigger].get(word, ()), rule)
    return table


@cache
def brought() -> dict[str, frozenset[str]]:
    """For distributions that others always bring along, the imports that show one of those."""
    document = tomllib.loads((_RULES / "brought.toml").read_text("utf-8"))
    return {name: frozenset(tops.split()) for name, tops in document["brought"].items()}


def hidden_of(
    uses: Uses,
    imports: Iterable[ImportFact],
    magics: Iterable[tuple[str, Place]] = (),
    commands: Iterable[Command] = (),
) -> tuple[HiddenNeed, ...]:
    """What code needs by what it does. One need a distribution, at its first place of the first kind.

    Parameters
    ----------
    imports : iterable of ImportFact
        Of the whole notebook: they say which rules can hold.
    magics : pairs of a name and a place
        Cell magics; line magics are among the calls.
    commands : iterable of Command
        Shell lines of the notebook.
    """
    imports, commands = tuple(imports), tuple(commands)
    table = rules()
    tops = frozenset(fact.module.partition(".")[0] for fact in imports)
    found: dict[str, HiddenNeed] = {}

    def add(needs: Iterable[str], because: str, place: Place) -> None:
        for need in needs:
            found.setdefault(need, HiddenNeed(distribution=need, because=because, place=place))

    def live(trigger: str, word: str) -> list[Rule]:
        """The rules that a word triggers and the notebook's imports and lines allow."""
        return [
            rule
            for rule in table[trigger].get(word, ())
            if allows(rule, tops) and not any(part in command.text for part in rule.unless_line for command in commands)
        ]

    for dotted, place in _imported(uses, imports):
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            for rule in live("module", ".".join(parts[:length])):
                add(rule.needs, f"import {dotted}", place)
        for rule in live("imported", parts[-1]):
            if is_from(rule, dotted):
                add(rule.needs, f"import {dotted}", place)
    for name, place in magics:
        for rule in live("magic", name):
            if not rule.argument:
                add(rule.needs, f"%%{name}", place)
    for command in commands:
        for program in programs_of(command.text):
            for rule in live("program", program):
                add(rule.needs, f"!{program}", command.place)
    for call in uses.calls:
        if call.name == "run_line_magic":
            word, rest = ["".join(uses.texts_of(call.argument(position))[:1]) for position in (0, 1)]
            for rule in live("magic", word):
                if not rule.argument or not set(rule.argument).isdisjoint(rest.split()):
                    add(rule.needs, f"%{word}", call.place)
            continue
        if call.name in table["call"]:
            for rule in live("call", call.name):
                if holds(rule, call, uses):
                    add(_named(call, uses) if rule.named else rule.needs, call.name, call.place)
    for node, code in uses.attributes:
        if node.attr in table["attribute"] and node.attr not in uses.made:
            for rule in live("attribute", node.attr):
                if _is_read(rule, node, uses):
                    add(rule.needs, f".{node.attr}", code.place(node))
        if node.attr in table["imported"]:
            dotted = uses.names.dotted(node)
            for rule in live("imported", node.attr):
                if dotted and is_from(rule, dotted):
                    add(rule.needs, dotted, code.place(node))
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        if name in table["global_"] and not uses.knows(name):
            for rule in live("global_", name):
                add(rule.needs, name, code.place(node))
    for text, place in uses.texts:
        scheme = text.partition("://")[0]
        for rule in live("scheme", scheme):
            add(rule.needs, f"{scheme}://", place)
    certain = {fact.module.partition(".")[0] for fact in imports if not fact.optional}
    return tuple(
        need
        for name, need in found.items()
        if tops.isdisjoint(brought().get(name, ())) and name.replace("-", "_") not in certain
    )


def _imported(uses: Uses, imports: Iterable[ImportFact]) -> list[tuple[str, Place]]:
    """The modules that are imported for certain, and the names that are taken from them."""
    places = {fact.module: fact.place for fact in imports if not fact.optional}
    found = list(places.items())
    for dotted in uses.names.aliases.values():
        module = dotted.rpartition(".")[0]
        if module in places and dotted not in places:
            found.append((dotted, places[module]))
    return found


def _named(call: Call, uses: Uses) -> list[str]:
    """The distributions that a call asks for by name; a ``try`` around it copes without them."""
    if id(call.node) in uses.guarded:
        return []
    names = uses.texts_of(call.argument(0))
    return [name for name in names if name.replace("-", "").replace("_", "").replace(".", "").isalnum()]


def allows(rule: Rule, tops: frozenset[str]) -> bool:
    """Whether the imports of a notebook, by their top names, let a rule hold at all."""
    return not (rule.unless & tops) and (not rule.with_ or not rule.with_.isdisjoint(tops))


def holds(rule: Rule, call: Call, uses: Uses) -> bool:
    """Whether a call whose name triggers a rule meets the rule's conditions on it."""
    function = call.node.func
    if isinstance(function, ast.Name) and (function.id in uses.made or not (call.dotted or "*" in uses.names.aliases)):
        return False  # the code's own function of that name, or Python's
    if not is_from(rule, call.dotted):
        return False
    if (rule.on or rule.off) and not _is_on(
        rule, uses.origins(function.value if isinstance(function, ast.Attribute) else function)
    ):
        return False
    if any(call.keyword(name) is not None for name in rule.without_keyword):
        return False
    if rule.keyword and not _has_keyword(rule, call, uses):
        return False
    if not (rule.argument or rule.scheme or rule.beginning or rule.suffix or rule.except_suffix):
        return True
    texts = [text for one in call.arguments() for text in uses.texts_of(one)]
    endings = [text.lower().partition("?")[0] for text in texts]
    return (
        (not rule.argument or any(text in rule.argument for text in texts))
        and (not rule.scheme or any("://" in text and text.partition("://")[0] in rule.scheme for text in texts))
        and (not rule.beginning or any(text.startswith(rule.beginning) for text in texts))
        and (not rule.suffix or any(text.endswith(rule.suffix) for text in endings))
        and not (rule.except_suffix and any(text.endswith(rule.except_suffix) for text in endings))
    )


def is_from(rule: Rule, dotted: str) -> bool:
    """Whether the full name of something is one a rule speaks of."""
    if rule.not_from and dotted.startswith(rule.not_from):
        return False
    return not rule.from_ or dotted.startswith(rule.from_)


def _is_read(rule: Rule, node: ast.Attribute, uses: Uses) -> bool:
    """Whether an attribute whose name triggers a rule meets the rule's conditions on it."""
    if rule.after and not (isinstance(node.value, ast.Attribute) and node.value.attr in rule.after):
        return False
    return is_from(rule, uses.names.dotted(node)) and _is_on(rule, uses.origins(node.value))


def _is_on(rule: Rule, origins: frozenset[str]) -> bool:
    """Whether the value that a method or attribute is taken from may be of the libraries a rule speaks of."""
    if rule.on:
        return not rule.on.isdisjoint(origins)
    return not (rule.off and origins and origins <= rule.off)


def _has_keyword(rule: Rule, call: Call, uses: Uses) -> bool:
    for name in rule.keyword:
        given = call.keyword(name)
        if given is None:
            continue
        if not rule.value:
            return not (isinstance(given, ast.Constant) and given.value in (None, False))
        if any(text in rule.value for text in uses.texts_of(given)):
            return True
    return False


def programs_of(line: str) -> list[str]:
    """The programs that a line of shell starts; ``python -m x`` counts as ``-m x``."""
    found = []
    for part in line.replace("&&", ";").replace("|", ";").split(";"):
        words = [word for word in part.split() if "=" not in word or word.startswith("-")]
        while words[:1] and words[0] in ("sudo", "time", "nohup", "!"):
            words = words[1:]
        if not words:
            continue
        program = words[0].rpartition("/")[2]
        if program.startswith(("python", "{sys.executable}")) and words[1:2] == ["-m"] and len(words) > 2:
            program = f"-m {words[2]}"
        found.append(program)
    return found
