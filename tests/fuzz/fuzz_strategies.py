"""Notebooks that nobody ever saved, and things that are none: what hypothesis builds them of."""

from __future__ import annotations

import json

import fuzz_canary
from fuzz_mutations import LINES, MAGICS
from hypothesis import strategies as st

NAMES = st.sampled_from(
    ["a", "pandas", "os", "sys", "np", "x", "canary_module", "canary_package.sub", "google.cloud", "_", "café", "in"]
)
TEXT = st.text(st.characters(exclude_categories=()), max_size=30)  # surrogates, too
VALUES = st.one_of(
    TEXT.map(repr),
    st.integers().map(str),
    st.floats().map(str),
    NAMES,
    st.sampled_from(
        [fuzz_canary.TOUCH, fuzz_canary.SET, "...", "[]", "{**a}", "f'{x}'", "lambda: x", "await x", "yield"]
    ),
)
_CALLED = """
open pd.read_csv pd.read_excel pd.read_parquet os.getenv os.environ.get importlib.import_module __import__
create_engine sys.path.append sys.path.insert glob.glob Path output nltk.download spacy.load print exec eval
get_ipython().run_line_magic get_ipython().system plt.savefig df.to_sql fsspec.open load_dotenv
"""
CALLS = st.sampled_from(_CALLED.split())


@st.composite
def calls(draw: st.DrawFn) -> str:
    """A call of something that the analysis has rules for, with odd arguments."""
    given = draw(st.lists(VALUES, max_size=3)) + [
        f"{draw(NAMES).replace('.', '_')}={value}" for value in draw(st.lists(VALUES, max_size=2))
    ]
    return f"{draw(CALLS)}({', '.join(given)})"


STATEMENTS = st.one_of(
    calls(),
    st.sampled_from([*LINES, *MAGICS, *fuzz_canary.CELLS]),
    st.builds("import {} as {}".format, NAMES, NAMES),
    st.builds("from {}{} import {}".format, st.sampled_from(["", ".", ".."]), NAMES, st.one_of(NAMES, st.just("*"))),
    st.builds("{} = {}".format, NAMES, VALUES),
    st.builds("{}: {} = {}".format, NAMES, VALUES, VALUES),
    st.builds("{} {}".format, st.sampled_from(MAGICS), TEXT),
    TEXT,
)
BLOCKS = st.one_of(
    st.lists(STATEMENTS, max_size=6).map("\n".join),
    st.builds("try:\n    {}\nexcept {}:\n    {}".format, STATEMENTS, NAMES, STATEMENTS),
    st.builds("def {}({}={}):\n    {}".format, NAMES, NAMES, VALUES, STATEMENTS),
    st.builds("with {} as f:\n\t{}".format, calls(), STATEMENTS),
    st.text(max_size=200),
)

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), TEXT, st.sampled_from(["code", "python"])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
SOURCES = st.one_of(BLOCKS, BLOCKS.map(lambda text: text.splitlines(keepends=True)), JSON)
TAGS = st.one_of(st.lists(st.sampled_from(["parameters", "outputs", "x"]), max_size=2), JSON)
METADATA = st.one_of(
    st.just({}),
    st.just(fuzz_canary.METADATA),
    st.fixed_dictionaries({}, optional={"kernelspec": JSON, "language_info": JSON, "name": JSON}),
    JSON,
)


def cells(source: str) -> st.SearchStrategy[object]:
    """Cells whose text lies under `source` (``input`` before nbformat 4), with fields missing and of other types."""
    return st.one_of(
        st.fixed_dictionaries(
            {"cell_type": st.sampled_from(["code", "code", "code", "markdown", "raw", "heading"]), source: SOURCES},
            optional={
                "metadata": st.one_of(st.fixed_dictionaries({}, optional={"tags": TAGS}), JSON),
                "outputs": st.one_of(st.just([]), JSON),
                "execution_count": st.one_of(st.none(), st.integers(), JSON),
                "prompt_number": JSON,
                "id": JSON,
                "attachments": JSON,
                "language": JSON,
            },
        ),
        JSON,
    )


CELLS4 = st.lists(cells("source"), max_size=6)
CELLS3 = st.lists(cells("input"), max_size=6)
DOCUMENTS = st.one_of(
    st.fixed_dictionaries(
        {"cells": CELLS4, "nbformat": st.just(4)}, optional={"metadata": METADATA, "nbformat_minor": st.integers(0, 9)}
    ),
    st.fixed_dictionaries(
        {"cells": CELLS4 | JSON}, optional={"metadata": METADATA, "nbformat": JSON, "worksheets": JSON}
    ),
    st.fixed_dictionaries(
        {
            "worksheets": st.lists(st.fixed_dictionaries({"cells": CELLS3}), max_size=2) | JSON,
            "nbformat": st.sampled_from([2, 3]),
        },
        optional={"metadata": METADATA, "nbformat_minor": st.integers(0, 2)},
    ),
    st.fixed_dictionaries({"cells": CELLS3}, optional={"nbformat": st.just(1)}),
    JSON,
)


@st.composite
def notebooks(draw: st.DrawFn) -> bytes:
    """The bytes of a file called a notebook: mostly JSON, mostly notebook-shaped."""
    document = draw(DOCUMENTS)
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    kind = draw(st.sampled_from(["whole", "whole", "whole", "cut", "bytes"]))
    if kind == "bytes":
        return draw(st.binary(max_size=60))
    body = text.encode("utf-8", "surrogatepass")
    return body[: draw(st.integers(0, len(body)))] if kind == "cut" else body
