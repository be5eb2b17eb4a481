"""Layers of packages: wheels made here, installed by real uv from a folder."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from wheel_files import hashed, make_wheel

from lentiq_jupyter.errors import BuildFailed, Cancelled, Unavailable
from lentiq_jupyter.images import LayersBuilder, find_uv
from lentiq_jupyter.model import Image, ProgressEvent, Reporter, encode
from lentiq_jupyter.registry import LayoutRegistry

SITE = "lib/python3.11/site-packages"
# Another process: builds the recipe it reads, says what came out.
BUILD = """
import json, os, sys
from pathlib import Path
os.umask(int(sys.argv[4], 8))
from lentiq_jupyter.errors import Unavailable
from lentiq_jupyter.images import LayersBuilder
from lentiq_jupyter.model import Recipe, Reporter, decode, encode
from lentiq_jupyter.registry import LayoutRegistry
recipe = decode(Recipe, json.loads(Path(sys.argv[1]).read_text()))
sources = {one.path: Path(sys.argv[2]) / one.path for one in recipe.files}
builder = LayersBuilder(cache=Path(sys.argv[3]) / "cache", open_remote=None, bare=True)
image = builder.build(recipe, sources, LayoutRegistry(Path(sys.argv[3]) / "registry"), Reporter())
print(json.dumps(encode(image)))
"""


class Bench:
    """Builds locks of wheels that lie in a folder."""

    def __init__(self, folder: Path, recipe_of: Callable) -> None:
        self.folder = folder
        self.links = folder / "links"
        self.cache = folder / "cache"
        self.registry = LayoutRegistry(folder / "registry")
        self.recipe_of = recipe_of

    def wheel(self, name: str, *arguments: object, **options: object) -> str:
        """Make one; the lock's line."""
        return hashed(make_wheel(self.links, name, *arguments, **options))

    def recipe(self, lines: Iterable[str], runner: Iterable[str] = (), **files: str):
        recipe, sources = self.recipe_of(files, requirements="".join(lines))
        return replace(recipe, runner_requirements="".join(runner)), sources

    def build(
        self,
        lines: Iterable[str],
        *,
        report: Reporter | None = None,
        registry: LayoutRegistry | None = None,
        uv: str | None = None,
        **options: object,
    ) -> Image:
        builder = LayersBuilder(cache=self.cache, open_remote=None, bare=True, uv=uv)
        return builder.build(*self.recipe(lines, **options), registry or self.registry, report or Reporter())

    def named(self, image: Image) -> dict[str, str]:
        """Digests of layers by their words."""
        with self.registry.open_blob(image.repository, image.config.digest) as stream:
            history = json.load(stream)["history"]
        return {one["created_by"]: layer.digest for one, layer in zip(history, image.layers, strict=True)}

    def files(self, image: Image, layer: str) -> dict[str, bytes | str]:
        """Files of a layer below the environment's packages; modes of programs."""
        with self.registry.open_blob(image.repository, self.named(image)[layer]) as stream:
            body = stream.read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            return {one.name: archive.extractfile(one).read() for one in archive if one.isreg()}


@pytest.fixture
def bench(tmp_path: Path, recipe_of, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path / "bench", recipe_of)
    monkeypatch.setenv("UV_FIND_LINKS", str(made.links))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    made.links.mkdir(parents=True)
    return made


OTHERS = {"lentiq-jupyter", "interpreter", "notebook and files"}


def test_each_wheel_is_a_layer_with_its_files_and_notes(bench: Bench) -> None:
    image = bench.build([bench.wheel("alpha", script="say"), bench.wheel("beta")], runner=[bench.wheel("gamma")])
    assert list(bench.named(image)) == [
        "gamma 1.0",
        "alpha 1.0",
        "beta 1.0",
        "interpreter",
        "lentiq-jupyter",
        "notebook and files",
    ]
    found = bench.files(image, "alpha 1.0")
    inside = {name.removeprefix("opt/lentiq/env/").replace(SITE, "site"): body for name, body in found.items()}
    assert sorted(inside) == [
        "bin/say",
        "site/alpha-1.0.dist-info/INSTALLER",
        "site/alpha-1.0.dist-info/METADATA",
        "site/alpha-1.0.dist-info/RECORD",
        "site/alpha-1.0.dist-info/REQUESTED",
        "site/alpha-1.0.dist-info/WHEEL",
        "site/alpha-1.0.dist-info/entry_points.txt",
        "site/alpha.py",
    ]
    listed = [line.split(",")[0] for line in inside["site/alpha-1.0.dist-info/RECORD"].decode().splitlines()]
    assert sorted(f"site/{name}".replace("site/../../../", "") for name in listed) == sorted(inside)
    assert b"$(dirname" in inside["bin/say"]
    assert not [name for name, body in found.items() if str(bench.folder).encode() in body]


def test_what_a_kernel_brings_is_one_layer_whatever_else_there_is(bench: Bench) -> None:
    kernel = [bench.wheel("ipykernel"), bench.wheel("traitlets")]
    first = bench.named(bench.build([*kernel, bench.wheel("alpha")]))
    second = bench.named(bench.build([bench.wheel("zeta"), bench.wheel("alpha"), *reversed(kernel)]))
    words = "ipykernel 1.0, traitlets 1.0"
    assert {words, "alpha 1.0"} <= first.keys()
    assert {words, "alpha 1.0", "zeta 1.0"} <= second.keys()
    assert (first[words], first["alpha 1.0"]) == (second[words], second["alpha 1.0"])
    assert {"alpha 1.0", "traitlets 1.0"} <= bench.named(bench.build([bench.wheel("alpha"), kernel[1]])).keys()


def test_same_bytes_in_another_place_user_and_process(bench: Bench, tmp_path: Path) -> None:
    lines = [bench.wheel("alpha", script="say"), bench.wheel("beta", {"Bé/ü.py": "x = 1\n", "b/__init__.py": ""})]
    recipe, sources = bench.recipe(lines, runner=[bench.wheel("gamma")], **{"data.txt": "1\n"})
    shared = tmp_path / "shared"
    shutil.copytree(next(iter(sources.values())).parent, shared / "files")
    (shared / "recipe.json").write_text(json.dumps(encode(recipe)))
    settings = (
        ("0022", {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}),
        ("0077", {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C"}),
    )
    built = []
    for number, (umask, variables) in enumerate(settings):
        home = tmp_path / f"home {number}" / ("deep" * number)
        home.mkdir(parents=True)
        shutil.copytree(bench.links, home / "links")
        variables = {**variables, "HOME": str(home), "UV_CACHE_DIR": str(home / "uv"), "UV_OFFLINE": "1",
                     "UV_FIND_LINKS": str(home / "links"), "PATH": os.environ["PATH"]}  # fmt: skip
        words = [shared / "recipe.json", shared / "files", home, umask]
        shown = subprocess.run(
            [sys.executable, "-c", BUILD, *map(str, words)], env=variables, cwd=home, capture_output=True, check=False
        )
        assert shown.returncode == 0, shown.stderr
        built.append(json.loads(shown.stdout))
    assert built[0] == built[1]


def test_one_package_more_is_one_layer_more(bench: Bench) -> None:
    lines = [bench.wheel(name) for name in ("alpha", "beta", "delta")]
    before = bench.build(lines)
    after = bench.build([*lines, bench.wheel("carol")])
    old, new = bench.named(before), bench.named(after)
    changed = {name for name in new if new[name] != old.get(name)}
    assert changed == {"carol 1.0", "notebook and files"}
    carol = next(layer.size for layer in after.layers if layer.digest == new["carol 1.0"])
    assert after.bytes_sent == carol + after.layers[-1].size + after.config.size


def test_locks_share_the_layers_of_equal_pins_whoever_else_is_there(bench: Bench) -> None:
    alpha, beta, gamma = (bench.wheel(name) for name in ("alpha", "beta", "gamma"))
    one, two = bench.named(bench.build([alpha, beta])), bench.named(bench.build([gamma, beta]))
    assert {name for name in one if one[name] == two.get(name)} == {"beta 1.0", "lentiq-jupyter", "interpreter"}


def test_kept_layers_are_taken_without_uv(bench: Bench) -> None:
    lines, runner = [bench.wheel("alpha"), bench.wheel("beta")], [bench.wheel("gamma")]
    before = bench.build(lines, runner=runner)
    said: list[str] = []
    after = bench.build(
        lines,
        runner=runner,
        uv="/nowhere/uv",
        registry=LayoutRegistry(bench.folder / "another"),
        report=Reporter(lambda event: said.append(event.message)),
    )
    assert (after.config, after.layers) == (before.config, before.layers)
    assert said == []
    with pytest.raises(Unavailable, match="/nowhere/uv"):
        bench.build([*lines, bench.wheel("carol")], runner=runner, uv="/nowhere/uv")


def test_file_of_two_wheels_gives_the_same_layers_whoever_was_installed_before(bench: Bench) -> None:
    alpha = bench.wheel("alpha", {"shared/__init__.py": "of = 'alpha'\n", "shared/a.py": ""})
    beta = bench.wheel("beta", {"shared/__init__.py": "of = 'beta'\n", "shared/b.py": ""})
    other = bench.wheel("gamma")
    together = bench.build([alpha, beta, other])
    shared = f"opt/lentiq/env/{SITE}/shared/__init__.py"
    assert bench.files(together, "alpha 1.0")[shared] == b"of = 'alpha'\n"
    assert bench.files(together, "beta 1.0")[shared] == b"of = 'beta'\n"
    shutil.rmtree(bench.cache)
    named = bench.named(together)
    for line, name in ((beta, "beta 1.0"), (alpha, "alpha 1.0")):
        assert bench.named(bench.build([line, other]))[name] == named[name]
    assert bench.build([alpha, beta, other]).layers == together.layers


def test_file_of_no_list_is_not_lost(bench: Bench) -> None:
    lines = [bench.wheel("alpha", unlisted={"alpha_data/table.csv": "1,2\n"}), bench.wheel("beta")]
    image = bench.build(lines)
    assert bench.files(image, "alpha 1.0")[f"opt/lentiq/env/{SITE}/alpha_data/table.csv"] == b"1,2\n"
    assert len(bench.files(image, "beta 1.0")) == 6


def test_file_that_was_edited_in_the_users_environment_is_taken_from_the_wheel(bench: Bench, tmp_path: Path) -> None:
    line = bench.wheel("alpha")
    (tmp_path / "lock").write_text(line)
    venv = tmp_path / "venv"
    uv = find_uv(None)
    subprocess.run([uv, "venv", "-q", venv], check=True)
    words = [uv, "pip", "install", "-q", "--link-mode", "hardlink", "--python", venv / "bin/python", "-r"]
    subprocess.run([*words, tmp_path / "lock"], check=True)
    (installed,) = venv.glob("lib/python*/site-packages/alpha.py")
    with installed.open("a") as stream:  # in place, so that uv's cache has it, too
        stream.write("print('debugging')\n")
    said: list[str] = []
    image = bench.build([line], report=Reporter(lambda event: said.append(event.message)))
    assert bench.files(image, "alpha 1.0")[f"opt/lentiq/env/{SITE}/alpha.py"] == b"NAME = 'alpha'\n"
    assert any("alpha was changed on this machine" in one for one in said)


def test_local_wheel_is_never_kept_and_names_no_place(bench: Bench, tmp_path: Path) -> None:
    place = tmp_path / "private"
    wheel = make_wheel(place, "alpha")
    line = f"alpha @ {wheel.as_uri()}\n"
    first = bench.build([line])
    make_wheel(place, "alpha", {"alpha.py": "NAME = 'another'\n"})
    second = bench.build([line])
    found = bench.files(second, "alpha")
    assert found[f"opt/lentiq/env/{SITE}/alpha.py"] == b"NAME = 'another'\n"
    assert first.layers != second.layers
    assert not [name for name, body in found.items() if str(place).encode() in body]
    assert list(bench.cache.glob("*.tar.gz")) == []


def test_many_small_packages_stay_below_the_engines_limit(bench: Bench) -> None:
    lines = [bench.wheel(f"package{number}") for number in range(150)]
    lines.append(bench.wheel("big", {"big.py": "x = 1\n" * 10_000}))
    image = bench.build(lines)
    assert 60 < len(image.layers) <= 110
    named = bench.named(image)
    assert "big 1.0" in named
    shutil.rmtree(bench.cache)
    more = bench.named(bench.build([*lines, bench.wheel("another")]))
    # What shared a layer with it, the package itself, and the block, which has the lock.
    assert len(set(more.values()) - set(named.values())) == 2
    again = bench.build([*lines, bench.wheel("another")], uv="/nowhere/uv")
    assert bench.named(again) == more


def test_environment_without_packages_is_one_all_the_same(bench: Bench) -> None:
    assert set(bench.named(bench.build([]))) == OTHERS


def left_over(bench: Bench) -> list[str]:
    return [one.name for one in bench.cache.iterdir() if one.name.startswith("lentiq-build-")]


@pytest.mark.parametrize("words", ["environment: 40 packages", "environment: + package7", "sending layers"])
def test_cancel_stops_everything_and_leaves_no_half(bench: Bench, words: str, monkeypatch) -> None:
    monkeypatch.setattr("lentiq_jupyter.images.sending._EVERY_S", 0.0)
    lines = [bench.wheel(f"package{number}", {f"p{number}.py": "#" * 100_000}) for number in range(40)]
    report = Reporter(lambda event: stop(event))

    def stop(event: ProgressEvent) -> None:
        if event.message.startswith(words):
            report.cancel()

    with pytest.raises(Cancelled):
        bench.build(lines, report=report)
    assert left_over(bench) == []
    assert not [one for one in threading.enumerate() if one.name.startswith("lentiq-")]
    assert not list(bench.folder.rglob(".incoming-*"))
    fresh = LayoutRegistry(bench.folder / "fresh")
    assert bench.build(lines, registry=fresh).bytes_sent > 0


def test_package_that_is_not_there_stops_everything(bench: Bench) -> None:
    with pytest.raises(BuildFailed, match="environment could not be installed"):
        bench.build(["nothing==1.0\n"], runner=[bench.wheel("alpha")])
    assert left_over(bench) == []
