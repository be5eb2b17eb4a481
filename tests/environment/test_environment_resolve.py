"""Real interpreters, real kernelspecs, the real resolver."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import uv

from lentiq_jupyter.environment import probe, python_of, resolve
from lentiq_jupyter.environment.hashes import keep
from lentiq_jupyter.environment.pipreqs import ask_pipreqs
from lentiq_jupyter.errors import BadInput, NotebookError, NotFound, Unavailable
from lentiq_jupyter.model import Facts, ImportFact, InstallFact, Place, Severity, Witness

HERE = Path(sys.executable)
PLACE = Place(file="nb.ipynb", line=1, cell=0)


def facts(*imports: str, lines: tuple[str, ...] = ()) -> Facts:
    return Facts(
        notebook="nb.ipynb",
        sha256="",
        kernel="",
        imports=tuple(ImportFact(module=one, place=PLACE) for one in imports),
        installs=tuple(InstallFact(requirement=one, place=PLACE) for one in lines),
    )


@pytest.fixture
def no_index(monkeypatch):
    """An index at which nothing listens."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def bare(tmp_path) -> Path:
    """An interpreter of its own with nothing but an editable package and its dependency's absence."""
    subprocess.run([uv.find_uv_bin(), "venv", "-q", "--python", sys.executable, tmp_path / "venv"], check=True)
    site = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    source = tmp_path / "source"
    (source / "ours").mkdir(parents=True)
    (source / "ours" / "__init__.py").write_text("")
    (site / "_ours.pth").write_text(str(source))
    info = site / "ours_dist-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ours-dist\nVersion: 1.0\n")
    (info / "RECORD").write_text("_ours.pth,,\nours_dist-1.0.dist-info/METADATA,,\n")
    (info / "direct_url.json").write_text(json.dumps({"url": source.as_uri(), "dir_info": {"editable": True}}))
    return tmp_path / "venv" / "bin" / "python"


def kernelspec(root: Path, name: str, argv: list[str], language: str = "python") -> None:
    folder = root / "kernels" / name
    folder.mkdir(parents=True)
    folder.joinpath("kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": language}))


def test_the_kernel_asked_for_wins_over_the_notebooks_own(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernelspec(tmp_path, "bare", ["python", "-m", "ipykernel_launcher"])
    kernelspec(tmp_path, "full", [str(HERE), "-m", "ipykernel_launcher"])
    assert python_of("bare", "full") == HERE
    assert python_of(None, "full") == HERE


def test_a_missing_kernel_names_those_that_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernelspec(tmp_path, "science", [str(HERE)])
    with pytest.raises(NotFound, match=r"There is no kernel named nope; there are: .*science.*--no-kernel"):
        python_of("nope", "science")


def test_a_kernel_whose_interpreter_is_gone_is_not_found(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernelspec(tmp_path, "old", [str(tmp_path / "gone" / "python"), "-m", "ipykernel_launcher"])
    with pytest.raises(NotFound, match="The interpreter of kernel old is not there"):
        python_of("old", "")


def test_a_kernel_of_another_language_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernelspec(tmp_path, "r", ["R"], "R")
    with pytest.raises(NotebookError, match="runs R"):
        python_of("r", "")


def test_an_interpreter_says_what_is_installed_for_it():
    found = probe(HERE)
    assert found.python == "{}.{}".format(*sys.version_info[:2])
    assert {one.name for one in found.owners("yaml")} == {"PyYAML"}
    assert {one.name for one in found.owners("mpl_toolkits.mplot3d")} == {"matplotlib"}
    pandas = found.find("pandas")
    assert pandas is not None
    assert pandas.version == version("pandas")


@pytest.mark.parametrize("minor", ["3.9", "3.13"])
def test_other_pythons_can_be_asked(minor):
    found = sorted(Path.home().glob(f".pyenv/versions/{minor}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {minor} here")
    assert probe(found[0]).python == minor


def test_an_interpreter_that_is_none_is_unavailable():
    with pytest.raises(Unavailable):
        probe(Path("/bin/false"))


@pytest.mark.usefixtures("no_index")
def test_pins_seen_before_need_no_index(tmp_path):
    first = resolve(facts("yaml"), python=HERE)
    keep(tmp_path / "hashes", {one.name: (one.version, (f"sha256:{one.name}",)) for one in first.lock.packages})
    again = resolve(facts("yaml"), python=HERE, cache=tmp_path)
    assert again.findings == ()
    assert again.lock.requirements.splitlines() == [
        f"{one.name}=={one.version} --hash=sha256:{one.name}" for one in again.lock.packages
    ]


@pytest.mark.usefixtures("no_index")
def test_without_an_index_the_kernel_alone_gives_a_lock_without_hashes():
    found = resolve(facts("yaml", "lentiq_jupyter"), python=HERE, remove=("jedi",))
    by_name = {one.name: one for one in found.lock.packages}
    assert (by_name["pyyaml"].version, by_name["pyyaml"].witness) == (version("PyYAML"), Witness.KERNEL)
    assert by_name["pyyaml"].why == "import yaml, cell 1"
    assert by_name["traitlets"].why.startswith("needed by ")
    assert "ipykernel" in by_name
    assert not {"jedi", "lentiq-jupyter"} & set(by_name)
    assert "--hash" not in found.lock.requirements
    assert [(one.severity, one.code) for one in found.findings] == [(Severity.WARNING, "no-hashes")]


@pytest.mark.usefixtures("no_index")
def test_without_an_index_what_the_kernel_lacks_is_unavailable():
    with pytest.raises(Unavailable, match="The package index does not answer"):
        resolve(facts("emoji"), python=HERE)


@pytest.mark.usefixtures("no_index")
def test_a_package_from_a_folder_of_this_machine_stays_unresolved(bare):
    found = resolve(facts("ours"), python=bare, remove=("ipykernel",))
    assert (found.lock.packages, found.unresolved) == ((), ("ours",))
    assert found.findings[0].code == "local-install"
    assert "ours-dist (import ours, cell 1) is installed from a folder" in found.findings[0].message


def test_what_is_no_requirement_is_refused():
    with pytest.raises(BadInput, match="is not a requirement"):
        resolve(facts(), python=HERE, add=("not a name!",))


@pytest.mark.network
def test_what_the_kernel_lacks_is_resolved_within_its_versions(tmp_path):
    found = resolve(facts("yaml", "emoji", lines=("emoji==2.14.0",)), python=HERE, cache=tmp_path, add=("six==1.16.0",))
    by_name = {one.name: (one.version, one.witness) for one in found.lock.packages}
    assert by_name["emoji"] == ("2.14.0", Witness.LINE)
    assert by_name["six"] == ("1.16.0", Witness.USER)
    assert by_name["pyyaml"] == (version("PyYAML"), Witness.KERNEL)
    lines = found.lock.requirements.splitlines()
    assert len(lines) == len(found.lock.packages)
    assert all(" --hash=sha256:" in line for line in lines)
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0])


@pytest.mark.network
def test_an_import_that_no_package_answers_is_unresolved(bare):
    found = resolve(facts("no_such_module_of_ours"), python=bare, remove=("ipykernel",), pipreqs=False)
    assert (found.lock.packages, found.unresolved) == ((), ("no_such_module_of_ours",))


@pytest.mark.network
def test_without_a_kernel_uv_chooses_the_versions():
    found = resolve(facts("six"), python=None, python_version="3.12", remove=("ipykernel",))
    assert [(one.name, one.witness) for one in found.lock.packages] == [("six", Witness.TABLE)]
    assert found.lock.python == "3.12"


@pytest.mark.network
def test_versions_that_contradict_each_other_are_told(bare):
    with pytest.raises(NotebookError, match="No versions fit together"):
        resolve(facts("six", "dateutil", lines=("six==1.0.0", "python-dateutil==2.9.0")), python=bare)


@pytest.mark.network
def test_pipreqs_knows_names_of_its_own():
    assert ask_pipreqs(["yaml", "no_such_module_of_ours", "not a name"]) == {"yaml": "pyyaml"}


def test_pipreqs_that_cannot_run_is_no_error(no_index, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_TOOL_DIR", str(tmp_path))
    assert ask_pipreqs(["yaml"]) == {}
