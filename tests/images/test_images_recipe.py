"""Facts to recipes and documents."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from lentiq_jupyter.errors import BadInput, Unavailable
from lentiq_jupyter.images import recipe_documents
from lentiq_jupyter.images.recipe import runner_lock
from lentiq_jupyter.model import BlockSpec, RecipeFile, decode


def hashed(path: str, text: str) -> RecipeFile:
    return RecipeFile(path=path, sha256=hashlib.sha256(text.encode()).hexdigest(), size=len(text.encode()))


def test_files_are_sorted_and_known_by_content(recipe_of) -> None:
    recipe, sources = recipe_of({"lib/tools.py": "x = 1\n", "data.csv": "é\n"})
    assert recipe.files == (
        hashed("data.csv", "é\n"),
        hashed("lib/tools.py", "x = 1\n"),
        hashed("sales.ipynb", "{}"),
    )
    assert set(sources) == {"data.csv", "lib/tools.py", "sales.ipynb"}


def test_same_contents_in_two_folders_are_the_same_recipe(recipe_of) -> None:
    assert recipe_of({"a.txt": "a"})[0] == recipe_of({"a.txt": "a"})[0]


def test_documents_describe_the_recipe(recipe_of) -> None:
    recipe, _ = recipe_of(description="Sales.\nClean.")
    documents = recipe_documents(recipe)
    assert list(documents) == ["block.json", "requirements.lock", "runner.lock", "Dockerfile"]
    assert decode(BlockSpec, json.loads(documents["block.json"])) == recipe.spec
    assert documents["requirements.lock"] == recipe.requirements
    assert documents["runner.lock"] == runner_lock()


@pytest.mark.parametrize("path", ["../up.py", "/etc/passwd", "a//b", "a/../b", "./a", "", "a\0b"])
def test_path_outside_the_block_is_refused(recipe_of, path: str) -> None:
    from lentiq_jupyter.images.grammar import check_path

    with pytest.raises(BadInput, match="not a path inside the block"):
        check_path(path)


@pytest.mark.parametrize("name", ["block.json", "Dockerfile", "requirements.lock", "runner.lock"])
def test_file_named_as_a_document_is_refused(recipe_of, name: str) -> None:
    with pytest.raises(BadInput, match=f"name {name}.*Rename"):
        recipe_of({name: ""})


@pytest.mark.parametrize(
    "words",
    [
        {"base": "python:3.11\nUSER 0"},
        {"base": "python:$TAG"},
        {"base": "--platform=x python"},
        {"base": ""},
        {"system_packages": ("libgl1 && curl",)},
        {"system_packages": ("-o=x",)},
        {"system_packages": ("libgl1\nUSER 0",)},
        {"python": "3.11; x"},
    ],
)
def test_words_that_mean_more_in_a_dockerfile_are_refused(recipe_of, words) -> None:
    with pytest.raises(BadInput, match="is not a"):
        recipe_of(**words)


def test_notebook_must_be_among_the_files(recipe_of, tmp_path: Path) -> None:
    from lentiq_jupyter.images import make_recipe
    from lentiq_jupyter.model import Lock

    with pytest.raises(BadInput, match=r"other\.ipynb is not among"):
        make_recipe(
            BlockSpec(name="a"),
            base="python",
            platform="linux/amd64",
            python="3.11",
            lock=Lock(python="3.11", packages=(), requirements=""),
            files={"a.ipynb": tmp_path / "a.ipynb"},
            notebook="other.ipynb",
        )


def test_file_that_is_not_there_is_named(recipe_of, tmp_path: Path) -> None:
    from lentiq_jupyter.images import make_recipe
    from lentiq_jupyter.model import Lock

    with pytest.raises(Unavailable, match=r"gone\.ipynb cannot be read \(No such file"):
        make_recipe(
            BlockSpec(name="a"),
            base="python",
            platform="linux/amd64",
            python="3.11",
            lock=Lock(python="3.11", packages=(), requirements=""),
            files={"gone.ipynb": tmp_path / "gone.ipynb"},
            notebook="gone.ipynb",
        )


def test_runner_lock_names_no_host_and_hashes_every_pin() -> None:
    from lentiq_jupyter.images.dockerfile import all_hashed

    assert all_hashed(runner_lock())
    assert "://" not in runner_lock()
    assert "index" not in runner_lock().replace("sha256", "")
