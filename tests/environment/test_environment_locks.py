"""Locks of real environments, filled from the index: nothing that is used differs from the kernel."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import uv

from lentiq_jupyter.environment import resolve
from lentiq_jupyter.model import Facts, ImportFact, InstallFact, LiveKernel, Place, Severity, Witness

pytestmark = pytest.mark.network

PLACE = Place(file="nb.ipynb", line=1, cell=0)
KERNEL = ("ipykernel",)  # heavy, and the same everywhere: left out
# Old versions, an extra, markers that hold and markers that do not.
WANTED = ("requests[socks]==2.31.0", "urllib3==1.26.18", "idna==3.4", "click==8.1.3", "importlib-metadata==6.0.0")
VERSIONS = """import importlib.metadata, json
found = importlib.metadata.distributions()
print(json.dumps({one.metadata["Name"].lower().replace("_", "-"): one.version for one in found}))"""


def facts(*imports: str, lines: tuple[str, ...] = ()) -> Facts:
    return Facts(
        notebook="nb.ipynb",
        sha256="",
        kernel="",
        imports=tuple(ImportFact(module=one, place=PLACE) for one in imports),
        installs=tuple(InstallFact(requirement=one, place=PLACE) for one in lines),
    )


def uv_pip(*words: str | Path, python: Path) -> None:
    subprocess.run([uv.find_uv_bin(), "pip", *words, "-q", "--python", python], check=True)


def make(root: Path, *requirements: str, version: str = "3.11") -> Path:
    subprocess.run([uv.find_uv_bin(), "venv", "-q", "--no-python-downloads", "--python", version, root], check=True)
    python = root / "bin" / "python"
    if requirements:
        uv_pip("install", *requirements, python=python)
    return python


def versions(python: Path) -> dict[str, str]:
    return json.loads(subprocess.run([python, "-c", VERSIONS], check=True, capture_output=True).stdout)


def test_lock_is_the_kernel_and_installs_as_the_kernel(tmp_path):
    python = make(tmp_path / "kernel", *WANTED, "six==1.15.0")
    there = versions(python)
    found = resolve(
        facts("requests", "click", "importlib_metadata", lines=("requests[socks]",)),
        python=python,
        remove=KERNEL,
        cache=tmp_path / "cache",
    )
    del there["six"]  # nothing uses it
    assert {one.name: one.version for one in found.lock.packages} == there
    assert "pysocks" in there
    assert "colorama" not in there
    assert found.findings == ()
    assert all(one.hashes for one in found.lock.packages)
    lock = tmp_path / "lock.txt"
    lock.write_text(found.lock.requirements)
    again = make(tmp_path / "again")
    uv_pip("sync", "--require-hashes", lock, python=again)
    assert versions(again) == there


def test_option_that_the_kernel_has_loaded_goes_along(tmp_path):
    python = make(tmp_path / "kernel", "requests==2.31.0", "pysocks==1.7.1", "six")
    live = LiveKernel(python=str(python), modules=("requests", "socks", "six", "sys"), busy=True)
    found = resolve(facts("requests"), python=python, remove=KERNEL, hashes=False, live=live)
    by_name = {one.name: one for one in found.lock.packages}
    assert (by_name["pysocks"].version, by_name["pysocks"].witness) == ("1.7.1", Witness.LOADED)
    assert by_name["pysocks"].why == "loaded in the kernel, an option of requests (socks)"
    assert "six" not in by_name
    assert [(one.severity, one.code) for one in found.findings] == [(Severity.INFO, "loaded")]
    assert "explains: six." in found.findings[0].message


def test_version_that_no_index_has_is_an_error_that_names_it(tmp_path):
    python = make(tmp_path / "kernel", "six==1.16.0", "click==8.1.3")
    site = next((tmp_path / "kernel" / "lib").glob("python*")) / "site-packages"
    shutil.rmtree(site / "click-8.1.3.dist-info")  # and not changed: its files may be links into uv's cache
    info = site / "click-99.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: click\nVersion: 99.1\n")
    (info / "RECORD").write_text("click/__init__.py,,\n")
    found = resolve(facts("six", "click"), python=python, remove=KERNEL)
    assert [(one.severity, one.code) for one in found.findings] == [(Severity.ERROR, "not-on-index")]
    assert found.findings[0].message.startswith("click 99.1 is installed in the kernel, but the package index has noth")
    assert "UV_INDEX" in found.findings[0].message
    assert {one.name: one.version for one in found.lock.packages} == {"six": "1.16.0", "click": "99.1"}


def test_dependency_that_the_kernel_lacks_comes_within_its_versions(tmp_path):
    python = make(tmp_path / "kernel", "python-dateutil==2.8.2", "six==1.15.0")
    uv_pip("uninstall", "six", python=python)
    found = resolve(facts("dateutil", "idna"), python=python, remove=KERNEL)
    by_name = {one.name: (one.version, one.witness) for one in found.lock.packages}
    assert by_name["python-dateutil"] == ("2.8.2", Witness.KERNEL)
    assert by_name["six"][1] is Witness.DEPENDENCY
    assert by_name["idna"][1] is Witness.TABLE


def test_without_a_kernel_looking_pins_direct_needs_and_drops_guesses_that_do_not_exist():
    found = resolve(
        facts("requests", "no_such_module_of_ours", "tensorflow", lines=("tensorflow==1.15.2",)),
        python=None,
        python_version="3.11",
        remove=KERNEL,
        hashes=False,
        pipreqs=False,
    )
    by_name = {one.name: one for one in found.lock.packages}
    assert sorted(by_name) == ["requests", "tensorflow"]
    assert by_name["requests"].version.startswith("2.")
    assert by_name["tensorflow"].version == "1.15.2"
    assert found.unresolved == ("no_such_module_of_ours",)
    (finding,) = found.findings
    assert finding.message.startswith("tensorflow: no version is known, because ")
