"""Data and models that code fetches when it runs, so that no block holds them: by ``rules/fetched.toml``.

An address counts only where a call reads it, never where it is shown, and is told without its path,
query and credentials.
"""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from ..model import DataNeed, ImportFact, Place, record
from .hidden import Rule, allows, fields_of, holds, is_from
from .shell import Command
from .uses import UNKNOWN, Call, Uses

_FILE = Path(__file__).with_name("rules") / "fetched.toml"
_LOCAL_SCHEMES = frozenset(("file", "sqlite", "duckdb", "zip", "tar", "memory", "reference", "module", "data", "jdbc"))
_LOCAL_HOST = re.compile(r"localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1")
_VARIABLE = re.compile(r"\$?\{[^}]*\}|\$\w+")  # of a shell or a template
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_NAME = re.compile(r"[A-Za-z0-9][\w.@:+-]*(?:/[\w.@:+-]+)*")  # of a model or a data set; no local path
_LOCAL_NAME = re.compile(
    r"(?:\.|/|~|.*\.(?:csv|json|jsonl|txt|bin|pt|pth|h5|zip|py)$|(?:model|output|result|checkpoint)s?[/_])"
)
_FETCHERS = frozenset(
    ("wget", "curl", "git", "aria2c", "gsutil", "aws", "azcopy", "gdown", "axel", "svn", "youtube-dl")
)


@record
class Fetch:
    """One kind of fetching call: conditions as of a `Rule`, and how to name what it fetches.

    Without `word`, the addresses among the arguments name it; with it, the first text argument does (or
    that of the keyword `by`), unless it is a path. `named` stands in where nothing is known: a text,
    ``{call}`` (the call's last name) or ``{module}`` (the name before it); without it the call is then
    passed over. `weights`: ``weights=None`` fetches nothing.
    """

    rule: Rule
    kind: str
    word: bool = False
    by: str = ""
    named: str = ""
    weights: bool = False


@cache
def fetches() -> dict[str, dict[str, tuple[Fetch, ...]]]:
    """All kinds of fetching, by the call or the imported name that triggers them."""
    table: dict[str, dict[str, tuple[Fetch, ...]]] = {"call": {}, "imported": {}}
    for given in tomllib.loads(_FILE.read_text("utf-8"))["fetch"]:
        own = {key: given.pop(key) for key in ("kind", "word", "by", "named", "weights") if key in given}
        fetch = Fetch(rule=Rule(**fields_of(given)), **own)
        for trigger, words in (("call", fetch.rule.call), ("imported", fetch.rule.imported)):
            for word in words:
                table[trigger][word] = (*table[trigger].get(word, ()), fetch)
    return table


def fetched_of(uses: Uses, imports: Iterable[ImportFact], commands: Iterable[Command] = ()) -> tuple[DataNeed, ...]:
    """What code fetches when it runs, one need a name, at its first place.

    Parameters
    ----------
    imports : iterable of ImportFact
        Of the whole notebook: they say which calls can be meant.
    commands : iterable of Command
        Shell lines of the notebook.
    """
    tops = frozenset(fact.module.partition(".")[0] for fact in imports)
    places = {fact.module: fact.place for fact in imports}
    table = fetches()
    found: dict[tuple[str, str], DataNeed] = {}

    def add(kind: str, name: str, because: str, place: Place) -> None:
        found.setdefault((kind, name), DataNeed(kind=kind, name=name, because=because, place=place))

    for dotted in uses.names.aliases.values():
        module, _, last = dotted.rpartition(".")
        for fetch in table["imported"].get(last, ()):
            if module in places and is_from(fetch.rule, dotted):
                add(fetch.kind, fetch.named if last == "*" else last, f"import {dotted}", places[module])
    for node, code in uses.attributes:
        for fetch in table["imported"].get(node.attr, ()):
            dotted = uses.names.dotted(node)
            if dotted.rpartition(".")[0] in fetch.rule.from_:
                add(fetch.kind, node.attr, dotted, code.place(node))
    for call in uses.calls:
        for fetch in table["call"].get(call.name, ()):
            if allows(fetch.rule, tops) and holds(fetch.rule, call, uses):
                for name in _names(fetch, call, uses):
                    add(fetch.kind, name, call.name, call.place)
    for command in commands:
        for kind, name, because in _fetched_by(command.text):
            add(kind, name, because, command.place)
    return tuple(found.values())


def _names(fetch: Fetch, call: Call, uses: Uses) -> list[str]:
    if fetch.weights:
        weights = call.keyword("weights")
        if isinstance(weights, ast.Constant) and weights.value is None:
            return []
    if fetch.word:
        given = call.keyword(fetch.by) if fetch.by else call.argument(0)
        texts = uses.texts_of(given)
        if fetch.by and given is not None and not texts:
            return []  # a value that was made elsewhere
        if texts and all(_LOCAL_NAME.match(text) for text in texts):
            return []
        names = [text for text in texts if _NAME.fullmatch(text) and not _LOCAL_NAME.match(text)]
        names += [host for text in texts for host in [_host(text)] if host]
    else:
        texts = [text for one in call.arguments() for text in uses.texts_of(one)]
        names = [host for text in texts for host in [_host(text)] if host]
        if not names and fetch.named and any("://" in text for text in texts):
            return []  # an address on this machine
    if names or not fetch.named:
        return list(dict.fromkeys(names))
    module = call.dotted.rpartition(".")[0].rpartition(".")[2]
    return [fetch.named.replace("{call}", call.name).replace("{module}", module or call.name)]


def _host(text: str) -> str:
    """Scheme and host of an address elsewhere, "*" for what only the run knows; "" for anything else."""
    if not _SCHEME.match(text):
        return ""
    try:
        address = urlsplit(_VARIABLE.sub("*", text.replace(UNKNOWN, "*")))
        host = address.hostname or ""
    except ValueError:
        return ""
    if address.scheme in _LOCAL_SCHEMES or _LOCAL_HOST.fullmatch(host):
        return ""
    return f"{address.scheme}://{host}"


def _fetched_by(line: str) -> list[tuple[str, str, str]]:
    """Kind, name and program of what a line of shell fetches."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    found: list[tuple[str, str, str]] = []
    program = ""
    for number, word in enumerate(words):
        if program == "" or word in ("&&", ";", "||", "|"):
            program = "" if word in ("&&", ";", "||", "|", "sudo", "!") else word.rpartition("/")[2]
        if program in _FETCHERS and _host(word):
            found.append(("url", _host(word), program))
        if word == "download" and number and len(words) > number + 1 and words[number - 1] in ("spacy",):
            found.append(("spacy", words[number + 1], "spacy download"))
        if word == "nltk.downloader":
            found += [("nltk", name, word) for name in words[number + 1 :] if _NAME.fullmatch(name)]
        if program == "kaggle" and word == "download":
            names = [name for name in words[number + 1 :] if _NAME.fullmatch(name)]
            found += [("dataset", name, "kaggle") for name in names[:1]]
    return found
