"""The notebook file as it lies on disk, of any nbformat version.

Versions 1 to 3 differ from 4 in where cells lie and what their text is called (nbformat's own upgrade
refuses much that Jupyter once wrote, and validates for longer than all of the reading takes).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from ..errors import NotebookError, NotFound, Unavailable
from ..model import record

_VERSION = re.compile(r"3\.\d+")
_PYTHON = ("python", "pyspark", "pyodide")  # language names that have one of these are Python
# Kernels whose notebooks may not say their language, by the beginning of the kernel's name.
_KERNELS = {
    "ir": "R", "r": "R", "julia": "Julia", "javascript": "JavaScript", "deno": "TypeScript", "tslab": "TypeScript",
    "bash": "Bash", "octave": "Octave", "matlab": "MATLAB", "scala": "Scala", "apache_toree": "Scala",
    "sparkkernel": "Scala", "almond": "Scala", "xcpp": "C++", "cling": "C++", ".net-csharp": "C#",
    ".net-fsharp": "F#", ".net-powershell": "PowerShell", "powershell": "PowerShell", "java": "Java",
    "ijava": "Java", "kotlin": "Kotlin", "ruby": "Ruby", "iruby": "Ruby", "rust": "Rust", "evcxr": "Rust",
    "gophernotes": "Go", "gonb": "Go", "haskell": "Haskell", "ihaskell": "Haskell", "sas": "SAS", "stata": "Stata",
    "sos": "SoS", "sagemath": "SageMath", "perl": "Perl", "iperl": "Perl", "wolfram": "Wolfram", "xsql": "SQL",
    "sql": "SQL", "ocaml": "OCaml", "clojure": "Clojure", "fortran": "Fortran", "coarray": "Fortran", "xr": "R",
}  # fmt: skip


@record
class Cell:
    """One cell. `index` counts all cells of the notebook from 0, so that a front end can jump to it.

    `execution_count` is None where the cell never ran. `metadata` and saved `outputs` are as they lie on disk;
    no block has the outputs.
    """

    index: int
    kind: str
    source: str
    tags: frozenset[str] = frozenset()
    execution_count: int | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    outputs: tuple[Mapping[str, object], ...] = ()


@record
class Notebook:
    """A notebook as read. `kernel` is the kernelspec's name or ""; `python` ``X.Y`` or None if not said."""

    name: str
    sha256: str
    kernel: str
    cells: tuple[Cell, ...]
    python: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def code(self) -> tuple[Cell, ...]:
        """The code cells that hold any text."""
        return tuple(cell for cell in self.cells if cell.kind == "code" and cell.source.strip())


def notebook_python(path: Path) -> str | None:
    """The ``X.Y`` of the Python that last ran the notebook, by its own metadata; None if it does not say.

    Raises
    ------
    NotebookError, NotFound, Unavailable
        As `read_notebook`.
    """
    return read_notebook(path).python


def read_notebook(path: Path) -> Notebook:
    """Read and upgrade a notebook.

    Raises
    ------
    NotFound
        If there is no such file.
    Unavailable
        If it cannot be read.
    NotebookError
        If it is not JSON, not a notebook, not Python, or has no code.
    """
    body = _read(path)
    document = _document(path.name, body)
    metadata = _mapping(document.get("metadata"))
    kernelspec, language_info = _mapping(metadata.get("kernelspec")), _mapping(metadata.get("language_info"))
    language = _language(kernelspec, language_info)
    if not any(word in language.lower() for word in _PYTHON):
        raise NotebookError(
            f"{path.name} is written in {language}.", "Only Python notebooks can become blocks; choose another."
        )
    made = tuple(_cell(index, _mapping(cell)) for index, cell in enumerate(_cells(document)))
    version = _VERSION.match(str(language_info.get("version", "")))
    notebook = Notebook(
        name=path.name,
        sha256=hashlib.sha256(body).hexdigest(),
        kernel=str(kernelspec.get("name") or ""),
        cells=made,
        python=version[0] if version else None,
        metadata=metadata,
    )
    if not notebook.code:
        raise NotebookError(f"{path.name} has no code.", "Write at least one code cell and save the notebook.")
    return notebook


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"There is no notebook {path.name}.", "Check the path.") from error
    except IsADirectoryError as error:
        raise NotebookError(f"{path.name} is a folder.", "Name a notebook file (.ipynb).") from error
    except OSError as error:
        raise Unavailable(
            f"{path.name} cannot be read ({error.strerror or error}).", "Check its permissions."
        ) from error


def _document(name: str, body: bytes) -> Mapping[str, object]:
    """The notebook's JSON as nbformat 4."""
    try:
        given = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotebookError(
            f"{name} is not JSON, so it is not a notebook.", "Open it in JupyterLab and save it again."
        ) from error
    known = isinstance(given, dict) and (isinstance(given.get("cells"), list) or "worksheets" in given)
    if not known or not isinstance(given.get("nbformat", 1), int):
        raise NotebookError(f"{name} is JSON, but not a notebook.", "Name a notebook file (.ipynb).")
    return _mapping(given)


def _language(kernelspec: Mapping[str, object], language_info: Mapping[str, object]) -> str:
    """The language that the notebook names, or that its kernel is known for; Python where nothing says otherwise."""
    named = kernelspec.get("language") or language_info.get("name")
    if named:
        return str(named)
    kernel = str(kernelspec.get("name") or "").lower()
    return next((_KERNELS[word] for word in (kernel, re.split(r"[-_ ]?\d", kernel)[0]) if word in _KERNELS), "python")


def _cells(document: Mapping[str, object]) -> list[object]:
    """The cells of version 4 and 1, or those of all worksheets of version 2 and 3."""
    cells = document.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = document.get("worksheets")
    found: list[object] = []
    for sheet in sheets if isinstance(sheets, list) else []:
        inside = _mapping(sheet).get("cells")
        found += inside if isinstance(inside, list) else []
    return found


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """Multi-line strings are lists of lines on disk."""
    return "".join(str(line) for line in value) if isinstance(value, list) else str(value or "")


def _cell(index: int, given: Mapping[str, object]) -> Cell:
    metadata = _mapping(given.get("metadata"))
    tags, outputs = metadata.get("tags"), given.get("outputs")
    count = given.get("execution_count", given.get("prompt_number"))
    text = next((given[key] for key in ("source", "input", "code", "text") if key in given), "")
    return Cell(
        index=index,
        kind=str(given.get("cell_type", "")),
        source=_text(text),
        tags=frozenset(str(tag) for tag in tags) if isinstance(tags, list) else frozenset(),
        execution_count=count if isinstance(count, int) else None,
        metadata=metadata,
        outputs=tuple(_mapping(one) for one in outputs) if isinstance(outputs, list) else (),
    )
