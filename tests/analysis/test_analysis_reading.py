"""What `analyse` reads out of a notebook, and what it says of files that are none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lentiq_jupyter.analysis import analyse, notebook_python
from lentiq_jupyter.errors import NotebookError, NotFound, Unavailable
from lentiq_jupyter.model import EnvFact, Input, InputType, Output, Severity


def write(folder: Path, *cells: str | tuple[str, str], counts: tuple[int, ...] = (), **metadata: object) -> Path:
    """A notebook of code cells; a pair is a tag and a cell."""
    made = []
    for number, cell in enumerate(cells):
        tag, source = cell if isinstance(cell, tuple) else ("", cell)
        made.append(
            {
                "cell_type": "code",
                "execution_count": counts[number] if counts else None,
                "id": f"c{number}",
                "metadata": {"tags": [tag]} if tag else {},
                "outputs": [],
                "source": source.splitlines(keepends=True),
            }
        )
    path = folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def modules(path: Path) -> list[tuple[str, bool]]:
    return [(fact.module, fact.optional) for fact in analyse(path).imports]


def codes(path: Path) -> list[str]:
    return [finding.code for finding in analyse(path).findings if finding.code != "undefined-name"]


def test_imports_are_found_in_functions_and_guards_and_by_literal_name(tmp_path):
    path = write(
        tmp_path,
        "import pandas as pd\ndef f():\n    import scipy.stats\n",
        "try:\n    import cupy\nexcept ImportError:\n    import numpy as cupy\n",
        "import importlib\nimportlib.import_module('yaml')\nfrom google.cloud import storage",
    )
    assert modules(path) == [
        ("pandas", False),
        ("scipy.stats", False),
        ("cupy", True),
        ("numpy", True),
        ("importlib", False),
        ("yaml", False),
        ("google.cloud.storage", False),
    ]


def test_a_module_imported_again_after_its_absence_is_required(tmp_path):
    path = write(tmp_path, "try:\n    import emoji\nexcept ImportError:\n    !pip install emoji\n    import emoji")
    assert modules(path) == [("emoji", False)]


def test_install_lines_of_every_kind_are_read_as_written(tmp_path):
    (tmp_path / "req.txt").write_text("# comment\nrequests>=2\n-i https://index.invalid/simple\n./local\n")
    path = write(
        tmp_path,
        "%pip install -q 'pandas>=2' \\\n    tqdm\n!pip install -r req.txt && echo done > log.txt",
        "!{sys.executable} -m pip install rich[jupyter]\n%conda install -y -c conda-forge numpy=1.26",
        "%%bash\npip3 install --index-url https://index.invalid/simple seaborn # why\n# pip install commented",
        "# !pip install commented",
    )
    facts = analyse(path)
    found = [(fact.requirement, fact.place.cell) for fact in facts.installs]
    assert found == [
        ("pandas>=2", 0),
        ("tqdm", 0),
        ("requests>=2", 0),
        ("rich[jupyter]", 1),
        ("numpy==1.26.*", 1),
        ("seaborn", 2),
    ]


def test_places_count_lines_through_magics_and_joined_lines(tmp_path):
    path = write(tmp_path, "%%time\n\n!echo a \\\n  b\nimport yaml")
    fact = analyse(path).imports[0]
    assert (fact.place.cell, fact.place.line) == (0, 5)


def test_a_cell_that_does_not_parse_costs_only_itself(tmp_path):
    path = write(tmp_path, "import pandas", "import six\nprint 'old'", "import yaml")
    facts = analyse(path)
    assert [fact.module for fact in facts.imports] == ["pandas", "six", "yaml"]
    assert [(one.code, one.place.cell, one.place.line) for one in facts.findings] == [("unparsed-cell", 1, 2)]


def test_parameters_become_typed_inputs_and_annotations_win(tmp_path):
    path = write(
        tmp_path,
        (
            "parameters",
            "name = 'a'  # who\nn = 3\nrate: float = 1\non = True\nrows = [1, 2]\nmany = {'a': 1}\nneeded: int\n"
            "maybe: str | None = None\nopen_ = None\nsecs = 60 * 60\n_private = 1\nnow = time.time()\nbad: int = 'x'",
        ),
    )
    facts = analyse(path)
    assert facts.inputs == (
        Input(name="name", type=InputType.STR, default="a", description="who"),
        Input(name="n", type=InputType.INT, default=3),
        Input(name="rate", type=InputType.FLOAT, default=1.0),
        Input(name="on", type=InputType.BOOL, default=True),
        Input(name="rows", type=InputType.JSON, default=[1, 2]),
        Input(name="many", type=InputType.JSON, default={"a": 1}),
        Input(name="needed", type=InputType.INT, required=True),
        Input(name="maybe", type=InputType.STR, default=None),
        Input(name="open_", type=InputType.JSON, default=None),
        Input(name="secs", type=InputType.INT, default=3600),
    )
    assert [one.code for one in facts.findings] == ["computed-parameter", "input-default", "undefined-name"]


def test_outputs_are_calls_and_the_tagged_cell(tmp_path):
    path = write(
        tmp_path,
        "import lentiq_jupyter as lj\nfrom lentiq_jupyter import output as out\nlj.output('score', 1)\nout('rows', 2)",
        ("outputs", "table = 'x.csv'  # cleaned\na, b = 1, 2\n_hidden = 1"),
        "out(name, 3)",
    )
    facts = analyse(path)
    assert facts.outputs == (
        Output(name="score"),
        Output(name="rows"),
        Output(name="table", description="cleaned"),
    )
    assert [one.code for one in facts.findings if one.code != "undefined-name"] == ["output-name"]


def test_environment_variables_that_the_code_sets_itself_are_left_out(tmp_path):
    path = write(
        tmp_path,
        "import os\nfrom os import getenv\nos.environ['A']\nos.environ.get('B', 'x')\ngetenv('C')\n"
        "os.environ['D'] = '1'\nos.environ['D']\n%env E=1\nos.environ['E']",
    )
    facts = analyse(path)
    assert [(fact.name, fact.has_default) for fact in facts.environment] == [("A", False), ("B", True), ("C", False)]
    assert isinstance(facts.environment[0], EnvFact)


def test_hidden_needs_follow_from_calls(tmp_path):
    path = write(
        tmp_path,
        "import pandas as pd\ndf = pd.read_parquet(url)\ndf.to_markdown()\ndf.style\ndf.plot()\n"
        "pd.read_excel('a.xls')\npd.read_csv('s3://bucket/a.csv')\npd.read_sql(q, 'postgresql://host/db')",
    )
    found = {need.distribution for need in analyse(path).hidden}
    assert found == {
        "pyarrow",
        "tabulate",
        "jinja2",
        "matplotlib",
        "xlrd",
        "s3fs",
        "sqlalchemy",
        "psycopg2-binary",
    }


def test_no_hidden_need_without_the_library_that_has_it(tmp_path):
    path = write(tmp_path, "import polars as pl\nthing.plot()\nthing.style\npl.read_parquet(url)")
    assert analyse(path).hidden == ()


def test_execution_out_of_order_is_told_once(tmp_path):
    assert codes(write(tmp_path, "a", "b", "c", counts=(1, 3, 2))) == ["out-of-order"]
    assert codes(write(tmp_path, "a", "b", "c", counts=(1, 2, 5))) == []


def test_metadata_names_kernel_and_python(tmp_path):
    path = write(tmp_path, "1", kernelspec={"name": "science"}, language_info={"name": "python", "version": "3.12.4"})
    assert (analyse(path).kernel, notebook_python(path)) == ("science", "3.12")


def test_notebooks_of_version_3_are_read(tmp_path):
    cell = {"cell_type": "code", "input": ["import yaml"], "language": "python", "outputs": [], "collapsed": False}
    document = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [cell]}]}
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(document))
    assert modules(path) == [("yaml", False)]


def test_notebooks_of_versions_1_and_2_are_read(tmp_path):
    first = {"nbformat": 1, "cells": [{"cell_type": "code", "code": "import yaml", "prompt_number": 3}]}
    cells = [{"cell_type": "markdown", "source": "x"}, {"cell_type": "code", "input": "import six", "outputs": []}]
    second = {"nbformat": 2, "metadata": {}, "worksheets": [{"cells": cells}, {"cells": [cells[1]]}]}
    found = []
    for document in (first, second):
        (tmp_path / "old.ipynb").write_text(json.dumps(document))
        facts = analyse(tmp_path / "old.ipynb")
        found.append(
            ([fact.module for fact in facts.imports], [fact.place.cell for fact in facts.imports], facts.cells)
        )
    assert found == [(["yaml"], [0], 1), (["six"], [1], 2)]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir"}}, "R"),
        ({"kernelspec": {"name": "julia-1.10"}}, "Julia"),
        ({"kernelspec": {"name": "xcpp17", "language": ""}}, "C++"),
        ({"kernelspec": {"name": "mine"}, "language_info": {"name": "scala"}}, "scala"),
        ({"language_info": {"name": "javascript"}}, "javascript"),
        ({"kernelspec": {"name": "python3", "language": "python"}, "language_info": {"name": "x"}}, None),
        ({"kernelspec": {"name": "pysparkkernel"}, "language_info": {"name": "pyspark"}}, None),
        ({"kernelspec": {"name": "conda-env-r-py"}}, None),
        ({"kernelspec": None, "language_info": []}, None),
        ({}, None),
    ],
)
def test_another_language_is_refused_by_its_name_and_python_is_the_default(tmp_path, metadata, language):
    path = write(tmp_path, "import yaml", **metadata)
    if language is None:
        assert modules(path) == [("yaml", False)]
    else:
        with pytest.raises(NotebookError, match=re.escape(f"nb.ipynb is written in {language}.")):
            analyse(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "x.ipynb is not JSON, so it is not a notebook. Open it in JupyterLab and save it again."),
        ('{"a": 1}', "x.ipynb is JSON, but not a notebook. Name a notebook file (.ipynb)."),
        (
            '{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
            "x.ipynb has no code. Write at least one code cell and save the notebook.",
        ),
        (
            '{"cells": [], "nbformat": 4, "metadata": {"kernelspec": {"name": "ir", "language": "R"}}}',
            "x.ipynb is written in R. Only Python notebooks can become blocks; choose another.",
        ),
    ],
)
def test_what_is_no_python_notebook_is_told_in_one_sentence(tmp_path, text, says):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(NotebookError) as caught:
        analyse(path)
    assert str(caught.value) == says


def test_a_missing_notebook_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        analyse(tmp_path / "none.ipynb")


def test_a_notebook_that_cannot_be_read_is_unavailable(tmp_path):
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")
    with pytest.raises(Unavailable):
        analyse(tmp_path / "loop.ipynb")


def test_nothing_is_executed(tmp_path):
    canary = tmp_path / "canary"
    touch = f"open({str(canary)!r}, 'w').close()"
    (tmp_path / "helper.py").write_text(touch)
    path = write(tmp_path, f"import helper\n{touch}\n!touch {canary}", f"%%bash\ntouch {canary}", "%run helper.py")
    analyse(path)
    assert not canary.exists()


_PIECES = st.sampled_from(
    ["import a", "%%time", "!ls {", "%pip install", "try:", "'", '"""', "(", "\\", "\n", "\t", "x = 1", "?", "%", "f'{"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.text(max_size=40), st.lists(_PIECES).map("\n".join)), min_size=1, max_size=4))
def test_no_cell_makes_analysis_fail(tmp_path, cells):
    facts = analyse(write(tmp_path, "x = 1", *[("parameters", cell) for cell in cells]))
    assert all(finding.severity is not Severity.ERROR for finding in facts.findings)
