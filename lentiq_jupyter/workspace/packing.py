"""The copy of a notebook that goes into a block: without outputs, counts and the secrets that became inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from ..analysis import secret_literals, without_secrets
from ..errors import BadInput, SecretFound
from .whole_notebook import read_whole, text_of

# What tools note about earlier runs: no part of what runs.
_OF_A_RUN = ("execution", "ExecuteTime", "papermill")


def pack_notebook(path: Path, folder: Path, secrets: Collection[str] = ()) -> tuple[Path, str]:
    """A copy of a notebook in `folder`, and the digest of its bytes.

    Outputs and counts are no part of what runs, may hold secrets, and change every time.

    Parameters
    ----------
    secrets : names
        Of secret literals, as analysis named them; the copy reads environment variables instead.

    Raises
    ------
    BadInput
        If there is no secret of that name.
    SecretFound
        If a secret stands where it cannot be taken out.
    NotebookError
        If the notebook is damaged.
    """
    notebook = read_whole(path)
    names = _values(path, secrets) if secrets else {}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
            for key in _OF_A_RUN:
                cell["metadata"].pop(key, None)
            if any(value in cell["source"] for value in names):
                cell["source"] = _taken_out(cell["source"], names, number)
        for value, name in names.items():
            if value in cell["source"]:
                raise _stays(name, number)
    copy = folder / "notebook.ipynb"
    copy.write_text(text_of(notebook), encoding="utf-8")
    return copy, hashlib.sha256(copy.read_bytes()).hexdigest()


def _values(path: Path, secrets: Collection[str]) -> dict[str, str]:
    found = {one.name: one.value for one in secret_literals(path)}
    unknown = [name for name in secrets if name not in found]
    if unknown:
        there = ", ".join(sorted(found)) or "none"
        raise BadInput(f"No cell holds a secret named {', '.join(unknown)}.", f"Named secrets there: {there}.")
    return {found[name]: name for name in secrets}


def _taken_out(source: str, names: dict[str, str], number: int) -> str:
    try:
        return without_secrets(source, names)
    except SyntaxError as error:
        raise _stays(", ".join(names.values()), number) from error


def _stays(name: str, number: int) -> SecretFound:
    return SecretFound(
        f"Secret {name} cannot be taken out of cell {number + 1}.",
        "Take it out by hand, and read it from an environment variable.",
    )
