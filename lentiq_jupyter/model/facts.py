"""What analysis and environment find out about a notebook. Everything carries its evidence."""

from __future__ import annotations

from typing import Optional

from .record import StrEnum, record
from .values import Input, Output


@record
class Place:
    """Where something was seen: a file (relative to the notebook's folder), a cell, a line.

    `cell` counts code cells from 0 in the notebook's own order of all cells; None outside notebooks.
    `line` counts from 1 inside the cell or file.
    """

    file: str
    line: int
    cell: Optional[int] = None


@record
class ImportFact:
    """One imported module (``sklearn.linear_model``) and the first place that imports it.

    `optional` is True where the import stands inside a ``try`` that handles its absence. `elsewhere`
    says where the module may come from instead of a package: a folder that is not at hand (``../code``
    on ``sys.path``, a cloned repository); "" where nothing of that kind is seen.
    """

    module: str
    place: Place
    optional: bool = False
    elsewhere: str = ""


@record
class InstallFact:
    """One requirement of a ``%pip install`` or ``!pip install`` line, as written (``pandas>=2``)."""

    requirement: str
    place: Place


@record
class HiddenNeed:
    """A distribution no import shows, with the call that needs it (``read_parquet``)."""

    distribution: str
    because: str
    place: Place


@record
class EnvFact:
    """An environment variable the code reads. `has_default`: the code copes without it."""

    name: str
    has_default: bool
    place: Place


class Witness(StrEnum):
    """Who says that a distribution or a system package is needed, strongest first."""

    KERNEL = "kernel"
    LOADED = "loaded in the kernel"
    LINE = "install line"
    RULE = "rule"
    TABLE = "table"
    LIBRARY = "shared library"
    RESOLVER = "resolver"
    PIPREQS = "pipreqs"
    RUN = "found missing when run"
    USER = "user"
    DEPENDENCY = "dependency"


@record
class SystemNeed:
    """A Debian package that the base image lacks, with who says so and a short sentence why."""

    package: str
    witness: Witness
    why: str


@record
class FileFact:
    """A file that goes into the block: a local module or a data file named by a literal path.

    `path` is relative to the notebook's folder, with forward slashes, never outside it.
    `size` in bytes. `kind` is "module" or "data". `large`: over the size limit, so that the user must
    say whether it goes in.
    """

    path: str
    size: int
    kind: str
    place: Place
    large: bool = False


@record
class DataNeed:
    """Data or a model that the code fetches when it runs, so that no block holds it.

    `kind` is "url", "nltk", "spacy", "model" or "dataset"; `name` what is fetched (of a URL only scheme
    and host); `because` the call.
    """

    kind: str
    name: str
    because: str
    place: Place


@record
class SecretFact:
    """A secret that must stay out of the image; not a character of it is kept.

    `kind` says what it looks like ("a GitHub token"). `source` is "cell", "output", "file", "url" or
    "environment" (a variable read, no value seen). `name` is the secret input that a block can have
    instead, "" where none can be proposed.
    """

    kind: str
    source: str
    place: Place
    name: str = ""


@record
class LastRun:
    """What the notebook's own records say of its last execution.

    `cells` code cells were run of those that have code; `seconds` their wall time, None where no times
    were recorded; `failed` the cell that ended with an error, None if none did.
    """

    cells: int
    seconds: Optional[float] = None
    failed: Optional[int] = None


class Severity(StrEnum):
    """ERROR stops a publish; WARNING is shown; INFO explains."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@record
class Finding:
    """Something the user should know. `code` is a stable word (``unparsed-cell``, ``secret``, ``missing-file``)."""

    severity: Severity
    code: str
    message: str
    place: Optional[Place] = None


@record
class Facts:
    """Everything the static reading of one notebook shows. No code was executed.

    `notebook` is the file name; `kernel` the kernelspec name or "" where the notebook names none;
    `sha256` is the digest of the notebook's bytes as they were read.
    """

    notebook: str
    sha256: str
    kernel: str
    language: str = "python"
    cells: int = 0
    imports: tuple[ImportFact, ...] = ()
    installs: tuple[InstallFact, ...] = ()
    hidden: tuple[HiddenNeed, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    environment: tuple[EnvFact, ...] = ()
    files: tuple[FileFact, ...] = ()
    data: tuple[DataNeed, ...] = ()
    system: tuple[SystemNeed, ...] = ()
    secrets: tuple[SecretFact, ...] = ()
    last_run: Optional[LastRun] = None
    findings: tuple[Finding, ...] = ()


@record
class Package:
    """One pinned distribution of a lock.

    `hashes` are ``sha256:…`` of its files, empty where the index could not be asked; an inspection does
    not ask for them, a publish does. `version` is "" only in an inspection, for what the kernel lacks and
    no index could pin. `url` is set for VCS and URL installs (PEP 610), None for an index. `why` is a
    short sentence (``import sklearn, cell 3``, ``needed by pandas``).
    """

    name: str
    version: str
    witness: Witness
    why: str = ""
    hashes: tuple[str, ...] = ()
    url: Optional[str] = None


@record
class Lock:
    """Pinned distributions for one Python: what the block's environment holds, exactly.

    `python` is ``X.Y``; `requirements` is the text that uv and pip read, one pin a line, sorted. An
    inspection without a kernel pins what the notebook needs by itself; a publish, what that needs too.
    """

    python: str
    packages: tuple[Package, ...]
    requirements: str


@record
class Inspection:
    """Facts and lock of one notebook: what packaging would do.

    `python_executable` is the kernel's interpreter, None when no kernel was asked. `lock` is None
    when only facts were wanted. `unresolved` are imports that nothing explains. `unused` are requirements
    of install lines that nothing uses, left out of the lock. `system` are all system packages, from
    rules and from the shared objects of the lock. `live`: the running kernel was asked which modules it holds.
    `proof` is how publishing would prove the block ("run" or "import"), `proof_reason` the evidence.
    """

    facts: Facts
    lock: Optional[Lock] = None
    python_executable: Optional[str] = None
    unresolved: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    system: tuple[SystemNeed, ...] = ()
    live: bool = False
    proof: str = "run"
    proof_reason: str = ""


@record
class LiveKernel:
    """What a running kernel says of itself: its interpreter and the modules it holds (dotted names).

    `busy`: it was running a cell when it was asked.
    """

    python: str
    modules: tuple[str, ...]
    busy: bool = False
