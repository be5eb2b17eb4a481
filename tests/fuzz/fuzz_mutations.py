"""Damage to notebooks, of every kind that people, tools and disks do. The same seed does the same."""

from __future__ import annotations

import copy
import json
import random
import warnings
from collections.abc import Callable

import fuzz_canary
import nbformat

Json = object
Cells = list[dict[str, Json]]

MAGICS = (
    "%matplotlib inline",
    "%%time",
    "%%timeit -n 1 import numpy",
    "%%bash",
    "%%bash --out x",
    "%%writefile",
    "%%writefile a b c.py",
    "%%writefile {folder}/../../x.py",
    "%%html",
    "%%capture",
    "%%capture\n%%time\n%%capture",
    "%",
    "%%",
    "!",
    "!!",
    "!!ls",
    "!pip install",
    "!pip install -r",
    "!pip install 'a",
    '!pip install "pandas>=2" \\',
    "!pip install -r {x} && \\\n  pip install y",
    "%pip install --upgrade --index-url= x[y]==",
    "%conda install -c",
    "%run",
    "%run .",
    "%run -n -i nb.ipynb x",
    "%load_ext",
    "%load_ext \u2028",
    "x = !ls",
    "x = %who",
    "x, y = %time f()",
    "?",
    "??",
    "x?",
    "?x",
    ",f a b",
    ";f a",
    "/f a",
    "/",
    "%%!",
    "%%script",
    "%%script python -c 'import x'",
    "%%%",
    "%lsmagic #",
    "%cd {x}",
    "%time import scipy",
    "%%sql sqlite://\nselect 1",
    ">>> import doctest_style",
    "... import continuation",
    "In [1]: import numbered",
)

LINES = (
    "print 'two'",
    'exec "import x" in {}',
    "except ValueError, e:",
    "raise E, 'x'",
    "0777 + 10L + `x`",
    "x <> y",
    "import",
    "from",
    "from . import",
    "from .. import a, (b)",
    "from .... import x",
    "from a.b import (c,\n  d,",
    "import a.b.c as d, e.f as",
    "import \U0001d51e\U0001d52b, \uff41\uff42\uff43, café, 数学",
    "from \uff50\uff41\uff4e\uff44\uff41\uff53 import *",
    "import a;import b;;import c",
    "if True: import inline; x = 1",
    "async def f(): await x\nawait y\nasync for z in w: pass",
    "match x:\n  case {'a': [1, *_]} if y: import z",
    "type X[T] = list[T]",
    "f'{f\"{f'{x!r:>{y}}'}\"}'",
    "b'\\xff' '\\N{SNOWMAN}' '\\x' '\\ud800' '\\777'",
    "'''",
    '"""',
    "(((((",
    ")))",
    "\\",
    "\\\n\\\n",
    "\f\v\x1c\x1d\x85\u2028\u2029x = 1",
    "\x00",
    "\ufeffimport bom",
    "\u202eimport rtl",
    "\ud800",
    "x = '\ud83d'",
    "\tx = 1\n        y = 2",
    "  \x0c  import ff",
    "x = " + "9" * 5000,
    "x = 1e999999999",
    "x = 0x" + "f" * 5000,
    "x = " + "(" * 150 + ")" * 150,
    "x = " + "[" * 3000 + "]" * 3000,
    "x = " + "-" * 5000 + "1",
    "x = " + "not " * 2000 + "y",
    "x = " + " + ".join(["1"] * 3000),
    "x" + ".a" * 3000,
    "x" + "[0]" * 2000,
    "x" + "()" * 2000,
    "x = " + "lambda: " * 500 + "1",
    "\n".join(" " * depth + "if 1:" for depth in range(120)) + "\n" + " " * 120 + "import deep",
    "".join("if x" + str(n) + ": pass\nel" for n in range(1500)) + "se: pass",
    "import " + ".".join("a" * 20 for _ in range(300)),
    "import " + ", ".join(f"m{n}" for n in range(2000)),
    "open('a' * 10**9)",
    "open('" + "x/" * 3000 + "')",
    "open('\\0'); open('con'); open('..'); open('/'); open(''); open('~root/x'); open('//host/x'); open('a\\nb')",
    "import pandas as pd; pd.read_csv('**/*'); pd.read_csv('[[['); pd.read_csv('{a,b}'); pd.read_csv('*' * 99)",
    "import glob; glob.glob('**/' * 50, recursive=True); glob.glob('/**'); glob.glob('[!]')",
    "import os; os.environ['A']; os.environ[0]; os.getenv(); os.getenv(*a); os.environ.get(**b)",
    "import importlib; importlib.import_module(); importlib.import_module('.x', 'y'); importlib.import_module('')",
    "__import__(''); __import__('a..b'); __import__('.'); __import__(1); __import__('x' * 10)",
    "import sys; sys.path.append(); sys.path.insert(0); sys.path += ['..', 1, None]; sys.path.extend(x)",
    "create_engine('://'); create_engine('postgresql+://'); create_engine(f'{a}://{b}')",
    "import sqlalchemy as s; s.create_engine('a+b+c://x@y:z/[w'); s.create_engine('')",
    "import pandas as pd; pd.read_excel(); pd.read_parquet(engine=1); pd.read_html(flavor=[]); pd.read_hdf(*x, **y)",
    "import fsspec; fsspec.open('http://[::1'); fsspec.open('s3:'); open('://'); open('http://\u2100')",
    "from lentiq_jupyter import output; output(); output(1); output('a', *b); output('', 1); output('1 2', 3)",
    "%s" * 20,
    "{" * 30 + "}" * 30,
    "AKIAIOSFODNN7EXAMPLE ghp_" + "a" * 36,
    "password = 'x' * 9; api_key = " + repr("k" * 3000),
    "-----BEGIN RSA PRIVATE KEY-----",
    "https://user:pass@host:99999/[x]?token=" + "t" * 500,
    "a" * 200_000,
    "x = '" + "\\" * 20_001,
    "# " + "import x " * 5000,
    "'" + " " * 50_000,
)

VALUES: tuple[Json, ...] = (
    None,
    True,
    0,
    -1,
    10**400,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "x",
    "\ud800",
    "\x00",
    [],
    [[]],
    [None, 1, {}],
    {},
    {"": {}},
    {"cells": []},
)


def parse(body: bytes) -> dict[str, Json]:
    """A whole notebook of any format, as one of nbformat 4."""
    given = json.loads(body)
    return given if "cells" in given else json.loads(json.dumps(nbformat.convert(nbformat.from_dict(given), 4)))


def mutate(body: bytes, rng: random.Random) -> bytes:
    """A damaged notebook: its JSON, its cells, its lines or its bytes, in one to four places.

    Parameters
    ----------
    body : bytes
        A whole notebook.
    rng : random.Random
        Where chance comes from.
    """
    document = parse(body)
    cells = document["cells"]
    plant(cells, rng)
    if rng.random() < 0.5:
        document["metadata"] = {**document.get("metadata", {}), **copy.deepcopy(fuzz_canary.METADATA)}
    for _ in range(rng.randint(1, 4)):
        rng.choice(LINE_WISE if rng.random() < 0.6 and cells else CELL_WISE)(cells, rng)
    if rng.random() < 0.1:
        document = older(document, rng)
    if rng.random() < 0.2:
        swap(document, rng)
    body = json.dumps(document, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass")
    return rng.choice(BYTE_WISE)(body, rng) if rng.random() < 0.2 else body


def mutate_text(text: str, rng: random.Random) -> str:
    """Damaged Python, for files beside the notebook."""
    cells: Cells = [{"cell_type": "code", "source": text}]
    for _ in range(rng.randint(1, 3)):
        rng.choice(LINE_WISE)(cells, rng)
    return str(cells[0]["source"])


def code_cell(source: str, *tags: str) -> dict[str, Json]:
    """A code cell of nbformat 4.5."""
    metadata: dict[str, Json] = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def plant(cells: Cells, rng: random.Random) -> None:
    """Put three cells of hostile code into a notebook, among them the import that brings the damaged file."""
    chosen = [code_cell(rng.choice(fuzz_canary.CELLS)) for _ in range(2)]
    chosen.append(
        code_cell(rng.choice(("import canary_mutated", "%run canary_mutated.py", "from canary_mutated import *")))
    )
    if rng.random() < 0.3:
        chosen.append(code_cell(fuzz_canary.PARAMETERS, "parameters"))
    if rng.random() < 0.3:
        chosen.append(code_cell(fuzz_canary.OUTPUTS, "outputs"))
    for cell in chosen:
        cells.insert(rng.randint(0, len(cells)), cell)


# Cells


def _delete_cell(cells: Cells, rng: random.Random) -> None:
    if cells:
        del cells[rng.randrange(len(cells))]


def _repeat_cell(cells: Cells, rng: random.Random) -> None:
    if cells:
        cells.insert(rng.randrange(len(cells)), copy.deepcopy(rng.choice(cells)))


def _shuffle_cells(cells: Cells, rng: random.Random) -> None:
    rng.shuffle(cells)


def _retype_cell(cells: Cells, rng: random.Random) -> None:
    if cells:
        rng.choice(cells)["cell_type"] = rng.choice(("code", "markdown", "raw", "heading", "", None, 7))


def _tag_cell(cells: Cells, rng: random.Random) -> None:
    if cells:
        rng.choice(cells)["metadata"] = {"tags": rng.choice((["parameters"], ["outputs"], "parameters", [None, 1], {}))}


def _count_cell(cells: Cells, rng: random.Random) -> None:
    if cells:
        rng.choice(cells)["execution_count"] = rng.choice((0, -5, 10**40, True, "3", None, 1.5))


def _join_cells(cells: Cells, rng: random.Random) -> None:
    if cells:
        first, second = rng.choice(cells), rng.choice(cells)
        first["source"] = _source(first) + _source(second)


# Lines


def _source(cell: dict[str, Json]) -> str:
    given = cell.get("source", "")
    return "".join(map(str, given)) if isinstance(given, list) else str(given)


def _lines(change: Callable[[list[str], random.Random], list[str]]) -> Callable[[Cells, random.Random], None]:
    """A change of lines as a change of one cell."""

    def changed(cells: Cells, rng: random.Random) -> None:
        code = [cell for cell in cells if cell.get("cell_type") == "code"] or cells
        cell = rng.choice(code)
        lines = change(_source(cell).splitlines(keepends=True), rng)
        cell["source"] = lines if rng.random() < 0.5 else "".join(lines)

    return changed


def _delete_lines(lines: list[str], rng: random.Random) -> list[str]:
    return [line for line in lines if rng.random() > 0.2]


def _repeat_lines(lines: list[str], rng: random.Random) -> list[str]:
    return [line for line in lines for _ in range(rng.choice((1, 1, 1, 2, 30)))]


def _shuffle_lines(lines: list[str], rng: random.Random) -> list[str]:
    return rng.sample(lines, len(lines))


def _insert_magic(lines: list[str], rng: random.Random) -> list[str]:
    at = rng.choice((0, rng.randint(0, len(lines))))
    return [*lines[:at], rng.choice(MAGICS) + "\n", *lines[at:]]


def _insert_line(lines: list[str], rng: random.Random) -> list[str]:
    at = rng.randint(0, len(lines))
    return [*lines[:at], rng.choice((" " * rng.randint(0, 9), "", "\t")) + rng.choice(LINES) + "\n", *lines[at:]]


def _indent(lines: list[str], rng: random.Random) -> list[str]:
    return [rng.choice(("", "", " ", "\t", "        ", "\x0c")) + line for line in lines]


def _change_ends(lines: list[str], rng: random.Random) -> list[str]:
    return [line.rstrip("\n") + rng.choice(("\n", "\r\n", "\r", "\\\n", "\x0b\n", "\u2028", "")) for line in lines]


def _cut_lines(lines: list[str], rng: random.Random) -> list[str]:
    return [line if rng.random() > 0.1 else line[: rng.randint(0, len(line))] for line in lines]


def _change_characters(lines: list[str], rng: random.Random) -> list[str]:
    text = list("".join(lines))
    for _ in range(min(len(text), rng.randint(1, 8))):
        text[rng.randrange(len(text))] = rng.choice("()[]{}'\"\\#%!?:;,.@=\n\t\0 \x0c\u2028é\ud800\U0001d51e0aZ")
    return "".join(text).splitlines(keepends=True)


# The document


def older(document: dict[str, Json], rng: random.Random) -> dict[str, Json]:
    """The same notebook in an older format, as far as nbformat writes it."""
    to = rng.choice((3, 3, 2, 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells that nbformat does not know
            made = json.loads(json.dumps(nbformat.convert(nbformat.from_dict(copy.deepcopy(document)), 3)))
    except (AttributeError, KeyError, TypeError, ValueError, nbformat.ValidationError):
        made = {"metadata": {}, "worksheets": [{"cells": document["cells"]}], "nbformat": 3}
    return (
        {**made, "nbformat": to} if to != 1 else {"nbformat": 1, "cells": [{"cell_type": "code", "code": "import x"}]}
    )


def swap(document: dict[str, Json], rng: random.Random) -> None:
    """Replace, remove or nest some values anywhere in the JSON."""
    for _ in range(rng.randint(1, 3)):
        where = [document, *_containers(document)]
        box = rng.choice(where)
        keys = list(box) if isinstance(box, dict) else list(range(len(box)))
        if not keys:
            continue
        key, deed = rng.choice(keys), rng.randrange(4)
        if deed == 0:
            del box[key]
        elif deed == 1:
            box[key] = [box[key]]
        else:
            box[key] = copy.deepcopy(rng.choice(VALUES))


def _containers(value: Json) -> list[dict[str, Json] | list[Json]]:
    found: list[dict[str, Json] | list[Json]] = []
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(one, (dict, list)):
            found += [one, *_containers(one)]
    return found


# Bytes


def _flip(body: bytes, rng: random.Random) -> bytes:
    made = bytearray(body)
    for _ in range(rng.randint(1, 20)):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _truncate(body: bytes, rng: random.Random) -> bytes:
    return body[: rng.randrange(len(body))]


def _cut_out(body: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(body))
    return body[:at] + body[at + rng.randint(1, 200) :]


def _insert_bytes(body: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(body))
    return (
        body[:at]
        + rng.choice((b"\0", b"\xff\xfe", b"\\ud800", b"[" * 100_000, b'{"a":', b"NaN", b"9" * 5000))
        + body[at:]
    )


def _encode(body: bytes, rng: random.Random) -> bytes:
    text = body.decode("utf-8", "surrogatepass")
    return text.encode(rng.choice(("utf-16", "utf-8-sig", "utf-32", "utf-7")), "surrogatepass")


CELL_WISE = (_delete_cell, _repeat_cell, _shuffle_cells, _retype_cell, _tag_cell, _count_cell, _join_cells)
LINE_WISE = tuple(
    map(
        _lines,
        (
            _delete_lines,
            _repeat_lines,
            _shuffle_lines,
            _insert_magic,
            _insert_magic,
            _insert_line,
            _insert_line,
            _indent,
            _change_ends,
            _cut_lines,
            _change_characters,
        ),
    )
)
BYTE_WISE = (_flip, _truncate, _cut_out, _insert_bytes, _encode)
