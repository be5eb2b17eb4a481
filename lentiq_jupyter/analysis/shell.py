"""Shell commands of a notebook, and the requirements that its install lines name."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterable

from ..model import InstallFact, Place, record
from .code import Code, walk
from .names import Names

# Options of pip, uv and conda that take a value of their own; the value is no requirement.
_WITH_VALUE = frozenset(
    [
        "-c",
        "--constraint",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "-t",
        "--target",
        "--prefix",
        "--root",
        "--platform",
        "--python",
        "--python-version",
        "--abi",
        "--implementation",
        "--trusted-host",
        "--timeout",
        "--retries",
        "--cert",
        "--proxy",
        "--log",
        "--cache-dir",
        "--src",
        "--upgrade-strategy",
        "--no-binary",
        "--only-binary",
        "--progress-bar",
        "--global-option",
        "--config-settings",
        "-n",
        "--name",
        "-p",
        "--channel",
        "--index",
        "--default-index",
    ]
)
_CONDA = re.compile(r"(?:conda|mamba|micromamba)")
_PIP = re.compile(r"(?:.*/)?pip[\d.]*")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*(?:(?:[=<>!~]=?=?|@|;).*)?", re.DOTALL)


@record
class Command:
    """One line of shell, and where it stands."""

    text: str
    place: Place


def commands_of(codes: Iterable[Code], names: Names) -> list[Command]:
    """Every command that ``!…``, ``%pip …``, ``os.system`` and ``subprocess`` run with literal words."""
    found = []
    for code in codes:
        for node in walk(code.tree):
            text = _command(node, names) if isinstance(node, ast.Call) else None
            if text:
                found += [Command(text=line, place=code.place(node)) for line in text.splitlines() if line.strip()]
    return found


def _command(call: ast.Call, names: Names) -> str | None:
    words = [names.text(argument) for argument in call.args]
    attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if _is_shell_object(call.func):
        if attribute in ("system", "getoutput") and words and words[0]:
            return words[0]
        if (
            attribute == "run_line_magic"
            and len(words) > 1
            and words[0] in ("pip", "conda", "mamba", "uv", "sx", "system")
        ):
            prefix = "" if words[0] in ("sx", "system") else f"{words[0]} "
            return f"{prefix}{words[1] or ''}"
        return None
    called = names.dotted(call.func)
    if called in ("os.system", "subprocess.getoutput") or (called.startswith("subprocess.") and words[:1] != [None]):
        return words[0] if words else None
    if called.startswith("subprocess.") and call.args and isinstance(call.args[0], (ast.List, ast.Tuple)):
        listed = [names.text(one) or "python" for one in call.args[0].elts]  # sys.executable, most likely
        return shlex.join(listed)
    return None


def _is_shell_object(function: ast.expr) -> bool:
    inner = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "get_ipython"


def lines_of(shell: str, file: str, cell: int) -> list[Command]:
    """The commands of a ``%%bash`` cell; lines joined by backslashes count as one."""
    found, start, held = [], 0, ""
    for number, line in enumerate(shell.splitlines(), start=1):
        start = start or number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1] + " "
            continue
        text = (held + line).strip()
        if text and not text.startswith("#"):
            found.append(Command(text=text, place=Place(file=file, line=start, cell=cell)))
        start, held = 0, ""
    return found


def installs_of(commands: Iterable[Command], read: Callable[[str], str | None]) -> list[InstallFact]:
    """The requirements that pip, uv and conda lines install, as written.

    Parameters
    ----------
    read : callable
        Gives the text of a requirements file by its path, None if it is not to be had.
    """
    found: list[InstallFact] = []
    for command in commands:
        for words in simple_commands(command.text):
            for requirement in _requirements(words, read):
                found.append(InstallFact(requirement=requirement, place=command.place))
    return list({fact.requirement: fact for fact in reversed(found)}.values())[::-1]


def simple_commands(text: str) -> list[list[str]]:
    """Words of each simple command of a line; a line that is no shell gives none."""
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return []
    simple: list[list[str]] = [[]]
    for word in words:
        if word and not word.strip(";&|()"):
            simple.append([])
        else:
            simple[-1].append(word)
    return [part for part in simple if part]


def _requirements(words: list[str], read: Callable[[str], str | None]) -> list[str]:
    if "install" not in words:
        return []
    at = words.index("install")
    tool = words[at - 1] if at else ""
    conda = bool(_CONDA.fullmatch(tool))
    if not conda and not _PIP.fullmatch(tool):
        return []
    found: list[str] = []
    rest = iter(words[at + 1 :])
    for word in rest:
        if re.match(r"[\d&]*>", word):
            if re.fullmatch(r"[\d&]*>+", word):
                next(rest, None)
        elif word in ("-r", "--requirement") or word.startswith(("--requirement=", "-r")):
            path = next(rest, "") if word in ("-r", "--requirement") else re.sub(r"^(--requirement=|-r)", "", word)
            found += _file_requirements(read(path) or "")
        elif word in ("-e", "--editable"):
            found += [target for target in [next(rest, "")] if "://" in target]
        elif word in _WITH_VALUE or (conda and word == "-c"):
            next(rest, None)
        elif not word.startswith("-"):
            requirement = _requirement(word, conda)
            found += [requirement] if requirement else []
    return found


def _requirement(word: str, conda: bool) -> str | None:
    """One requirement; local paths, variables and conda's own packages give None."""
    if conda:
        word = word.rpartition("::")[2]
        word = re.sub(r"^([\w.-]+)=([\w.]+)(=.*)?$", r"\1==\2.*", word)
        if word in ("python", "pip") or word.startswith(("python=", "pip=")):
            return None
    if "://" in word and not any(mark in word for mark in "{}$"):
        return word
    if "{" in word or "$" in word or word.startswith((".", "/", "~")) or word.endswith((".whl", ".gz", ".zip", ".txt")):
        return None
    return word.strip() if _REQUIREMENT.fullmatch(word.strip()) else None


def _file_requirements(text: str) -> list[str]:
    """Requirement lines of a requirements file, without comments, options and local paths."""
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.replace("\\\n", " ").splitlines())
    cleaned = (re.sub(r"\s--hash[= ]\S+", "", line).strip() for line in lines if not line.startswith("-"))
    return [line for line in cleaned if line and ("://" in line or _requirement(line, False))]
