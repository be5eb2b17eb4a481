"""The cell tagged ``parameters`` as typed inputs."""

from __future__ import annotations

import ast
import io
import json
import math
import tokenize

from ..errors import BadInput
from ..model import Finding, Input, InputType, Json, Severity, check_identifier, check_value, record
from .code import Code

_TYPES = {
    "str": InputType.STR, "int": InputType.INT, "float": InputType.FLOAT, "bool": InputType.BOOL,
    "Path": InputType.STR, "PurePath": InputType.STR,
}  # fmt: skip


@record
class Read:
    """What the cell gives, and what it says that cannot be an input."""

    inputs: tuple[Input, ...] = ()
    findings: tuple[Finding, ...] = ()


class _NotConstant(Exception):
    """The value is computed."""


def inputs_of(code: Code) -> Read:
    """One input for each name the cell binds to a JSON constant, in order; the last binding counts.

    An annotation decides the type (``x: float = 1`` is 1.0); an annotation alone makes the input
    required. Without one the value decides; None then takes any JSON value. The comment behind the
    line is the description. Names beginning with an underscore stay private to the notebook.
    """
    comments = _comments(code.text)
    inputs: dict[str, Input] = {}
    findings: list[Finding] = []
    for statement in code.tree.body:
        value: ast.expr | None
        annotation: ast.expr | None
        targets: list[ast.expr]
        if isinstance(statement, ast.Assign):
            targets, value, annotation = statement.targets, statement.value, None
        elif isinstance(statement, ast.AnnAssign):
            targets, annotation = [statement.target], statement.annotation
            value = statement.value
        else:
            continue
        description = comments.get(statement.end_lineno or statement.lineno, "")
        for target in targets:
            if not isinstance(target, ast.Name) or target.id.startswith("_"):
                continue
            try:
                inputs[target.id] = _input(target.id, annotation, value, description)
            except _NotConstant:
                inputs.pop(target.id, None)
                findings.append(_note(code, statement, f"{target.id} is computed, so it is no input."))
            except BadInput as error:
                inputs.pop(target.id, None)
                findings.append(_note(code, statement, str(error), "input-default", Severity.WARNING))
    return Read(inputs=tuple(inputs.values()), findings=tuple(findings))


def _note(
    code: Code,
    node: ast.stmt,
    message: str,
    kind: str = "computed-parameter",
    severity: Severity = Severity.INFO,
) -> Finding:
    return Finding(severity=severity, code=kind, message=message, place=code.place(node))


def _input(name: str, annotation: ast.expr | None, value: ast.expr | None, description: str) -> Input:
    check_identifier(name)
    kind, _ = _annotated(annotation) if annotation is not None else (None, False)
    if value is None:
        return Input(name=name, type=kind or InputType.JSON, required=True, description=description)
    default = _constant(value)
    made = Input(name=name, type=kind or _type_of(default), default=default, description=description)
    return Input(name=name, type=made.type, default=check_value(made, default), description=description)


def _annotated(node: ast.expr) -> tuple[InputType | None, bool]:
    """The type an annotation stands for (None: it says nothing), and whether None is among its values."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None, True
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _annotated(ast.parse(node.value, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError):
            return InputType.JSON, False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _one_of([node.left, node.right])
    if isinstance(node, ast.Subscript):
        inner = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        outer = _last(node.value)
        if outer in ("Optional", "Union"):
            return _one_of(inner)
        if outer in ("Annotated", "Final"):
            return _annotated(inner[0])
        if outer == "Literal":
            kinds = {_type_of(one.value) for one in inner if isinstance(one, ast.Constant)}
            return (kinds.pop() if len(kinds) == 1 else InputType.JSON), False
        return InputType.JSON, False
    return _TYPES.get(_last(node), InputType.JSON), False


def _one_of(parts: list[ast.expr]) -> tuple[InputType | None, bool]:
    read = [_annotated(part) for part in parts]
    kinds = {kind for kind, _ in read if kind is not None}
    if kinds == {InputType.INT, InputType.FLOAT}:
        kinds = {InputType.FLOAT}
    return (kinds.pop() if len(kinds) == 1 else InputType.JSON), any(empty for _, empty in read)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _type_of(value: object) -> InputType:
    kinds = {str: InputType.STR, bool: InputType.BOOL, int: InputType.INT, float: InputType.FLOAT}
    return kinds.get(type(value), InputType.JSON)


def _constant(node: ast.expr) -> Json:
    """The JSON value of a literal, or of plain arithmetic on numbers (``60 * 60``)."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = _arithmetic(node)
    try:
        made: Json = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _NotConstant from error
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        raise _NotConstant
    return made


def _arithmetic(node: ast.expr) -> int | float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]  # narrowed by the exact types above
    if isinstance(node, ast.BinOp):
        left, right = _arithmetic(node.left), _arithmetic(node.right)
        made: int | float | None = None
        if isinstance(node.op, ast.Add):
            made = left + right
        elif isinstance(node.op, ast.Sub):
            made = left - right
        elif isinstance(node.op, ast.Mult):
            made = left * right
        elif isinstance(node.op, ast.Div) and right:
            made = left / right
        elif isinstance(node.op, ast.Pow) and abs(right) <= 64 and abs(left) <= 1024 and left:
            made = left**right
        if isinstance(made, (int, float)) and math.isfinite(made) and abs(made) < 2**63:
            return made
    raise _NotConstant


def _comments(text: str) -> dict[int, str]:
    """Comments by line, without their hash; ``# type: …`` says nothing to a reader."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                comment = token.string.lstrip("#").strip()
                found[token.start[0]] = "" if comment.startswith(("type:", "noqa")) else comment
    except (tokenize.TokenError, SyntaxError):
        pass  # the tokens before the fault are good
    return found


def comments_of(code: Code) -> dict[int, str]:
    """Comments of a piece of code by line number."""
    return _comments(code.text)
