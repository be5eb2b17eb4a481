"""One input of a block as a field of a form: a control that fits its type, and what is wrong under it."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any, Optional

import ipywidgets
import traitlets

from ..errors import BadInput
from ..model import Input, InputType, Json, check_value, parse_value, referenced_secret, secret_reference

_WIDE = {"description_width": "150px"}
_FAULT = "color: var(--jp-error-color1, #d32f2f); margin-left: 158px"
_HINT = "color: var(--jp-ui-font-color2, inherit); opacity: 0.8; margin-left: 158px"
_EXACT = 2**53
"""Beyond it, a browser's numbers leave some whole numbers out."""


class Field(ipywidgets.VBox, ipywidgets.ValueWidget):  # type: ignore[misc]  # ipywidgets has no types
    """An input's control.

    Parameters
    ----------
    given : Input

    Attributes
    ----------
    value : typed as the input; None while it is empty or does not read as its type
        May be set, observed and linked with other widgets.
    fault : str
        Why what stands there is no value; "" if it is one.
    control : widget
        What people type into.
    """

    value: Any = traitlets.Any(None, help="The input's value; None while there is none.")
    fault: Any = traitlets.Unicode(help="What is wrong with what stands there.")

    def __init__(self, given: Input) -> None:
        self.given = given
        self.control = _control(given)
        self._note = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        hint = ipywidgets.HTML(f'<span style="{_HINT}">{html.escape(given.description)}</span>')
        super().__init__([self.control, *([hint] if given.description else []), self._note])
        self._typed()
        self.control.observe(lambda change: self._typed(), "value")

    def check(self) -> bool:
        """Whether it may be sent; says at the field what keeps it from that."""
        self._typed()
        if not self.fault and self.value is None and self.given.required and not self.given.secret:
            self.fault = "This input is required."
        return not self.fault

    def _typed(self) -> None:
        """What stands in the control becomes the value."""
        try:
            value = _read(self.given, self.control.value)
        except BadInput:
            self.value, self.fault = None, _WANTED[self.given.type]
        else:
            self.value, self.fault = value, ""

    @traitlets.validate("value")
    def _typed_as_input(self, proposal: Mapping[str, Any]) -> Json:
        value: Json = proposal["value"]
        try:
            return None if value is None else check_value(self.given, value)
        except BadInput as error:
            raise traitlets.TraitError(str(error)) from error

    @traitlets.observe("value")
    def _show(self, change: Mapping[str, Any]) -> None:
        try:
            shown = _read(self.given, self.control.value)
        except BadInput:
            shown = None
            if change["new"] is None:  # what is being typed stays
                return
        if shown != change["new"] or type(shown) is not type(change["new"]):
            self.control.value = _written(self.given, self.control, change["new"])

    @traitlets.observe("fault")
    def _tell(self, change: Mapping[str, Any]) -> None:
        self._note.value = f'<span role="alert" style="{_FAULT}">{html.escape(self.fault)}</span>' if self.fault else ""
        self._note.layout.display = "" if self.fault else "none"


_WANTED = {
    InputType.STR: "Write text.",
    InputType.INT: "Write a whole number.",
    InputType.FLOAT: "Write a number.",
    InputType.BOOL: "Check it or not.",
    InputType.JSON: "Write a JSON document.",
}


def _control(given: Input) -> Any:
    """A box for numbers needs one to begin with; an empty field is text."""
    words = {
        "description": f"{given.name}{' *' if given.required and not given.secret else ''}",
        "tooltip": given.description or str(given.type),
        "style": _WIDE,
        "layout": ipywidgets.Layout(width="440px"),
    }
    default: Any = given.default
    if given.type is InputType.BOOL:
        # It has its words behind it, so it is moved to where the others have their boxes.
        return ipywidgets.Checkbox(
            bool(default),
            description=words["description"],
            tooltip=words["tooltip"],
            indent=False,
            layout=ipywidgets.Layout(margin="2px 0 2px 158px"),
        )
    if given.secret:
        return ipywidgets.Text(placeholder=f"name of a secret; else {given.name}", **words)
    if given.type is InputType.INT and isinstance(default, int) and abs(default) < _EXACT:
        return ipywidgets.IntText(default, **words)
    if given.type is InputType.FLOAT and isinstance(default, (int, float)):
        return ipywidgets.FloatText(default, **words)
    hint = f"{given.type}{', required' if given.required else ''}"
    kind = ipywidgets.Textarea if given.type is InputType.JSON else ipywidgets.Text
    made = kind(placeholder=hint, **words)
    made.value = _written(given, made, default)
    return made


def _read(given: Input, shown: Any) -> Json:
    """The value that stands in a control. Raises BadInput."""
    if given.secret:
        return secret_reference(shown.strip()) if shown.strip() else None
    if not isinstance(shown, str):
        return check_value(given, shown)
    if given.type is InputType.STR:
        return shown if shown or not (given.required or given.default is None) else None
    return parse_value(given, shown) if shown.strip() else None


def _written(given: Input, control: Any, value: Json) -> Any:
    """How a control shows a value; `_read` reads it back."""
    if given.secret:
        return referenced_secret(value) or ""
    if isinstance(control, (ipywidgets.Text, ipywidgets.Textarea)):
        if value is None:
            return ""
        return value if given.type is InputType.STR else json.dumps(value, ensure_ascii=False)
    fallback: Optional[object] = given.default if value is None else value
    return bool(fallback) if given.type is InputType.BOOL else fallback
