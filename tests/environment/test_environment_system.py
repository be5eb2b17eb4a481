"""Debian packages: what shared objects name, and what tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lentiq_jupyter.environment import Providers, package_of_library, system_needs
from lentiq_jupyter.environment.shared_objects import SharedObject, read_shared_object
from lentiq_jupyter.environment.system import tables, unmet
from lentiq_jupyter.model import Facts, ImportFact, Lock, Package, Place, SystemNeed, Witness

SITE = "/v/lib/python3.11/site-packages"


def needs(*names: str, imports: tuple[str, ...] = (), system: tuple[SystemNeed, ...] = ()) -> tuple[SystemNeed, ...]:
    place = Place(file="it.ipynb", line=1, cell=0)
    facts = Facts(
        notebook="it.ipynb",
        sha256="",
        kernel="",
        imports=tuple(ImportFact(module=one, place=place) for one in imports),
        system=system,
    )
    packages = tuple(Package(name=name, version="1", witness=Witness.KERNEL) for name in names)
    return system_needs(facts, Lock(python="3.11", packages=packages, requirements=""), None).needs


def test_table_speaks_where_no_kernel_has_the_files() -> None:
    given = SystemNeed(package="git", witness=Witness.RULE, why="git, cell 1")
    assert needs("opencv-python", "graphviz", "numpy", imports=("tkinter",), system=(given,)) == (
        given,
        SystemNeed(package="graphviz", witness=Witness.TABLE, why="graphviz uses it"),
        SystemNeed(package="libgl1", witness=Witness.TABLE, why="opencv-python is linked with it"),
        SystemNeed(package="libglib2.0-0", witness=Witness.TABLE, why="opencv-python is linked with it"),
        SystemNeed(package="libtk8.6", witness=Witness.TABLE, why="import tkinter"),
    )


def test_libraries_that_wheels_and_base_bring_are_not_asked_for() -> None:
    objects = {
        f"{SITE}/cv/cv.abi3.so": SharedObject(needed=("libQt5Core-1a2b.so.5", "libc.so.6", "libGL.so.1")),
        f"{SITE}/cv.libs/libQt5Core-1a2b.so.5": SharedObject(needed=("libz.so.1", "libglib-2.0.so.0")),
        f"{SITE}/cv.libs/libidle.so.1": SharedObject(needed=("libnever.so.1",)),
        f"{SITE}/cv/qt/plugins/platforms/libqxcb.so": SharedObject(needed=("libxcb.so.1",)),
        f"{SITE}/gpu/_gpu.so": SharedObject(needed=("libcuda.so.1", "libpython3.11.so.1.0")),
        f"{SITE}/renamed/_r.so": SharedObject(needed=("libown.so.2",)),
        f"{SITE}/renamed/libown.so": SharedObject(needed=(), soname="libown.so.2"),
    }
    assert unmet(objects) == (
        [(f"{SITE}/cv/cv.abi3.so", "libGL.so.1"), (f"{SITE}/cv.libs/libQt5Core-1a2b.so.5", "libglib-2.0.so.0")],
        [(f"{SITE}/gpu/_gpu.so", "libcuda.so.1")],
    )


@pytest.mark.skipif(sys.platform != "linux", reason="ELF is Linux's")
def test_shared_objects_are_read_as_readelf_reads_them(tmp_path: Path) -> None:
    import _ctypes

    path = Path(_ctypes.__file__)
    said = subprocess.run(["readelf", "-d", str(path)], capture_output=True, text=True, check=True).stdout
    expected = tuple(line.rpartition("[")[2].rstrip("]") for line in said.splitlines() if "(NEEDED)" in line)
    found = read_shared_object(path)
    assert found is not None
    assert found.needed == expected
    body = path.read_bytes()
    for length in range(0, 4096, 61):  # a file that is cut off anywhere is no shared object, and no error
        (tmp_path / "cut.so").write_bytes(body[:length])
        read_shared_object(tmp_path / "cut.so")
    assert read_shared_object(tmp_path / "none.so") is None


def test_no_package_of_this_environment_needs_more_than_the_base_has() -> None:
    import importlib.metadata

    names = sorted({one.metadata["Name"].lower() for one in importlib.metadata.distributions()})
    packages = tuple(Package(name=name, version="1", witness=Witness.KERNEL) for name in names)
    lock = Lock(python="3.11", packages=packages, requirements="")
    found = system_needs(Facts(notebook="it.ipynb", sha256="", kernel=""), lock, Path(sys.executable))
    assert [one for one in found.needs if one.witness is Witness.LIBRARY] == []
    assert found.findings == ()


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libpango-1.0-0", "libpango-1.0-0"),
        ("sndfile", "libsndfile1"),
        ("libgomp.so", "libgomp1"),
        ("libnothing.so.1", None),
    ],
)
def test_library_is_found_however_it_is_called(name: str, package: str | None) -> None:
    assert package_of_library(name) == package


def test_only_kernel_and_tables_say_who_provides() -> None:
    kernel = Providers(Path(sys.executable))
    assert str(kernel.of_module("ruamel.yaml")) == ("Provider(distribution='ruamel-yaml', said_by='the kernel has it')")
    assert kernel.of_module("cowpy") is None
    assert kernel.of_name("cowpy") is None
    found = kernel.of_plugin(["mako"], ["python.templating.engines"])
    assert found is not None
    assert found.distribution == "mako"
    assert kernel.of_plugin(["mako"], ["python.templating.engines"], locked=["mako"]) is None
    nobody = Providers(None)
    assert nobody.of_plugin(["mako"]) is None
    found = nobody.of_module("sklearn.svm")
    assert found is not None
    assert found.distribution == "scikit-learn"


def test_names_of_the_tables_are_debian_names() -> None:
    known = tables()
    names = {one for part in (known.runs, known.links, known.imports) for listed in part.values() for one in listed}
    names |= set(known.sonames.values()) | set(known.spoken.values())
    import re

    assert [one for one in sorted(names) if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", one)] == []
