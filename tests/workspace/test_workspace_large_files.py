"""A publish asks about large files before it builds anything."""

from __future__ import annotations

import pytest

from lentiq_jupyter.errors import BadInput, NotebookError
from lentiq_jupyter.model import Facts, FileFact, Inspection, Place, PublishRequest
from lentiq_jupyter.workspace.publishing import _refuse
from lentiq_jupyter.workspace.settings import Settings

PLACE = Place(file="nb.ipynb", line=1, cell=0)
FILES = (
    FileFact(path="data/a.bin", size=60 * 2**20, kind="data", place=PLACE, large=True),
    FileFact(path="b.bin", size=3 * 2**30, kind="data", place=PLACE, large=True),
    FileFact(path="c.csv", size=10, kind="data", place=PLACE),
)
INSPECTION = Inspection(facts=Facts(notebook="nb.ipynb", sha256="0", kernel="", files=FILES))


def test_publish_names_every_large_file_with_its_size_and_both_options() -> None:
    with pytest.raises(NotebookError) as caught:
        _refuse(INSPECTION, PublishRequest(path="nb.ipynb"))
    assert caught.value.message == (
        "data/a.bin is large (60.0 MiB). Put it into the block with --include data/a.bin, or leave it out with "
        "--exclude data/a.bin. b.bin is large (3.0 GiB). Put it into the block with --include b.bin, or leave it out "
        "with --exclude b.bin."
    )


def test_publish_goes_on_when_every_large_file_is_decided_on() -> None:
    _refuse(INSPECTION, PublishRequest(path="nb.ipynb", include_files=("./data/a.bin",), exclude_files=("b.bin",)))
    with pytest.raises(NotebookError, match=r"^b\.bin is large"):
        _refuse(INSPECTION, PublishRequest(path="nb.ipynb", include_files=("data/a.bin",)))


def test_the_limit_is_a_size_in_words() -> None:
    assert [Settings().large_bytes, Settings(large_file="2Gi").large_bytes] == [50 * 2**20, 2 * 2**30]
    with pytest.raises(BadInput):
        _ = Settings(large_file="much").large_bytes
