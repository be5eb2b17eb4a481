"""The layers builder: real uv, real packages, real registries."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from conftest_images import open_server

from lentiq_jupyter.errors import BadInput, BuildFailed, Cancelled, Conflict, Unavailable
from lentiq_jupyter.images import LayersBuilder
from lentiq_jupyter.images.command import run
from lentiq_jupyter.images.installing import find_interpreter, find_uv
from lentiq_jupyter.model import LABEL_BASE_LAYERS, Image, Reporter
from lentiq_jupyter.registry import LayoutRegistry
from lentiq_jupyter.registry.manifest import image_manifest

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory):
    """A cache that tests share, so that the runner is installed once."""
    return tmp_path_factory.mktemp("layers")


def no_base(reference: str):
    raise Unavailable(f"The registry of {reference} does not answer.", "Check the network.")


def read(registry: LayoutRegistry, image: Image) -> dict:
    with registry.open_blob(image.repository, image.config.digest) as stream:
        return json.load(stream)


def members(registry: LayoutRegistry, image: Image, layer: int) -> dict[str, tarfile.TarInfo]:
    with registry.open_blob(image.repository, image.layers[layer].digest) as stream:
        body = stream.read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {one.name: one for one in archive}


def contents(registry: LayoutRegistry, image: Image, layer: int) -> dict[str, bytes]:
    """Bytes of files, targets of links, by name."""
    with registry.open_blob(image.repository, image.layers[layer].digest) as stream:
        body = stream.read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {one.name: archive.extractfile(one).read() if one.isreg() else one.linkname.encode() for one in archive}


@pytest.mark.network
def test_same_recipe_gives_the_same_image_everywhere(recipe_of, open_base, cache, tmp_path) -> None:
    built = []
    for number, folder in enumerate((cache, tmp_path / "other")):
        recipe, sources = recipe_of({"lib/tools.py": "x = 1\n"})
        registry = LayoutRegistry(tmp_path / f"registry-{number}")
        built.append(LayersBuilder(cache=folder, open_remote=open_base).build(recipe, sources, registry, Reporter()))
        read(registry, built[-1])
    assert built[0] == built[1]


@pytest.mark.network
def test_image_has_the_documented_layout(recipe_of, open_base, cache, tmp_path) -> None:
    recipe, sources = recipe_of({"lib/tools.py": "x = 1\n"})
    registry = LayoutRegistry(tmp_path / "registry")
    image = LayersBuilder(cache=cache, open_remote=open_base).build(recipe, sources, registry, Reporter())
    document = read(registry, image)
    assert (image.base_layers, image.complete) == (1, True)
    assert document["config"]["Labels"][LABEL_BASE_LAYERS] == "1"
    assert len(document["rootfs"]["diff_ids"]) == len(document["history"]) == len(image.layers)
    words = [one["created_by"] for one in document["history"]]
    six_at = words.index("six 1.17.0")
    assert words[0] == "base"
    assert "nbclient" in " ".join(words[1:six_at])
    assert words[six_at:] == ["six 1.17.0", "interpreter", "lentiq-jupyter", "notebook and files"]
    runner, six, links, code, block = (
        members(registry, image, number) for number in (six_at - 1, *range(six_at, six_at + 4))
    )
    assert any(name.startswith("opt/lentiq/runner/lib/python3.11/site-packages/") for name in runner)
    assert {"opt/lentiq/runner/lentiq/lentiq_jupyter/errors.py", "opt/lentiq/block/runner.lock"} <= set(code)
    assert {name: one.linkname for name, one in links.items() if one.issym()} == {
        f"opt/lentiq/{place}/{name}": target
        for place in ("env", "runner")
        for name, target in {
            "bin/python": "/usr/local/bin/python3.11",
            "bin/python3": "python",
            "bin/python3.11": "python",
            "lib64": "lib",
        }.items()
    }
    assert {name for name, one in links.items() if one.isreg()} == {
        "opt/lentiq/env/pyvenv.cfg",
        "opt/lentiq/runner/pyvenv.cfg",
    }
    assert "opt/lentiq/env/lib/python3.11/site-packages/six.py" in six
    assert sorted(block) == [
        "lentiq",
        "lentiq/results",
        "opt",
        "opt/lentiq",
        "opt/lentiq/block",
        "opt/lentiq/block/Dockerfile",
        "opt/lentiq/block/block.json",
        "opt/lentiq/block/lib",
        "opt/lentiq/block/lib/tools.py",
        "opt/lentiq/block/requirements.lock",
        "opt/lentiq/block/sales.ipynb",
    ]
    owners = {name: one.uid for name, one in {**runner, **code, **six, **links, **block}.items() if one.uid}
    assert owners == {"lentiq/results": 1000}


@pytest.mark.network
def test_no_host_path_gets_into_a_layer(recipe_of, open_base, cache, tmp_path) -> None:
    recipe, sources = recipe_of()
    registry = LayoutRegistry(tmp_path / "registry")
    image = LayersBuilder(cache=cache, open_remote=open_base).build(recipe, sources, registry, Reporter())
    homes = [str(cache).encode(), str(tmp_path).encode(), sys.prefix.encode()]
    for layer in range(1, len(image.layers)):
        for name, body in contents(registry, image, layer).items():
            assert not [home for home in homes if home in body], name
            assert "__pycache__" not in name


@pytest.mark.network
def test_changed_file_sends_only_the_block_layer(recipe_of, open_base, cache, tmp_path) -> None:
    registry = LayoutRegistry(tmp_path / "registry")
    builder = LayersBuilder(cache=cache, open_remote=open_base)
    first = builder.build(*recipe_of({"a.py": "x = 1\n"}), registry, Reporter())
    second = builder.build(*recipe_of({"a.py": "x = 2\n"}), registry, Reporter())
    assert first.layers[:-1] == second.layers[:-1]
    assert first.bytes_sent == first.bytes_total
    assert second.bytes_sent == second.layers[-1].size + second.config.size
    assert builder.build(*recipe_of({"a.py": "x = 2\n"}), registry, Reporter()).bytes_sent == 0


@pytest.mark.network
def test_base_out_of_reach_leaves_an_incomplete_image_in_a_folder(recipe_of, cache, tmp_path) -> None:
    said: list[str] = []
    registry = LayoutRegistry(tmp_path / "registry")
    report = Reporter(lambda event: said.append(event.message))
    image = LayersBuilder(cache=cache, open_remote=no_base).build(*recipe_of(), registry, report)
    assert (image.base_layers, image.complete) == (0, False)
    assert read(registry, image)["config"]["Labels"][LABEL_BASE_LAYERS] == "0"
    assert any("base image: left out, it cannot be reached" in line for line in said)


@pytest.mark.network
def test_base_out_of_reach_is_taken_as_last_seen_where_its_layers_are(recipe_of, open_base, cache, tmp_path) -> None:
    registry = LayoutRegistry(tmp_path / "registry")
    before = LayersBuilder(cache=cache, open_remote=open_base).build(*recipe_of(), registry, Reporter())
    after = LayersBuilder(cache=cache, open_remote=no_base).build(*recipe_of(), registry, Reporter())
    assert (after.config, after.layers, after.complete) == (before.config, before.layers, True)


@pytest.mark.registry
def test_base_out_of_reach_stops_a_build_for_a_server(recipe_of, server, cache) -> None:
    with pytest.raises(Unavailable, match=r"Base image python:3.11-slim cannot be had.*--base"):
        LayersBuilder(cache=cache, open_remote=no_base).build(*recipe_of(), server, Reporter())


@pytest.mark.network
def test_parallel_builds_install_once(recipe_of, open_base, cache, tmp_path) -> None:
    LayersBuilder(cache=cache, open_remote=open_base).build(*recipe_of(), LayoutRegistry(tmp_path / "warm"), Reporter())
    said: list[str] = []
    images: list[Image] = []
    registry = LayoutRegistry(tmp_path / "registry")
    lock = "idna==3.10\n" + recipe_of()[0].requirements

    def build(recipe, sources) -> None:
        builder = LayersBuilder(cache=cache, open_remote=open_base)
        images.append(builder.build(recipe, sources, registry, Reporter(lambda event: said.append(event.message))))

    threads = [threading.Thread(target=build, args=recipe_of(requirements=lock)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("environment: 1 packages") == 1
    assert len({image.config for image in images}) == 1


@pytest.mark.network
def test_damaged_layer_in_the_cache_is_made_anew(recipe_of, open_base, tmp_path) -> None:
    builder = LayersBuilder(cache=tmp_path / "cache", open_remote=open_base)
    image = builder.build(*recipe_of(), LayoutRegistry(tmp_path / "one"), Reporter())
    for path in (tmp_path / "cache").glob("*.tar.gz"):
        path.write_bytes(path.read_bytes()[:-1])
    assert builder.build(*recipe_of(), LayoutRegistry(tmp_path / "two"), Reporter()).layers == image.layers
    kept = list((tmp_path / "cache").glob("*.tar.gz"))
    sizes = {path.stat().st_size for path in kept}
    for path in kept:
        path.write_bytes(b"?" * path.stat().st_size)
    # Of the same size, it is found out where it is sent; the next build makes it anew.
    with pytest.raises(Conflict):
        builder.build(*recipe_of(), LayoutRegistry(tmp_path / "three"), Reporter())
    for _ in kept:
        with suppress(Conflict):
            builder.build(*recipe_of(), LayoutRegistry(tmp_path / "three"), Reporter())
    assert builder.build(*recipe_of(), LayoutRegistry(tmp_path / "three"), Reporter()).layers == image.layers
    assert {path.stat().st_size for path in kept} == sizes


@pytest.mark.network
def test_wrong_hash_fails_with_the_log(recipe_of, open_base, cache, tmp_path) -> None:
    recipe, sources = recipe_of(requirements=f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    registry = LayoutRegistry(tmp_path / "registry")
    with pytest.raises(BuildFailed, match="environment could not be installed") as caught:
        LayersBuilder(cache=cache, open_remote=open_base).build(recipe, sources, registry, Reporter())
    assert "six" in caught.value.log
    assert registry.repositories() == []
    assert not [path for path in cache.iterdir() if path.name.startswith("lentiq-build-")]


@pytest.mark.network
def test_index_that_does_not_answer_is_said_so(recipe_of, open_base, cache, tmp_path, monkeypatch) -> None:
    LayersBuilder(cache=cache, open_remote=open_base).build(*recipe_of(), LayoutRegistry(tmp_path / "warm"), Reporter())
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    recipe, sources = recipe_of(requirements="idna==3.9\n" + recipe_of()[0].requirements)
    with pytest.raises(Unavailable, match="package index does not answer"):
        LayersBuilder(cache=cache, open_remote=open_base).build(
            recipe, sources, LayoutRegistry(tmp_path / "registry"), Reporter()
        )


def test_system_packages_need_docker(recipe_of, open_base, cache, tmp_path) -> None:
    recipe, sources = recipe_of(system_packages=("libgl1",))
    with pytest.raises(BadInput, match=r"libgl1.*--builder docker"):
        LayersBuilder(cache=cache, open_remote=open_base).build(
            recipe, sources, LayoutRegistry(tmp_path / "registry"), Reporter()
        )


def test_bare_image_leaves_the_base_out_and_says_so(recipe_of, open_base, cache, tmp_path) -> None:
    recipe, sources = recipe_of()
    image = LayersBuilder(cache=cache, open_remote=open_base, bare=True).build(
        recipe, sources, LayoutRegistry(tmp_path / "registry"), Reporter()
    )
    assert (image.complete, image.base_layers) == (False, 0)


def test_unknown_platform_needs_docker(recipe_of, open_base, cache, tmp_path) -> None:
    recipe, sources = recipe_of()
    with pytest.raises(BadInput, match=r"linux/s390x.*--builder docker"):
        LayersBuilder(cache=cache, open_remote=no_base).build(
            replace(recipe, platform="linux/s390x"), sources, LayoutRegistry(tmp_path / "registry"), Reporter()
        )


def test_python_that_is_not_here_is_not_downloaded() -> None:
    with pytest.raises(Unavailable, match=r"no Python 3\.77 on this machine.*uv python install 3\.77"):
        find_interpreter("3.77", find_uv(None))


def _wrapper(path: Path) -> Path:
    """A program that starts another Python, as the shims of version managers do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho 3.77 /versions/3.77/bin/python3.77\n")
    path.chmod(0o755)
    return path


def test_python_behind_a_shim_on_path_is_taken_not_the_shim(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(_wrapper(tmp_path / "shims" / "python3.77").parent))
    assert str(find_interpreter("3.77", find_uv(None))) == "/versions/3.77/bin/python3.77"


def test_python_of_a_kernel_is_taken_where_none_is_on_path(tmp_path, monkeypatch) -> None:
    program = _wrapper(tmp_path / "env" / "bin" / "python")
    folder = tmp_path / "jupyter" / "kernels" / "science"
    folder.mkdir(parents=True)
    argv = [str(program), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "language": "python", "display_name": "x"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    assert str(find_interpreter("3.77", find_uv(None))) == "/versions/3.77/bin/python3.77"


def test_own_python_is_taken_where_it_fits() -> None:
    assert str(find_interpreter(PYTHON, find_uv(None))) == sys.executable


def test_stopped_command_ends_with_its_children(tmp_path) -> None:
    report = Reporter()
    script = f"sleep 300 & echo $! > {tmp_path}/child; echo started; wait"

    def stop(line: str) -> None:
        assert line == "started"
        report.cancel()

    began = time.monotonic()
    with pytest.raises(Cancelled):
        run(["sh", "-c", script], os.environ, stop, report.check)
    assert time.monotonic() - began < 150  # it would have slept for 300
    child = (tmp_path / "child").read_text().strip()
    for _ in range(600):
        state = subprocess.run(["ps", "-o", "stat=", "-p", child], capture_output=True, text=True, check=False).stdout
        if not state.strip() or state.startswith("Z"):
            return
        time.sleep(0.1)
    pytest.fail(f"the child still runs: {state}")


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.network
def test_image_runs_in_docker_without_network_or_writable_disk(recipe_of, registry_host, server, cache) -> None:
    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.11-slim")
    image = LayersBuilder(cache=cache, open_remote=open_server).build(recipe, sources, server, Reporter())
    digest = server.put_manifest(image.repository, None, MANIFEST, image_manifest(image))
    code = "import six, os; print(six.__file__, os.getuid(), os.getcwd(), sorted(os.listdir('.')))"
    command = ["docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none"]
    name = server.pull_reference(image.repository, digest)
    shown = subprocess.run(
        [*command, "--entrypoint", "/opt/lentiq/env/bin/python", name, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    subprocess.run(["docker", "rmi", name], capture_output=True, check=False)
    assert shown.stdout == (
        "/opt/lentiq/env/lib/python3.11/site-packages/six.py 1000 /opt/lentiq/block "
        "['Dockerfile', 'block.json', 'requirements.lock', 'runner.lock', 'sales.ipynb']\n"
    ), shown.stderr
