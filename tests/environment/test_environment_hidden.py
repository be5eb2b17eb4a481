"""Hidden needs and language models: which distribution answers them."""

from __future__ import annotations

import pytest

from lentiq_jupyter.environment import Distribution, Installed, name_distributions
from lentiq_jupyter.environment.names_table import table
from lentiq_jupyter.model import DataNeed, Facts, HiddenNeed, ImportFact, Place, Witness

PLACE = Place(file="nb.ipynb", line=1, cell=0)


def kernel(*names: str) -> Installed:
    found = tuple(Distribution(name=name, version="1", modules=(name.replace("-", "_"),)) for name in names)
    markers = {"python_version": "3.11", "sys_platform": "linux"}
    return Installed(python="3.11", markers=markers, stdlib=frozenset({"os"}), distributions=found)


@pytest.mark.parametrize(
    ("imported", "there", "answer"),
    [
        ((), (), ["netcdf4"]),
        (("scipy",), (), ["scipy"]),
        (("scipy",), ("scipy", "netcdf4"), ["scipy", "netcdf4"]),
        ((), ("h5netcdf",), ["h5netcdf"]),
    ],
)
def test_a_hidden_need_is_answered_by_the_usual_one_in_the_kernel_then_by_what_is_there(imported, there, answer):
    facts = Facts(
        notebook="nb.ipynb",
        sha256="",
        kernel="",
        imports=tuple(ImportFact(module=one, place=PLACE) for one in imported),
        hidden=(HiddenNeed(distribution="netcdf4", because="open_dataset", place=PLACE),),
    )
    found = name_distributions(facts, kernel(*there) if there else None)
    assert [need.name for need in found.needs] == answer


def test_a_language_model_goes_in_where_the_kernel_has_it_as_a_package():
    facts = Facts(
        notebook="nb.ipynb",
        sha256="",
        kernel="",
        data=(DataNeed(kind="spacy", name="en_core_web_sm", because="load", place=PLACE),),
    )
    assert name_distributions(facts).needs == ()
    assert name_distributions(facts, kernel("spacy")).needs == ()
    found = name_distributions(facts, kernel("spacy", "en-core-web-sm")).needs
    assert [(need.name, need.witness) for need in found] == [("en-core-web-sm", Witness.KERNEL)]


def test_alternatives_are_normalised_names():
    words = [name for key, others in table().instead.items() for name in (key, *others)]
    assert [word for word in words if word != word.lower() or "_" in word or "." in word] == []
