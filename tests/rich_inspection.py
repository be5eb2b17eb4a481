"""An inspection with something in every field, and one that is far too large, for tests of the faces."""

from __future__ import annotations

import dataclasses

from lentiq_jupyter.model import (
    DataNeed,
    EnvFact,
    Facts,
    FileFact,
    Finding,
    HiddenNeed,
    ImportFact,
    Input,
    InputType,
    Inspection,
    InstallFact,
    LastRun,
    Lock,
    Output,
    Package,
    Place,
    SecretFact,
    Severity,
    SystemNeed,
    Witness,
)

NOTEBOOK = "clean.ipynb"


def at(cell: int, line: int = 1) -> Place:
    return Place(file=NOTEBOOK, cell=cell, line=line)


def _package(name: str, version: str, witness: Witness, why: str, url: str | None = None) -> Package:
    return Package(name=name, version=version, witness=witness, why=why, url=url)


PACKAGES = (
    _package("contourpy", "1.3.0", Witness.DEPENDENCY, "needed by matplotlib"),
    _package("ipykernel", "6.29.5", Witness.RULE, "runs the notebook"),
    _package("matplotlib", "3.9.2", Witness.KERNEL, "import matplotlib.pyplot, cell 2"),
    _package("numpy", "1.26.4", Witness.DEPENDENCY, "needed by pandas, scikit-learn"),
    _package("opencv-python", "4.10.0.84", Witness.TABLE, "import cv2, cell 2"),
    _package("openpyxl", "3.1.5", Witness.LOADED, "read_excel, cell 4"),
    _package("pandas", "2.2.3", Witness.KERNEL, "import pandas, cell 2"),
    _package("pricing", "0.4.0", Witness.KERNEL, "import pricing, cell 2", "git+https://example.org/pricing@4be1f0c"),
    _package("psycopg2-binary", "2.9.9", Witness.LINE, "%pip install psycopg2-binary, cell 1"),
    _package("python-dateutil", "2.9.0", Witness.DEPENDENCY, "needed by pandas"),
    _package("scikit-learn", "1.5.2", Witness.KERNEL, "import sklearn.ensemble, cell 2"),
)

FACTS = Facts(
    notebook=NOTEBOOK,
    sha256="c" * 64,
    kernel="python3",
    cells=9,
    imports=(
        ImportFact(module="pandas", place=at(1)),
        ImportFact(module="sklearn.ensemble", place=at(1, 3)),
        ImportFact(module="warehouse.sales", place=at(1, 6)),
        ImportFact(module="rich", place=at(1, 8), optional=True),
    ),
    installs=(
        InstallFact(requirement="psycopg2-binary", place=at(0)),
        InstallFact(requirement="torch>=2", place=at(0)),
    ),
    hidden=(HiddenNeed(distribution="openpyxl", because="read_excel", place=at(3)),),
    inputs=(
        Input(name="country", type=InputType.STR, default="RO", description="<b>ISO</b> code"),
        Input(name="limit", type=InputType.INT, required=True),
        Input(name="DB_TOKEN", type=InputType.STR, required=True, secret=True),
    ),
    outputs=(Output(name="total"),),
    environment=(EnvFact(name="REGION", has_default=False, place=at(4)),),
    files=(
        FileFact(path="cleaning/rules.py", size=4_212, kind="module", place=at(1, 7)),
        FileFact(path="data/history.parquet", size=734_003_200, kind="data", place=at(3, 2), large=True),
        FileFact(path="data/prices.xlsx", size=88_120, kind="data", place=at(3)),
    ),
    data=(
        DataNeed(kind="url", name="https://data.example.org", because="read_csv", place=at(4)),
        DataNeed(kind="nltk", name="punkt", because="nltk.download", place=at(4, 3)),
    ),
    secrets=(
        SecretFact(kind="a GitHub token", source="cell", place=at(5, 2), name="github_token"),
        SecretFact(kind="a password in a URL", source="output", place=at(6)),
        SecretFact(kind="a variable that holds a secret", source="environment", place=at(4), name="DB_TOKEN"),
    ),
    last_run=LastRun(cells=8, seconds=41.5),
    findings=(
        Finding(
            severity=Severity.ERROR,
            code="secret",
            message="Cell 6 holds a GitHub token. Take it out and read it from an environment variable.",
            place=at(5, 2),
        ),
        Finding(
            severity=Severity.WARNING,
            code="missing-file",
            message="targets.csv is read here, but there is no such file.",
            place=at(7),
        ),
        Finding(
            severity=Severity.WARNING,
            code="out-of-order",
            message="Cell 8 was run before cell 5: run them in order once, to see that they work.",
            place=at(7),
        ),
        Finding(
            severity=Severity.WARNING,
            code="undefined-name",
            message="<img src=x> margin is used here, but nothing defines it.",
            place=at(8, 2),
        ),
        Finding(severity=Severity.INFO, code="many-files", message="The folder holds many files that are not used."),
    ),
)

RICH = Inspection(
    facts=FACTS,
    lock=Lock(python="3.11", packages=PACKAGES, requirements="".join(f"{p.name}=={p.version}\n" for p in PACKAGES)),
    python_executable="/opt/python/bin/python",
    unresolved=("warehouse",),
    unused=("torch>=2",),
    system=(
        SystemNeed(package="libgl1", witness=Witness.LIBRARY, why="opencv-python links libGL.so.1"),
        SystemNeed(package="graphviz", witness=Witness.RULE, why="graphviz draws with dot"),
    ),
    live=True,
    proof="import",
    proof_reason="it fetches data when it runs, and the proof has no network",
)


def changed(found: Inspection, add: tuple[str, ...], remove: tuple[str, ...]) -> Inspection:
    """What a service answers when a user adds ``name==version`` lines and leaves names out."""
    assert found.lock is not None
    packages = {one.name: one for one in found.lock.packages if one.name not in remove}
    for line in add:
        name, _, version = line.partition("==")
        bare = name.split(">")[0]
        packages[bare] = _package(bare, version or "1.0", Witness.USER, "added by the user")
    lock = dataclasses.replace(found.lock, packages=tuple(packages[name] for name in sorted(packages)))
    left = tuple(name for name in found.unresolved if name not in remove)
    unused = tuple(line for line in found.unused if line not in add)
    return dataclasses.replace(found, lock=lock, unresolved=left, unused=unused)


def huge(packages: int = 300, files: int = 200) -> Inspection:
    """So many packages and files that a slow page shows it; every fifth package is a direct need."""
    made = tuple(
        _package(
            f"package-{number:03}",
            f"{number % 7}.{number % 11}.{number % 5}",
            Witness.DEPENDENCY if number % 5 else Witness.KERNEL,
            f"needed by package-{number // 5 * 5:03}" if number % 5 else f"import package_{number:03}, cell 1",
        )
        for number in range(packages)
    )
    found = tuple(
        FileFact(path=f"data/part-{number:03}.csv", size=1000 * number, kind="data", place=at(2))
        for number in range(files)
    )
    lock = Lock(python="3.11", packages=made, requirements="")
    facts = dataclasses.replace(FACTS, files=found, findings=(), secrets=())
    return dataclasses.replace(RICH, facts=facts, lock=lock, unresolved=())
