"""What the error of a proof says is missing: a module, an optional package, a plug-in, a library, a program. Pure."""

from __future__ import annotations

import re

from ..model import StrEnum, record
from .verifying import Failure


class Kind(StrEnum):
    """What a missing thing is, and so where it comes from."""

    MODULE = "module"
    OPTIONAL = "optional package"
    PLUGIN = "plug-in"
    LIBRARY = "shared library"
    PROGRAM = "program"


@record
class Missing:
    """One missing thing: its names, the likeliest first; for a plug-in also the groups it may be registered in."""

    kind: Kind
    names: tuple[str, ...]
    groups: tuple[str, ...] = ()


_NAME = r"([A-Za-z0-9][A-Za-z0-9._-]*)"
_SONAME = r"((?:lib)?[A-Za-z0-9_+.-]+?\.so(?:\.\d+)*)"
# Read in this order over the error's message; the first group that is there is the name.
_MESSAGES: tuple[tuple[Kind, str], ...] = (
    (Kind.LIBRARY, rf"{_SONAME}: cannot open shared object file"),
    (Kind.LIBRARY, rf"cannot load library '{_SONAME}'"),
    (Kind.LIBRARY, r"cannot load library '(?:lib)?([A-Za-z0-9_.+-]+)'"),
    (Kind.LIBRARY, r"no library called \"([A-Za-z0-9_.+-]+)\" was found"),
    (Kind.LIBRARY, r"([A-Za-z]+) library not found"),
    (Kind.LIBRARY, r"failed to find lib([a-z]+)\."),
    (Kind.LIBRARY, r"Unable to find ([a-z]+) shared library"),
    (Kind.LIBRARY, r"Could not find lib(?:rary )?([a-z_]+)"),
    (Kind.PROGRAM, r"([\w+-]+) is not installed or it's not in your PATH"),
    (Kind.PLUGIN, r"Can't load plugin: ([\w.]+:[\w.]+)"),
    (Kind.PLUGIN, rf"unrecognized engine '?{_NAME}'? must be one of"),
    (Kind.PLUGIN, rf"Could not find plotting backend '{_NAME}'"),
    (Kind.PLUGIN, r"No '[\w.]+' driver found, looking for '([\w.-]+)'"),
    (Kind.OPTIONAL, rf"Missing optional dependenc(?:y|ies):? ['\"]?{_NAME}"),
    (Kind.OPTIONAL, r"Unable to find a usable engine; tried using: '([\w.-]+)'(?:, '([\w.-]+)')?"),
    (Kind.OPTIONAL, rf"(?:pip|conda|mamba|uv)3? (?:install|add)\s+(?:-\S+\s+|--\S+\s+)*[\"'`]?{_NAME}(?:\[[\w,]+\])?"),
    (Kind.OPTIONAL, rf"(?:conda|pip) to install (?:the )?[`'\"]?{_NAME}"),
    (Kind.OPTIONAL, rf"[Rr]equires (?:the )?[`'\"]?{_NAME}[`'\"]? (?:library|package|module)"),
    (Kind.OPTIONAL, rf"[Tt]he [`'\"]?{_NAME}[`'\"]? (?:library|package|module) (?:is required|must be)"),
    (Kind.OPTIONAL, rf"[Ii]nstall [`'\"]?{_NAME}[`'\"]? (?:to|for|in order|first)"),
    (Kind.OPTIONAL, rf"[`'\"]?{_NAME}[`'\"]? (?:must be|is not|needs to be|has to be) installed"),
    (Kind.OPTIONAL, rf"(?:[Mm]issing|[Rr]equires?|[Nn]eeds?) (?:\w+ )?(?:dependency|package):? [`'\"]?{_NAME}"),
    (Kind.PROGRAM, r"(?:[Ff]ailed to execute|execute) (?:PosixPath\()?\W*['\"]?([\w./+-]+)"),
    (Kind.PROGRAM, r"[\"'`]?([\w+-]+)[\"'`]? (?:was )?not found (?:in|on) (?:your )?(?:path|PATH|\$PATH)"),
    (Kind.PROGRAM, r"(?:sh|bash): (?:\d+|line \d+): ([\w./+-]+): (?:command )?not found"),
    (Kind.PROGRAM, r"No ([\w+-]+) executable found"),
    (Kind.PROGRAM, r"Couldn't find (?:an? )?([\w+-]+)"),
    (Kind.PROGRAM, r"MovieWriter ([\w]+) unavailable"),
    (Kind.PROGRAM, r"because ([\w]+) could not be found"),
    (Kind.PROGRAM, r"Is ([\w+-]+) installed and in PATH"),
    (Kind.PROGRAM, r"Bad (git) executable|Cmd\('(git)'\) not found"),
    (Kind.PROGRAM, r"([Pp]andoc) wasn't found"),
    (Kind.PROGRAM, r"'(\w+driver)' executable needs to be in PATH"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _MESSAGES)
_JAVA = re.compile(r"JAVA_HOME is not set|Java gateway process exited|JAVA_GATEWAY_EXITED|No JVM shared library")
_NO_FILE = re.compile(r"No such file or directory: (?:PosixPath\()?b?'([^']+)'")
_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_STARTS_PROGRAM = re.compile(r"_execute_child|subprocess\.py|posix_spawn|execvp|create_subprocess")
_WORD = re.compile(r"""['"`]([A-Za-z][\w.:+-]{1,60})['"`]""")
_GROUP_CALL = re.compile(r"""(?:entry_points|iter_entry_points)\([^)]*?['"]([\w.-]+)['"]""")
_FILLERS = frozenset(
    ["a", "an", "and", "at", "be", "for", "from", "in", "it", "of", "on", "or", "that", "the", "this", "to", "with",
     "you", "your", "package", "packages", "module", "library", "following", "latest", "missing", "necessary",
     "required"]
)  # fmt: skip


def missing_of(failure: Failure) -> Missing | None:
    """What a failed proof lacked, by its error; None if the error is of another kind."""
    if failure.stopped:
        return None
    text = failure.message
    # A library that tries several lists them all.
    modules = tuple(dict.fromkeys(_MODULE.findall(text)))
    if modules and failure.name in ("ModuleNotFoundError", "ImportError"):
        # One that caught the error and says what to install says it better.
        named = None if failure.name == "ModuleNotFoundError" else _by_message(_MODULE.sub("", text))
        return Missing(kind=Kind.MODULE, names=modules) if named is None or len(modules) > 1 else named
    if _JAVA.search(text):
        return Missing(kind=Kind.PROGRAM, names=("java",))
    absent = _NO_FILE.search(text)
    if failure.name in ("FileNotFoundError", "PermissionError") and absent:
        program = absent[1].rpartition("/")[2]
        if _STARTS_PROGRAM.search(failure.trace) and (absent[1] == program or absent[1].startswith("/usr/")):
            return Missing(kind=Kind.PROGRAM, names=(program,))
        return None
    found = _by_message(text)
    if found is None and modules:
        return Missing(kind=Kind.MODULE, names=modules)
    return found or _by_words(failure)


def _by_message(text: str) -> Missing | None:
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(text):
            names = tuple(_clean(name) for name in match.groups() if name and name.lower() not in _FILLERS)
            if not names:
                continue
            if kind is Kind.PLUGIN:
                group, _, name = names[0].rpartition(":")
                dotted = name.partition(".")[0]  # a dialect with its driver: mysql.pymysql
                return Missing(kind=kind, names=tuple(dict.fromkeys((name, dotted))), groups=(group,) if group else ())
            if kind is Kind.PROGRAM:
                names = tuple(name.rpartition("/")[2] for name in names)
            return Missing(kind=kind, names=names)
    return None


def _by_words(failure: Failure) -> Missing | None:
    """Words in quotes may name a plug-in, and so may the group that the failing code asks for."""
    words = [_clean(one) for one in _WORD.findall(failure.message)]
    if failure.name in ("KeyError", "LookupError", "StopIteration", "IndexError", "ValueError", "RuntimeError"):
        words += _WORD.findall(failure.message) or [failure.message.strip("'\"")]
    groups = tuple(dict.fromkeys(_GROUP_CALL.findall(failure.trace)))
    names = tuple(dict.fromkeys(word for word in words if word and " " not in word))
    return Missing(kind=Kind.PLUGIN, names=names, groups=groups) if names or groups else None


def _clean(name: str) -> str:
    return name.rstrip(".,;:'\"")
