"""Cells in IPython's language: magics, shell lines, help, cell magics, and where things stand in them."""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path

import pytest

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.analysis.code import read_python
from lentiq_jupyter.analysis.magics import split_cell
from lentiq_jupyter.model import Facts


def read(folder: Path, *cells: str) -> Facts:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    path = folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return analyse(path)


def imports(facts: Facts) -> list[tuple[str, int | None, int]]:
    return [(fact.module, fact.place.cell, fact.place.line) for fact in facts.imports]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("%matplotlib inline", "get_ipython().run_line_magic('matplotlib', 'inline')"),
        ("  !ls -l", None),
        ("!ls {x} 'a'", "get_ipython().system(\"ls {x} 'a'\")"),
        ("!!ls", "get_ipython().getoutput('ls')"),
        ("files = !ls", "files = get_ipython().getoutput('ls')"),
        ("a, b = !ls", "(a, b) = get_ipython().getoutput('ls')"),
        ("x = %sql select 1", "x = get_ipython().run_line_magic('sql', 'select 1')"),
        (
            "%time df = pd.read_csv('a')",
            "get_ipython().run_line_magic('time', \"df = pd.read_csv('a')\")\ndf = pd.read_csv('a')",
        ),
        ("%timeit -n 10 -r3 f(1)", "get_ipython().run_line_magic('timeit', '-n 10 -r3 f(1)')\nf(1)"),
        ("%time for i in x: f(i)", "for i in x:\n    f(i)"),
        ("df.head?", "pass"),
        ("?df", "pass"),
        ("np.*load*??", "pass"),
        ("a = b % c\nif a != b:\n    pass", "a = b % c\nif a != b:\n    pass"),
        ("f(a\n  % b)\n%time g()", None),
        (">>> a = 1\n>>> b", "a = 1\nb"),
    ],
)
def test_lines_of_ipython_become_calls(text, made):
    reading = read_python(text)
    assert reading.fault == ""
    if made is not None:
        assert ast.dump(reading.tree) == ast.dump(ast.parse(made))


def test_a_magic_continued_over_lines_moves_nothing(tmp_path):
    facts = read(tmp_path, "!pip install a \\\n   b \\\n   c\nimport yaml\nx = !echo \\\n  y\nimport emoji")
    assert [fact.requirement for fact in facts.installs] == ["a", "b", "c"]
    assert imports(facts) == [("yaml", 0, 4), ("emoji", 0, 7)]


@pytest.mark.parametrize(
    "head",
    [
        "%%time",
        "%%capture out",
        "%%capture\n%%time",
        "%%prun -s cumulative",
        "#@title x\n%%time",
        "%%mystery a b",
        "\n%%timeit",
    ],
)
def test_a_cell_magic_over_python_keeps_its_lines(tmp_path, head):
    facts = read(tmp_path, f"{head}\nimport yaml")
    assert imports(facts) == [("yaml", 0, head.count("\n") + 2)]


def test_the_statement_behind_timeit_is_read(tmp_path):
    assert imports(read(tmp_path, "%%timeit -n 3 import numpy\nimport yaml")) == [("numpy", 0, 1), ("yaml", 0, 2)]


@pytest.mark.parametrize(
    "cell",
    [
        "%%html\n<b>import yaml</b>",
        "%%javascript\nrequire('import')",
        "%%R\nimport(yaml)",
        "%%latex\nx",
        "%%sql\nselect 1",
        "%%bigquery df\nimport",
        "%%unknown\nselect import yaml",
        "%%perl\nimport yaml",
    ],
)
def test_a_cell_in_another_language_costs_nothing(tmp_path, cell):
    facts = read(tmp_path, cell, "import numpy")
    assert (imports(facts), facts.findings) == ([("numpy", 1, 1)], ())


def test_cython_cells_tell_their_imports(tmp_path):
    facts = read(tmp_path, "%%cython\nimport numpy as np\ncimport numpy as np\ncdef int f(double x):\n    return x")
    assert (imports(facts), facts.findings) == ([("numpy", 0, 2)], ())


def test_shell_cells_install_and_import_nothing(tmp_path):
    facts = read(
        tmp_path, "%%bash\npip install a # b\n# pip install c\necho pip install\nimport x", "%%sh\npip install d"
    )
    assert ([fact.requirement for fact in facts.installs], facts.imports) == (["a", "d"], ())


def test_get_ipython_calls_are_lines_too(tmp_path):
    facts = read(tmp_path, "get_ipython().system('pip install a')\nget_ipython().run_line_magic('pip', 'install b')")
    assert [fact.requirement for fact in facts.installs] == ["a", "b"]


def test_requirements_that_the_notebook_writes_and_names_it_puts_in_are_read(tmp_path):
    facts = read(
        tmp_path, "%%writefile r.txt\na~=1.0 # x\nb", "%pip install -r r.txt\nV = '3'\n!pip install c=={V} $V {W}"
    )
    assert [fact.requirement for fact in facts.installs] == ["a~=1.0", "b", "c==3", "3"]


def test_comments_and_markdown_install_nothing(tmp_path):
    cell = {"cell_type": "markdown", "metadata": {}, "source": "!pip install a\nimport b"}
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "source": "# !pip install c\n'!pip install d'\nx = 1"}
    (tmp_path / "nb.ipynb").write_text(
        json.dumps({"cells": [cell, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    )
    facts = analyse(tmp_path / "nb.ipynb")
    assert (facts.installs, facts.imports) == ((), ())


def test_files_of_writefile_keep_their_options_out_of_the_path():
    assert split_cell("%%writefile -a pkg/x.py\nimport a").writes == ("pkg/x.py", "import a")
    assert split_cell("%%capture\n%%file 'x y.py'\nb").writes == ("x y.py", "b")


PYTHON2 = """
import six
print "a", six.x
print
for i in range(3): print i,
print >>sys.stderr, "x"
print ("a"), 3
try:
    import emoji
except ImportError, e:
    print e
exec "x = 1"
raise ValueError, "no"
x = 0777 + 10L
y = ur"a" <> 1
import yaml
"""


def test_python_2_is_read_as_its_twin(tmp_path):
    facts = read(tmp_path, PYTHON2)
    assert imports(facts) == [("six", 0, 2), ("emoji", 0, 9), ("yaml", 0, 16)]
    assert [(one.code, one.place.line) for one in facts.findings] == [("unparsed-cell", 14)]
    assert ast.unparse(read_python("print df.to_excel('a.xlsx')").tree) == "print(df.to_excel('a.xlsx'))"


BROKEN = """
import a
here is a note
x = [1, 2
import b
df = f(
    "x.xlsx",
)
class A:
    def one(self):
        # your code here
    def two(self):
        import c
        return g(
            3)
for i in 3
    import d
import e as
print(h(4))
"""


def test_of_a_broken_cell_every_whole_statement_counts():
    reading = read_python(BROKEN)
    called = [(ast.unparse(node.func), node.lineno) for node in ast.walk(reading.tree) if isinstance(node, ast.Call)]
    assert sorted(called, key=lambda one: one[1]) == [("f", 6), ("g", 14), ("print", 19), ("h", 19)]
    found = [node for node in ast.walk(reading.tree) if isinstance(node, ast.Import)]
    assert sorted((one.names[0].name, one.lineno) for one in found) == [("a", 2), ("b", 5), ("c", 13), ("d", 17)]


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 900,
        "a" + "+a" * 3000,
        "-" * 2000 + "1",
        "if x:\n" * 500,
        "\0\ud800",
        "x = '''" + "a\n" * 9,
        "[" * 90 + "]" * 89,
    ],
)
def test_no_text_is_too_strange_to_be_read(text):
    read_python(text)


@pytest.mark.parametrize(
    "line",
    [
        " " * 9000 + "x %",
        "x" + " " * 9000 + "%y =",
        "a," * 5000 + "!",
        "print " * 4000,
        "except " + "a," * 5000,
        "=/" * 9000 + ".py",
    ],
)
def test_long_lines_are_read_in_time_that_grows_with_their_length(tmp_path, line):
    began = time.process_time()
    read_python(f"import yaml\n{line}\nf('{line}')")
    assert time.process_time() - began < 2


def test_texts_that_double_with_every_line_are_given_up(tmp_path):
    lines = ["a0 = 'xxxxxxxx'", *(f"a{n} = f'{{a{n - 1}}}{{a{n - 1}}}'" for n in range(1, 60)), "open(a59)"]
    assert read(tmp_path, "\n".join(lines)).imports == ()
