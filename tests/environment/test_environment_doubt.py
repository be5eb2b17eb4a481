"""Guesses of a notebook whose own files are not at hand."""

from __future__ import annotations

import pytest

from lentiq_jupyter.environment import resolve
from lentiq_jupyter.model import Facts, ImportFact, Place

PLACE = Place(file="nb.ipynb", line=1, cell=0)


def facts(*imports: str) -> Facts:
    made = tuple(ImportFact(module=one, place=PLACE) for one in imports)
    return Facts(notebook="nb.ipynb", sha256="", kernel="", imports=made)


@pytest.mark.network
@pytest.mark.parametrize("hashes", [False, True])
def test_where_the_index_lacks_one_guess_no_other_guess_is_taken_from_it(hashes):
    # Somebody has a package "densenet", which is not the file that lies beside the author's notebook.
    found = resolve(
        facts("idna", "no_such_module_of_ours", "densenet"),
        python=None,
        python_version="3.11",
        remove=("ipykernel",),
        hashes=hashes,
        pipreqs=False,
    )
    assert [one.name for one in found.lock.packages] == ["idna"]
    assert set(found.unresolved) == {"no_such_module_of_ours", "densenet"}
