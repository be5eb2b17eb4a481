"""What the program of an image block gets, and what it gave: plain functions of values, no engine here.

Such a program knows nothing of lentiq: it reads arguments and environment variables, and what it gives is
files and an exit code. Values are put into arguments one by one; no shell ever reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from ..errors import BadInput
from ..model import EXIT_CODE, BlockSpec, Input, InputType, Json, referenced_inputs, replace_inputs

# As for a notebook's outputs: what is larger travels as a file, by its path.
OUTPUT_LIMIT_BYTES = 256 * 1024
# One string of arguments or environment on Linux (MAX_ARG_STRLEN), with its ending NUL; all of them together.
_STRING_LIMIT_BYTES = 128 * 1024 - 1
_TOTAL_LIMIT_BYTES = 1024 * 1024
_MASK = "***"
_SHORTEST_SECRET = 4  # shorter ones are found in every text; the runner's rule for notebooks


def arguments(spec: BlockSpec, inputs: Mapping[str, Json]) -> list[str]:
    """The command of an image block with its inputs' values; empty where the image's own is used.

    A text is put in as it is, any other value as JSON, an input without a value as nothing. Each argument
    stays one argument.

    Raises
    ------
    BadInput
        If a value cannot be an argument: it holds a NUL, or is too long.
    """
    known = {one.name: one for one in spec.inputs}
    made = [replace_inputs(word, lambda name: _text(known.get(name), inputs.get(name)) or "") for word in spec.command]
    _check({f"argument {number}": word for number, word in enumerate(made, 1)})
    return made


def variables(spec: BlockSpec, inputs: Mapping[str, Json], secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of an image block.

    Its own (`BlockSpec.environment`), with values put in; every input that is named neither there nor in
    the command, as its name in capitals; and every input as ``LENTIQ_INPUT_<NAME>``, secrets apart. A
    variable whose input has no value is not set.

    Raises
    ------
    BadInput
        If a value cannot be in an environment variable: it holds a NUL, or is too long.
    """
    known = {one.name: one for one in spec.inputs}
    texts = {name: _text(known.get(name), value) for name, value in inputs.items()}
    made = {f"LENTIQ_INPUT_{name.upper()}": text for name, text in texts.items() if text is not None}
    given = {name: text for name, text in {**texts, **secrets}.items() if text is not None}
    named = mentioned(spec)
    made |= {name.upper(): text for name, text in given.items() if name in known and name not in named}
    for name, template in spec.environment.items():
        if all(one in given for one in referenced_inputs(template)):
            made[name] = replace_inputs(template, given.__getitem__)
    _check(made)
    return made


def mentioned(spec: BlockSpec) -> frozenset[str]:
    """Names of the inputs that the command or the environment of an image block refers to."""
    return frozenset(name for text in (*spec.command, *spec.environment.values()) for name in referenced_inputs(text))


def output_value(body: bytes) -> Json:
    """The value in an output file: JSON if it reads as that, else its text without one ending line break.

    Raises
    ------
    UnicodeDecodeError
        If it is neither.
    """
    text = body.decode()
    try:
        value: Json = json.loads(text, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):  # what JSON allows but no text can hold counts as text, too
        return text.removesuffix("\n")
    return value


def outputs_document(values: Mapping[str, Json], secrets: Iterable[str]) -> bytes:
    """The outputs as `RESULT_OUTPUTS` has them, without secrets."""
    return json.dumps(_clean(dict(values), tuple(secrets)), ensure_ascii=False).encode()


def takes_exit_code(sources: Mapping[str, str]) -> bool:
    """Whether an exit other than 0 is a value and no failure."""
    return EXIT_CODE in sources.values()


class Mask:
    """Takes secrets out of what a program printed, all at once or as it comes."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        self._hidden = sorted((one.encode() for one in secrets if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(one) for one in self._hidden))

    def whole(self, text: bytes) -> bytes:
        """`text`, which nothing follows, without secrets."""
        return self._pattern.sub(_MASK.encode(), text) if self._hidden else text

    def feed(self, text: bytes) -> tuple[bytes, bytes]:
        """What can be given of `text` while more may follow, without secrets; and its end, to be put before that.

        The end that is held back may be the beginning of a secret.
        """
        at = self._certain(text) if self._hidden else len(text)
        return self.whole(text[:at]), text[at:]

    def _certain(self, text: bytes) -> int:
        """How much of `text` no later byte can turn into a part of a secret."""
        tail = max(0, len(text) - len(self._hidden[0]) + 1)
        found = self._pattern.finditer(text)
        inside = {at for one in found for at in range(one.start() + 1, one.end()) if at >= tail}
        for at in range(tail, len(text)):
            rest = text[at:]
            if at not in inside and any(len(one) > len(rest) and one.startswith(rest) for one in self._hidden):
                return at
        return len(text)


def masked(text: bytes, secrets: Iterable[str]) -> bytes:
    """A file without secrets."""
    return Mask(secrets).whole(text)


def _clean(value: Json, secrets: tuple[str, ...]) -> Json:
    if isinstance(value, str):
        for one in sorted(secrets, key=len, reverse=True):
            value = value.replace(one, _MASK) if len(one) >= _SHORTEST_SECRET else value
        return value
    if isinstance(value, list):
        return [_clean(one, secrets) for one in value]  # type: ignore[arg-type]  # items of JSON are JSON
    if isinstance(value, dict):
        return {str(_clean(name, secrets)): _clean(one, secrets) for name, one in value.items()}  # type: ignore[arg-type]
    return value


def _text(given: Input | None, value: Json) -> str | None:
    """A value as a program reads it; None where there is none. JSON's null is a value of its type."""
    if value is None and (given is None or given.type is not InputType.JSON):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check(strings: Mapping[str, str]) -> None:
    total = 0
    for place, text in strings.items():
        try:
            size = len(f"{place}={text}".encode())
        except UnicodeEncodeError as error:
            raise BadInput(f"The value of {place} is no text: {error.reason}.", "Correct the value.") from error
        if "\0" in text:
            raise BadInput(f"The value of {place} holds a NUL character.", "Programs cannot be given one; take it out.")
        total += size
        if size > _STRING_LIMIT_BYTES or total > _TOTAL_LIMIT_BYTES:
            raise BadInput(
                f"The value of {place} has {size} bytes, more than a program can be given.",
                "Write large data to a file and give its path.",
            )


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
