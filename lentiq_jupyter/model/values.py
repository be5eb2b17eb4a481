"""Input values: their types, how text becomes a value, how a value is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Optional, Union

from ..errors import BadInput
from .names import check_identifier
from .record import StrEnum, record

# A JSON document. Written as object because recursive aliases do not survive Python 3.9.
Json = Union[None, bool, int, float, str, "list[object]", "dict[str, object]"]


_SECRET = re.compile(r"\$\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_INPUT = re.compile(r"\$\{\{\s*inputs\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


class InputType(StrEnum):
    """The closed set of types an input can have; ``json`` is any JSON document."""

    STR = "str"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    JSON = "json"


@record
class Input:
    """One typed input of a block.

    `default` None with `required` True means there is no default. A `secret` input is text, given by
    reference (``${{ secrets.NAME }}``); its value is looked up when a task starts, reaches the code as the
    environment variable of the input's name, and is never stored. `description` may be "".
    """

    name: str
    type: InputType = InputType.STR
    default: Json = None
    required: bool = False
    description: str = ""
    secret: bool = False

    def __post_init__(self) -> None:
        check_identifier(self.name)


# What `Output.source` says where the value is the container's exit code.
EXIT_CODE = "exit-code"


@record
class Output:
    """One named output of a block; its value is a JSON document.

    `source` is for image blocks: the absolute path of a file in the container, whose content is the value
    (JSON if it reads as that, else text), or `EXIT_CODE`: the number, and an exit other than 0 is then no
    failure. "" is for notebooks, which say themselves what their outputs are. A value that is not of
    `type` makes its task fail; None takes any.
    """

    name: str
    description: str = ""
    source: str = ""
    type: Optional[InputType] = None

    def __post_init__(self) -> None:
        check_identifier(self.name, "output name")
        if self.source not in ("", EXIT_CODE) and not self.source.startswith("/"):
            raise BadInput(
                f"Output {self.name} comes from {self.source!r}, which is neither a file nor the exit code.",
                "Write an absolute path, as in /out/score.json, or exit-code.",
            )


def input_reference(name: str) -> str:
    """What stands for the value of the input `name` in an image block's command and environment."""
    return f"${{{{ inputs.{name} }}}}"


def referenced_inputs(text: str) -> tuple[str, ...]:
    """Names in the references to inputs that `text` holds, in order, without repetition."""
    return tuple(dict.fromkeys(_INPUT.findall(text)))


def replace_inputs(text: str, value_of: Callable[[str], str]) -> str:
    """`text` with what `value_of` gives for each reference to an input; what it gives is not read again."""
    return _INPUT.sub(lambda match: value_of(match[1]), text)


def secret_reference(name: str) -> str:
    """What stands for the secret `name` wherever inputs are written or stored."""
    return f"${{{{ secrets.{name} }}}}"


def referenced_secret(value: Json) -> Optional[str]:
    """The name in a reference to a secret; None if the value is none."""
    found = _SECRET.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1] if found else None


def check_value(given: Input, value: object) -> Json:
    """Return `value` as the type of `given`; ints are taken as floats, nothing else is converted.

    Raises
    ------
    BadInput
        If the value is not of that type. None is allowed only where the default is None.
    """
    if value is None and not given.required and given.default is None:
        return None
    kind = given.type
    if kind is InputType.FLOAT and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    accepted = {InputType.STR: str, InputType.INT: int, InputType.FLOAT: float, InputType.BOOL: bool}
    if kind is InputType.JSON:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BadInput(f"Input {given.name}: the value is not JSON ({error}).") from error
    elif not isinstance(value, accepted[kind]) or (kind is InputType.INT and isinstance(value, bool)):
        shown = type(value).__name__ if value is not None else "nothing"
        raise BadInput(f"Input {given.name} takes {kind}, not {shown} ({value!r}).", "Correct the value.")
    return value  # type: ignore[return-value]  # narrowed by the checks above


def parse_value(given: Input, text: str) -> Json:
    """The value that `text` (a command-line word, a form field) stands for.

    Text for a ``str`` input is taken as it is, without quotes.

    Raises
    ------
    BadInput
        If the text does not read as that type.
    """
    try:
        if given.type is InputType.INT:
            return int(text)
        if given.type is InputType.FLOAT:
            return float(text)
        if given.type is InputType.BOOL:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.strip().lower()]
        if given.type is InputType.JSON:
            return json.loads(text)  # type: ignore[no-any-return]
    except (ValueError, KeyError) as error:
        raise BadInput(f"Input {given.name} takes {given.type}, not {text!r}.", "Correct the value.") from error
    return text
