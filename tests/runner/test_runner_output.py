"""`lentiq_jupyter.output` outside of kernels, and the cells that the runner writes."""

from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lentiq_jupyter import output
from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.runner.cells import assigned_names, inputs_source, modules, plain, secret_variables


class Array:
    """As NumPy's: gives plain values by `tolist`."""

    def tolist(self) -> list[int]:
        return [1, 2]


def test_output_outside_a_kernel_is_a_line_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    output("rows", {"a": Array(), "é": None})
    assert capsys.readouterr().out == 'rows = {"a": [1, 2], "é": null}\n'


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("no name", 1, "'no name' is not an output name"),
        ("x", object(), "Output x is not a JSON document: object is not JSON"),
        ("x", math.nan, "Output x is not a JSON document"),
        ("x", "y" * 300_000, "Output x has 300002 bytes; at most 262144 are passed by value"),
    ],
)
def test_output_that_is_no_document_is_refused(name: str, value: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        output(name, value)


@given(
    st.text() | st.integers() | st.none() | st.booleans() | st.lists(st.text()) | st.dictionaries(st.text(), st.text())
)
def test_any_value_is_injected_as_itself(value: object) -> None:
    tree = ast.parse(inputs_source({"x": value}))  # type: ignore[dict-item]
    (assignment,) = tree.body
    assert isinstance(assignment, ast.Assign)
    assert ast.literal_eval(assignment.value) == value


def test_secrets_are_not_in_the_injected_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"rows": 1, "rate": math.inf, "token": "hunter2"}
    source = inputs_source(values, frozenset({"token"}))
    assert "hunter2" not in source
    for name, text in secret_variables(values, frozenset({"token"})).items():
        monkeypatch.setenv(name, text)
    space: dict[str, object] = {}
    exec(source, space)
    assert {name: space[name] for name in values} == values


def test_no_inputs_make_no_cell() -> None:
    assert inputs_source({}) == ""


def test_names_and_modules_are_read_from_code() -> None:
    assert assigned_names("a = 1\nb: int = 2\na = 3\n_c = 4\nd.e = 5\nf()") == ("a", "b")
    assert assigned_names("%magic") == ()
    assert modules(
        "import a.b, c as d\nfrom e.f import g\nfrom . import h\ntry:\n    import i\nexcept ImportError:\n    import j"
    ) == (("a.b", False), ("c", False), ("e.f", False), ("i", True), ("j", True))


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%%time\nimport a", "\nimport a"),
        ("%%bash\nimport a", ""),
        ("%%writefile -a b.py\nimport a", "\nimport a"),
        ("if x:\n    !pip install a\n    files = !ls\n    a = 5 % 3", "if x:\n    pass\n    pass\n    a = 5 % 3"),
    ],
)
def test_magics_of_a_cell_do_nothing_to_its_imports(cell: str, python: str) -> None:
    assert plain(cell) == python
