"""Real environments in bad shape or of unusual origin: what is read of them, what comes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import uv

from lentiq_jupyter.environment import probe, resolve
from lentiq_jupyter.environment.installed import has_credentials, without_credentials
from lentiq_jupyter.environment.uv_compile import index_key
from lentiq_jupyter.model import Facts, ImportFact, InstallFact, Place, Severity, Witness

PLACE = Place(file="nb.ipynb", line=1, cell=0)


def facts(*imports: str, lines: tuple[str, ...] = ()) -> Facts:
    return Facts(
        notebook="nb.ipynb",
        sha256="",
        kernel="",
        imports=tuple(ImportFact(module=one, place=PLACE) for one in imports),
        installs=tuple(InstallFact(requirement=one, place=PLACE) for one in lines),
    )


class Venv:
    """An environment without packages, into whose folder distributions are written as installers leave them."""

    def __init__(self, root: Path) -> None:
        subprocess.run([uv.find_uv_bin(), "venv", "-q", "--python", sys.executable, root], check=True)
        self.python = root / "bin" / "python"
        self.site = next((root / "lib").glob("python*")) / "site-packages"

    def put(self, name: str, version: str, folder: Path | None = None, metadata: str | None = None, **files) -> Path:
        """One module `name` with its metadata; `files` are those of its dist-info folder, documents as JSON."""
        folder = folder or self.site
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text("")
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        if metadata:
            (info / "METADATA").write_text(metadata)
        (info / "RECORD").write_text(f"{name}.py,,\n{info.name}/METADATA,,\n")
        for key, value in files.items():
            text = value if isinstance(value, str) else json.dumps(value)
            (info / {"direct_url": "direct_url.json"}.get(key, key)).write_text(text)
        return info

    def look(self, *imports: str, lines: tuple[str, ...] = (), **options):
        """Resolve without asking anybody but this environment."""
        options = {"hashes": False, "remove": ("ipykernel",), "pipreqs": False, **options}
        return resolve(facts(*imports, lines=lines), python=self.python, **options)


@pytest.fixture(autouse=True)
def no_index(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def venv(tmp_path) -> Venv:
    return Venv(tmp_path / "venv")


def requirement(venv: Venv, name: str) -> str:
    return venv.look(name).lock.requirements.strip()


def test_version_control_and_archives_are_carried_with_what_pins_them(venv):
    commit, digest = "0123456789abcdef0123456789abcdef01234567", "a" * 64
    vcs = {"vcs": "git", "commit_id": commit}
    venv.put("tool", "1", direct_url={"url": "https://h.invalid/me/tool.git", "vcs_info": vcs, "subdirectory": "py"})
    archive = {"archive_info": {"hash": f"sha256={digest}", "hashes": {"sha256": digest}}}
    venv.put("wheel_it", "2", direct_url={"url": "https://h.invalid/wheel_it-2.whl", **archive})
    found = venv.look("tool", "wheel_it").lock
    assert found.requirements.splitlines() == [
        f"tool @ git+https://h.invalid/me/tool.git@{commit}#subdirectory=py",
        f"wheel-it @ https://h.invalid/wheel_it-2.whl#sha256={digest}",
    ]
    assert [one.hashes for one in found.packages] == [(), (f"sha256:{digest}",)]


@pytest.mark.parametrize("user", ["me:s3cr3t", "ghp_0123456789", "%24{USER}:%24{TOKEN}"])
def test_address_with_credentials_is_refused_and_shown_nowhere(venv, user):
    url = f"https://{user}@h.invalid/me/tool.git"
    venv.put("tool", "1", direct_url={"url": url, "vcs_info": {"vcs": "git", "commit_id": "abc"}})
    found = venv.look("tool")
    assert (found.lock.packages, found.unresolved) == ((), ("tool",))
    assert [one.code for one in found.findings] == ["credentials"]
    assert user not in repr(found)


def test_install_line_with_credentials_is_refused_and_shown_nowhere(venv):
    line = "tool @ git+https://me:s3cr3t@h.invalid/me/tool.git"
    found = venv.look("tool", lines=(line, "unused @ https://me:s3cr3t@h.invalid/u.whl"))
    assert (found.lock.packages, found.unresolved) == ((), ("tool",))
    assert found.unused == ("unused @ https://h.invalid/u.whl",)
    assert "s3cr3t" not in repr(found)
    venv.put("tool", "3")
    assert requirement(venv, "tool") == "tool==3"


def test_users_of_public_addresses_are_no_credentials():
    kept = "git+ssh://git@h.invalid/r.git", "git+https://git@h.invalid/r.git", "a @ https://h.invalid/x@1.whl"
    assert [has_credentials(one) for one in kept] == [False] * 3
    assert without_credentials("a @ git+https://t0ken@h.invalid/r.git@v1") == "a @ git+https://h.invalid/r.git@v1"


def test_distribution_of_this_machines_folder_is_refused_with_what_to_do(venv, tmp_path):
    venv.put("ours", "1", direct_url={"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    found = venv.look("ours")
    assert (found.lock.packages, found.unresolved) == ((), ("ours",))
    assert "ours (import ours, cell 1) is installed from a folder" in found.findings[0].message


def test_condas_folder_is_no_origin_and_its_programs_are_named(venv):
    venv.put("tables", "3.9", INSTALLER="conda", direct_url={"url": "file:///croot/tables/work", "dir_info": {}})
    meta = venv.python.parent.parent / "conda-meta"
    meta.mkdir()
    (meta / "tables-3.9-py311_0.json").write_text(json.dumps({"name": "tables", "depends": ["hdf5 >=1.14", "numpy"]}))
    (meta / "broken.json").write_text("{")
    found = venv.look("tables")
    assert found.lock.requirements == "tables==3.9\n"
    assert [(one.severity, one.code) for one in found.findings] == [(Severity.INFO, "conda")] * 2
    assert "hdf5" in found.findings[1].message


def test_broken_metadata_cost_only_themselves(venv):
    venv.put("whole", "1")
    venv.put("nothing", "1", metadata="")
    venv.put("nameless", "1", metadata="Metadata-Version: 2.1\nVersion: 1\n")
    venv.put("timeless", "1", metadata="Metadata-Version: 2.1\nName: timeless\n")
    venv.put(
        "strange",
        "1",
        direct_url="not json",
        METADATA="Metadata-Version: 2.1\nName: strange\nVersion: 1\nRequires-Dist: %%\n",
    )
    assert [(one.name, one.version) for one in probe(venv.python).distributions] == [("strange", "1"), ("whole", "1")]
    found = venv.look("whole", "strange", "timeless", remove=("ipykernel",))
    assert (found.lock.requirements, found.unresolved) == ("strange==1\nwhole==1\n", ("timeless",))
    assert any("The metadata of timeless in the kernel are broken" in one.message for one in found.findings)


def test_of_two_versions_in_one_folder_the_newer_is_taken_and_told(venv):
    for version in ("1.10", "1.9", "1.2"):
        (venv.site / "twice.py").unlink(missing_ok=True)
        venv.put("twice", version)
    found = venv.look("twice")
    assert found.lock.requirements == "twice==1.10\n"
    assert "has twice twice (1.10, 1.2, 1.9)" in found.findings[0].message


def test_first_folder_of_the_path_decides_between_versions(venv, tmp_path, monkeypatch):
    venv.put("one", "1")
    venv.put("one", "2", folder=tmp_path / "first")
    venv.put("only", "3", folder=tmp_path / "first")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "first"), "relative"]))
    found = venv.look("one", "only")
    assert (found.lock.requirements, found.findings) == ("one==2\nonly==3\n", ())


def test_packages_of_the_system_are_known_as_such(venv, tmp_path, monkeypatch):
    venv.put("apt_thing", "1.2+ds", folder=tmp_path / "dist-packages")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "dist-packages"))
    assert [(one.name, one.installer) for one in probe(venv.python).distributions] == [("apt_thing", "debian")]


def test_what_is_kept_of_an_environment_ends_with_its_next_installation(venv, tmp_path):
    cache = tmp_path / "cache"
    venv.put("first", "1")
    before = probe(venv.python, cache=cache)
    (kept,) = cache.iterdir()
    # What is used is marked by its time; what is written anew is another file.
    written = kept.stat().st_ino
    assert probe(venv.python, cache=cache) == before
    assert kept.stat().st_ino == written
    venv.put("second", "1")
    assert [one.name for one in probe(venv.python, cache=cache).distributions] == ["first", "second"]
    kept.write_text('{"stamp": [], "interpreter": null')
    assert probe(venv.python, cache=cache) == probe(venv.python)
    cache_file = tmp_path / "file"
    cache_file.write_text("")
    assert probe(venv.python, cache=cache_file / "below") == probe(venv.python)


def test_looking_pins_the_kernels_and_names_the_rest_without_an_index(venv):
    venv.put("there", "1")
    found = venv.look("there", "requests", "cv2", "zz_guess", lines=("requests==2.31.0",))
    assert found.lock.requirements.splitlines() == [
        "# no version is known of requests, opencv-python: the package index does not answer",
        "opencv-python",
        "requests==2.31.0",
        "there==1",
    ]
    assert found.unresolved == ("zz_guess",)
    assert [one.code for one in found.findings] == ["environment", "unpinned"]


def test_install_line_that_the_kernel_does_not_fit_is_told(venv):
    venv.put("there", "1")
    found = venv.look("there", lines=("there>=2",))
    assert (found.lock.requirements, [one.code for one in found.findings]) == ("there==1\n", ["other-version"])


def test_what_was_found_missing_when_run_is_a_need(venv):
    venv.put("there", "1")
    (package,) = venv.look(repairs={"there": "no module there, cell 2"}).lock.packages
    assert (package.version, package.witness, package.why) == ("1", Witness.RUN, "no module there, cell 2")


def test_key_of_the_index_follows_its_settings(tmp_path, monkeypatch):
    keys = [index_key()]
    monkeypatch.setenv("UV_INDEX", "http://127.0.0.1:8/simple")
    keys.append(index_key())
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    (tmp_path / "uv.toml").write_text("no-index = true\n")
    keys.append(index_key())
    (tmp_path / "uv.toml").write_text("no-index = false\n")
    keys.append(index_key())
    assert len(set(keys)) == 4
