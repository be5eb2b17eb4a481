"""What users may write into a Dockerfile: lines for the generated one, or one of their own. Pure.

Both are put into it on purpose, as instructions, but only as such: none may end early, swallow what
follows, or take over what makes a block a block. What the engine's older builder does not know is refused
here, with the reason, instead of failing there in other words.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from ..errors import BadInput
from ..model import record

OWN_STAGES = "lentiq-"  # how the stages that are added to a user's own begin
THEIR_STAGE = OWN_STAGES + "theirs"
_LINE_LIMIT = 60_000  # bytes; Docker reads lines of up to 64 KiB
_CONTINUED = re.compile(r"\\[ \t]*$")
_DIRECTIVE = re.compile(r"#\s*(escape)\s*=", re.IGNORECASE)
_HEREDOC = re.compile(r"(?<!<)<<-?\s*[\"']?[A-Za-z_]")
_CREDENTIALS = re.compile(r"://[^/\s:@\"']+:[^/\s@\"']+@")
_FLAGS = re.compile(r"(?:--[a-z-]+(?:=\S*)?\s+)*")
_URL = re.compile(r"https?://\S+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
_LABEL = re.compile(r"\bio\.lentiq\b")

_ALLOWED = ("RUN", "ENV", "LABEL", "USER", "COPY", "ADD")
_REFUSED = {
    "FROM": "the base image is named with --base, or made by a Dockerfile of your own",
    "ENTRYPOINT": "a block starts its runner",
    "CMD": "a block starts its runner",
    "ONBUILD": "nothing is built from a block",
    "HEALTHCHECK": "a task runs to its end",
    "VOLUME": "a task gets its folders when it starts",
    "WORKDIR": "a task works in a folder of its own; write RUN cd … && …",
    "SHELL": "it would change how the following instructions are run",
    "ARG": "nobody gives it a value; write ENV, or set it inside RUN",
    "EXPOSE": "a task serves nobody",
    "STOPSIGNAL": "a task is stopped by SIGTERM",
    "MAINTAINER": "the author is written to the block; write LABEL",
}
_HINT = "Write one instruction: RUN, ENV, LABEL, USER, COPY --from=IMAGE, or ADD of an https address."
_OWN_HINT = "Change it, or build and push it yourself and name the image with --base."


@record
class Instruction:
    """One instruction: its word in capitals, what follows it in one line, its first and behind its last line."""

    word: str
    rest: str
    first: int
    end: int


def check_line(text: str) -> None:
    """Raise BadInput if `text` is not one instruction that may stand in a generated Dockerfile."""
    shown = text if len(text) <= 80 else text[:79] + "…"

    def refuse(reason: str) -> BadInput:
        return BadInput(f"The Dockerfile line {shown!r} cannot be taken: {reason}.", _HINT)

    try:
        found = list(_read(text))
    except ValueError as error:
        raise refuse(str(error)) from error
    if len(found) != 1 or found[0].first != 0:
        raise refuse("it is not one instruction" if found else "it is empty")
    one = found[0]
    if one.word not in _ALLOWED:
        raise refuse(f"{one.word} is not for a block, as {_REFUSED.get(one.word, 'Docker does not know it')}")
    fault = _fault(one)
    if fault:
        raise refuse(fault)


def check_dockerfile(text: str) -> None:
    """Raise BadInput if `text` is no Dockerfile that can make a base."""

    def refuse(reason: str, line: int = -1) -> BadInput:
        where = f", line {line + 1}" if line >= 0 else ""
        return BadInput(f"Your Dockerfile{where} cannot be taken: {reason}.", _OWN_HINT)

    try:
        found = list(_read(text))
    except ValueError as error:
        raise refuse(str(error)) from error
    begun = [one.word for one in found if one.word != "ARG"][:1]
    if begun != ["FROM"]:
        raise refuse("it does not begin with FROM")
    for one in found:
        if one.word == "ONBUILD":
            raise refuse("ONBUILD would take part in the block's own instructions", one.first)
        if one.word == "FROM" and all(word.startswith("--") for word in one.rest.split()):
            raise refuse("FROM names no image", one.first)
        if one.word == "FROM" and (_stage(one) or "").startswith(OWN_STAGES):
            raise refuse(f"names of stages that begin with {OWN_STAGES} are the block's own", one.first)
        fault = _fault(one)
        if fault:
            raise refuse(fault, one.first)


def with_named_end(text: str) -> tuple[str, str]:
    """A checked Dockerfile with a name for its last stage, and that name."""
    last = [one for one in _read(text) if one.word == "FROM"][-1]
    named = _stage(last)
    if named:
        return text, named
    lines = text.split("\n")
    return "\n".join([*lines[: last.first], f"FROM {last.rest} AS {THEIR_STAGE}", *lines[last.end :]]), THEIR_STAGE


def base_of(text: str) -> str:
    """The image that the last stage of a Dockerfile begins with; "" if none can be told.

    Raises
    ------
    BadInput
        As `check_dockerfile`.
    """
    check_dockerfile(text)
    values: dict[str, str] = {}
    stages: dict[str, str] = {}
    image = ""
    for one in _read(text):
        if one.word == "ARG" and not stages and not image:
            name, _, value = one.rest.partition("=")
            values[name.strip()] = value.strip().strip("\"'")
        elif one.word == "FROM":
            words = [word for word in one.rest.split() if not word.startswith("--")]
            named = _VARIABLE.sub(lambda match: values.get(match[1] or match[3]) or match[2] or "", words[0])
            image = stages.get(named.lower(), named)
            stages[(_stage(one) or str(len(stages))).lower()] = image
    return image


def _fault(one: Instruction) -> str:
    """Why an instruction cannot be taken, wherever it stands; "" if it can."""
    flags = _FLAGS.match(one.rest)
    given = (flags[0] if flags else "").split()
    if _CREDENTIALS.search(one.rest):
        return "a user name with a password would stay in the image's history"
    if one.word in ("RUN", "COPY", "ADD") and _HEREDOC.search(one.rest):
        return "here-documents are known to newer builders only; write && between commands"
    if one.word == "RUN" and given:
        return f"{given[0].partition('=')[0]} is known to BuildKit only"
    if one.word == "LABEL" and _LABEL.search(one.rest):
        return "labels that begin with io.lentiq are the block's own"
    if one.word in ("COPY", "ADD"):
        sources = _sources(one.rest[len(flags[0]) :] if flags else one.rest)
        if one.word == "COPY" and any(flag.startswith("--from=") for flag in given):
            return ""
        if one.word == "ADD" and sources and all(_URL.fullmatch(source) for source in sources):
            return ""
        return f"no files are at hand yet for {one.word}; only COPY --from=IMAGE and ADD of an address can be taken"
    return ""


def _sources(arguments: str) -> list[str]:
    """The sources of COPY or ADD, in either of its forms; empty where they cannot be read."""
    try:
        words = json.loads(arguments) if arguments.startswith("[") else shlex.split(arguments)
    except ValueError:
        return []
    return [str(word) for word in words[:-1]]


def _stage(one: Instruction) -> str | None:
    words = one.rest.split()
    return words[-1] if len(words) > 2 and words[-2].upper() == "AS" else None


def _read(text: str) -> Iterator[Instruction]:
    """The instructions of a Dockerfile: comments dropped, also inside of continued lines, and these joined.

    Raises
    ------
    ValueError
        If it is not written as one; the words say why.
    """
    if any(not (one.isprintable() or one in "\n\t") for one in text):
        raise ValueError("it holds characters that cannot be printed")
    lines = text.split("\n")
    joined, first, directives = "", -1, True
    for number, line in enumerate(lines):
        if len(line.encode()) > _LINE_LIMIT:
            raise ValueError("a line of it is too long; continue it on another with \\")
        if line.lstrip().startswith("#"):
            if directives and _DIRECTIVE.match(line.lstrip()):
                raise ValueError("another escape character cannot be chosen")
            continue
        directives = False
        if line.rstrip().endswith("\\\\"):
            raise ValueError("builders read two backslashes at the end of a line differently")
        if not line.strip():
            continue
        first = number if first < 0 else first
        joined += _CONTINUED.sub("", line) if _CONTINUED.search(line) else line
        if _CONTINUED.search(line):
            continue
        word, _, rest = joined.strip().replace("\t", " ").partition(" ")
        if not rest.strip():
            raise ValueError(f"{word} says nothing")
        yield Instruction(word=word.upper(), rest=rest.strip(), first=first, end=number + 1)
        joined, first = "", -1
    if first >= 0:
        raise ValueError("it ends with \\, as if something followed")
