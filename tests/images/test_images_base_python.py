"""Where a base image has its Python: told by an official one, found among the files of any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest_images import open_server, put_image, tar_of

from lentiq_jupyter.errors import BadInput, Unavailable
from lentiq_jupyter.images.base import find_base
from lentiq_jupyter.images.base_files import Names, Unreadable, merge, names_of, tree_of
from lentiq_jupyter.images.base_interpreters import Interpreter, interpreters, official_version

GLIBC = {"usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": ""}
DEBIAN = {
    "./usr": None,
    "./usr/bin": None,
    "./bin": "->usr/bin",
    "./lib": "->usr/lib",
    "./usr/bin/python3": "->python3.11",
    "./usr/bin/python3.11": "elf",
    "./usr/bin/env": "elf",
    "./usr/lib/python3.11/os.py": "",
    **GLIBC,
}
ALPINE = {"lib/ld-musl-x86_64.so.1": "", "usr/bin/python3.11": "elf"}
NAMED = "Take --base python:3.11-slim, or another image with Python 3.11."


@pytest.fixture
def found(recipe_of, open_base, bases, tmp_path):
    """The interpreter in a base of these layers, or the error that there is none."""

    def find(*layers: dict[str, str | None], env: tuple[str, ...] = (), python: str = "3.11") -> str:
        put_image(bases, "team/any", "1", list(layers), env=env)
        recipe, _ = recipe_of(base="team/any:1", python=python)
        return find_base(recipe, open_base, tmp_path / "cache").python

    return find


def test_official_image_says_where_without_a_layer_being_read(recipe_of, open_base, bases) -> None:
    recipe, _ = recipe_of()
    base = find_base(recipe, open_base)
    for layer in base.layers:
        (bases.folder / "blobs" / layer.digest.replace(":", "/")).unlink()
    assert find_base(recipe, open_base).python == "/usr/local/bin/python3.11"


@pytest.mark.parametrize(
    ("env", "history", "version"),
    [
        (["PATH=/usr/local/bin:/bin", "PYTHON_VERSION=3.11.9"], [], "3.11.9"),
        (["PATH=/usr/local/bin:/bin", "PYTHON_VERSION=3.14.0rc2"], [], "3.14.0rc2"),
        (["PATH=/usr/local/bin:/bin", "PYTHON_VERSION=3.11.9"], [{"created_by": "RUN apk add x"}], None),
        (["PATH=/opt/venv/bin:/usr/local/bin", "PYTHON_VERSION=3.11.9"], [], None),
        (["PATH=/usr/local/bin:/bin", "PYTHON_VERSION=3.11"], [], None),
        (["PATH=/usr/local/bin:/bin"], [], None),
    ],
)
def test_what_counts_as_official(env, history, version) -> None:
    assert official_version({"Env": env}, history) == version


def test_pythons_of_debian_and_conda_and_others_are_found(found) -> None:
    assert found(DEBIAN) == "/usr/bin/python3.11"
    conda = {"opt/conda/bin/python": "->python3.11", "opt/conda/bin/python3.11": "elf"}
    assert found({**GLIBC, **conda}, env=("PATH=/opt/conda/bin:/usr/bin",)) == "/opt/conda/bin/python3.11"
    assert found({**GLIBC, **conda}) == "/opt/conda/bin/python3.11"
    assert found({**GLIBC, "srv/tool/bin/python3.11": "elf"}) == "/srv/tool/bin/python3.11"


def test_first_on_path_wins_through_links(found) -> None:
    layer = {
        **DEBIAN,
        "usr/local/bin/python3.11": "elf",
        "opt/venv/bin/python": "->/opt/current/bin/python3.11",
        "opt/current": "->py/3.11",
        "opt/py/3.11/bin/python3.11": "elf",
    }
    assert found(layer) == "/usr/local/bin/python3.11"
    assert found(layer, env=("PATH=/opt/venv/bin:/bin:/usr/local/bin",)) == "/opt/py/3.11/bin/python3.11"
    assert found(layer, env=("PATH=/bin:/usr/local/bin",)) == "/usr/bin/python3.11"


def test_version_of_a_plain_name_is_told_by_its_library(found) -> None:
    layer = {**GLIBC, "opt/py/bin/python3": "elf", "opt/py/lib/python3.11/os.py": ""}
    assert found(layer) == "/opt/py/bin/python3"
    with pytest.raises(BadInput, match=r"has Python 3\.11 \(/opt/py/bin/python3\), the notebook's kernel has 3\.12"):
        found(layer, python="3.12")


def test_later_layers_take_away_and_put_over(found) -> None:
    gone = {"usr/bin/.wh.python3.11": "", "usr/bin/.wh.python3": ""}
    new = {"opt/py/bin/python3.11": "elf"}
    assert found(DEBIAN, gone, new) == "/opt/py/bin/python3.11"
    assert found(DEBIAN, {"usr/bin/.wh..wh..opq": ""}, new) == "/opt/py/bin/python3.11"
    assert found(DEBIAN, gone, {"bin/python3.11": "elf"}) == "/usr/bin/python3.11"
    with pytest.raises(BadInput, match=r"Base image team/any:1 has no Python\. "):
        found(DEBIAN, gone)


def test_wrong_python_is_refused_with_those_that_were_found(found) -> None:
    with pytest.raises(BadInput) as caught:
        found({**DEBIAN, "opt/conda/bin/python3.10": "elf"}, python="3.12")
    assert str(caught.value) == (
        "Base image team/any:1 has Python 3.11 (/usr/bin/python3.11) and Python 3.10 (/opt/conda/bin/python3.10), "
        "the notebook's kernel has 3.12. Take --base python:3.12-slim, or another image with Python 3.12."
    )


def test_python_in_roots_folder_is_refused_with_the_reason(found) -> None:
    with pytest.raises(BadInput) as caught:
        found({**GLIBC, "root/miniconda3/bin/python3.11": "elf"}, env=("PATH=/root/miniconda3/bin:/usr/bin",))
    assert str(caught.value) == (
        "Base image team/any:1 has Python in root's folder only (/root/miniconda3/bin/python3.11), where the user of "
        f"a block cannot start it. {NAMED}"
    )


def test_musl_is_refused_with_the_reason(found) -> None:
    with pytest.raises(BadInput) as caught:
        found(ALPINE)
    assert str(caught.value) == (
        "Base image team/any:1 runs on musl, as Alpine does; the wheels of Python packages that a block is made of "
        f"are for glibc, and do not run there. {NAMED}"
    )
    assert found({**DEBIAN, "lib/ld-musl-x86_64.so.1": ""}) == "/usr/bin/python3.11"


def test_layer_is_read_once(recipe_of, open_base, bases, tmp_path) -> None:
    put_image(bases, "team/any", "1", [DEBIAN])
    recipe, _ = recipe_of(base="team/any:1")
    base = find_base(recipe, open_base, tmp_path / "cache")
    (bases.folder / "blobs" / base.layers[0].digest.replace(":", "/")).unlink()
    assert find_base(recipe, open_base, tmp_path / "cache") == base
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [
        f"names-1-{base.layers[0].digest.replace(':', '-')}.json"
    ]


def test_damaged_layer_is_not_believed(recipe_of, open_base, bases, tmp_path) -> None:
    put_image(bases, "team/any", "1", [DEBIAN], media_type="application/vnd.oci.image.layer.v1.tar")
    recipe, _ = recipe_of(base="team/any:1")
    base = find_base(recipe, open_base)
    path: Path = bases.folder / "blobs" / base.layers[0].digest.replace(":", "/")
    path.write_bytes(path.read_bytes().replace(b"python3.11", b"python3.12"))
    with pytest.raises(Unavailable, match="came damaged"):
        find_base(recipe, open_base, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("kind", ["tar+zstd", "tar+gzip"])
def test_layer_that_cannot_be_read_is_said_so(recipe_of, open_base, bases, tmp_path, kind) -> None:
    put_image(bases, "team/any", "1", [DEBIAN], media_type="application/vnd.oci.image.layer.v1.tar")
    recipe, _ = recipe_of(base="team/any:1")
    base = find_base(recipe, open_base)
    odd = replace(base.layers[0], media_type=f"application/vnd.oci.image.layer.v1.{kind}")
    with pytest.raises(Unreadable, match="compressed by zstd" if kind == "tar+zstd" else "no readable tar"):
        tree_of(base, (odd,), tmp_path, lambda: None)


def test_image_for_another_machine_is_refused(recipe_of, open_base, bases) -> None:
    put_image(bases, "team/arm", "1", [DEBIAN], machine="arm64")
    recipe, _ = recipe_of(base="team/arm:1")
    with pytest.raises(BadInput, match="team/arm:1 is made for linux/arm64, not for linux/amd64"):
        find_base(recipe, open_base)
    assert find_base(replace(recipe, platform="linux/arm64"), open_base).python == "/usr/bin/python3.11"


def test_base_need_not_have_the_python_that_the_recipe_brings(recipe_of, open_base, bases) -> None:
    put_image(bases, "team/bare", "1", [GLIBC])
    recipe, _ = recipe_of(base="team/bare:1", system_packages=("python3",))
    assert find_base(recipe, open_base).python == ""


def test_links_that_go_round_lead_nowhere() -> None:
    tree = merge([Names(links={"usr/bin/python3": "python", "usr/bin/python": "python3"})])
    assert tree.real("/usr/bin/python") is None
    assert interpreters(tree, "/usr/bin") == []


def test_names_outside_of_the_image_stay_inside() -> None:
    tree = merge([Names(files=("usr/bin/python3.11",), links={"bin": "../../usr/bin"})])
    assert interpreters(tree, "/bin") == [Interpreter(path="/usr/bin/python3.11", version="3.11")]


def test_only_names_that_matter_are_kept(tmp_path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(tar_of({**DEBIAN, "etc/passwd": "", "usr/share/a/b/c/d/e": "->f", "usr/lib/libx.so": "->y"}))
    with path.open("rb") as stream:
        assert names_of(stream, "application/vnd.oci.image.layer.v1.tar") == Names(
            files=("usr/bin/python3.11", "usr/lib/python3.11/os.py", *GLIBC),
            folders=("usr", "usr/bin"),
            links={"bin": "usr/bin", "lib": "usr/lib", "usr/bin/python3": "python3.11"},
        )


@pytest.mark.registry
def test_files_of_a_real_base_agree_with_what_it_says(recipe_of, registry_host, tmp_path) -> None:
    recipe, _ = recipe_of(base=f"{registry_host}/library/python:3.11-slim")
    base = find_base(recipe, open_server)
    tree = tree_of(base, base.layers, tmp_path, lambda: None)
    assert interpreters(tree, "/usr/local/bin:/usr/bin") == [Interpreter(path=base.python, version="3.11")]


@pytest.mark.registry
def test_image_that_fits_is_named_from_the_bases_own_registry(recipe_of, registry_host) -> None:
    recipe, _ = recipe_of(base=f"{registry_host}/library/busybox:latest")
    with pytest.raises(BadInput, match=rf"has no Python\. Take --base {registry_host}/library/python:3\.11-slim, or"):
        find_base(recipe, open_server)
