"""A block: a versioned container image with described inputs, outputs and default resources."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Optional

from ..errors import BadInput
from .facts import LiveKernel
from .names import check_name, check_version
from .record import StrEnum, record
from .resources import DEFAULT_RESOURCES, Resources
from .values import Input, Json, Output, check_value, secret_reference


class BlockKind(StrEnum):
    """Made from a notebook, or put around an existing image."""

    NOTEBOOK = "notebook"
    IMAGE = "image"


class Verdict(StrEnum):
    """How a block was proven before it was called runnable."""

    RUN = "proven by run"
    IMPORT = "proven by import"
    NONE = "not proven"


@record
class Verification:
    """The verdict, one sentence of evidence, and the end of the log ("" when none).

    `repairs` are sentences about what was found missing and added before it ran.
    """

    verdict: Verdict = Verdict.NONE
    evidence: str = ""
    log: str = ""
    repairs: tuple[str, ...] = ()


@record
class PinnedPackage:
    """Name and version of one distribution in a block, and who said it is needed (a `Witness`)."""

    name: str
    version: str
    witness: str


@record
class BlockSpec:
    """What is the same for every build of one recipe: the description that goes into the image.

    `base` is the base image's reference, for an image block that of the image itself, by digest;
    `python` is ``X.Y`` ("" for image blocks).
    For image blocks only: `command` takes the place of the image's own command (not its entry point; empty
    leaves it), `environment` are variables to set. Both may hold `input_reference`, anywhere in a value.
    """

    name: str
    kind: BlockKind = BlockKind.NOTEBOOK
    description: str = ""
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    resources: Resources = DEFAULT_RESOURCES
    python: str = ""
    base: str = ""
    notebook: str = ""
    notebook_sha256: str = ""
    packages: tuple[PinnedPackage, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name, "block name")

    def fill(self, given: dict[str, Json]) -> dict[str, Json]:
        """All input values of one task: `given` where given, else the defaults.

        A secret input that is not given stands for the secret of its own name.

        Raises
        ------
        BadInput
            If a name is unknown, a value has the wrong type, or a required one is missing.
        """
        known = {one.name: one for one in self.inputs}
        for name in given:
            if name not in known:
                names = ", ".join(known) or "none"
                raise BadInput(f"Block {self.name} has no input {name}.", f"Its inputs: {names}.")
        values: dict[str, Json] = {}
        for one in self.inputs:
            if one.name in given:
                values[one.name] = check_value(one, given[one.name])
            elif one.secret:
                values[one.name] = secret_reference(one.name)
            elif one.required:
                raise BadInput(f"Block {self.name} needs a value for input {one.name} ({one.type}).", "Give it one.")
            else:
                values[one.name] = one.default
        return values


@record
class Provenance:
    """Where a block comes from; "" where that is not known.

    `commit` is the git commit of the notebook's folder, `modified` whether the notebook differs from it;
    `source` the repository's address without user name and password; `tool` is ``lentiq-jupyter X.Y.Z``.
    """

    commit: str = ""
    modified: bool = False
    source: str = ""
    tool: str = ""


@record
class Block:
    """One version of a block in the registry.

    `image` is ``repository@sha256:…`` inside the registry; `digest` the registered manifest's digest;
    `image_id` the digest of the image configuration, equal wherever the recipe is equal. `complete`
    is False when the base layers are missing, so that only the ``process`` executor can run it.
    `size` is the sum of its layers in bytes, compressed, without the base's. `deprecated` is the reason why
    it should not be used any more, None where it may.
    """

    spec: BlockSpec
    version: str
    image: str
    digest: str
    image_id: str
    created: datetime
    author: str = ""
    complete: bool = True
    size: int = 0
    verification: Verification = Verification()
    provenance: Provenance = Provenance()
    deprecated: Optional[str] = None

    def __post_init__(self) -> None:
        check_version(self.version)
        if self.created.tzinfo is None:
            raise BadInput("The creation time of a block needs a time zone.")

    @property
    def reference(self) -> str:
        """``name@version``."""
        return f"{self.spec.name}@{self.version}"


@record
class BlockQuery:
    """Which blocks to list; empty fields match all.

    `words`: each must occur in name, description, author, an input's or output's name, or a package's name,
    whatever the case. `owner` is an author, `input` the name of an input; both match whole, whatever the case.
    `deprecated` False leaves out blocks whose newest version is deprecated.
    """

    words: str = ""
    owner: str = ""
    input: str = ""
    deprecated: bool = True


@record
class BlockUse:
    """A task of a saved workflow that uses a version of a block."""

    project: str
    workflow: str
    task: str
    version: str


@record
class Change:
    """One thing that differs between two versions: `old` or `new` is None where it is missing there."""

    name: str
    old: Optional[str] = None
    new: Optional[str] = None


@record
class BlockDiff:
    """What differs between two versions of a block, or between two blocks.

    `cells` is the notebooks' difference as nbdime prints it, without colours, "" if there is none or no notebook.
    `inputs`, `outputs`, `packages`, `files` and `settings` (base image, Python, command, resources …) list changes
    by name. Sizes in bytes, compressed, without the base; `shared_bytes` are in layers that both have.
    """

    old: Block
    new: Block
    cells: str = ""
    inputs: tuple[Change, ...] = ()
    outputs: tuple[Change, ...] = ()
    packages: tuple[Change, ...] = ()
    files: tuple[Change, ...] = ()
    settings: tuple[Change, ...] = ()
    shared_layers: int = 0
    shared_bytes: int = 0


@record
class Drift:
    """How a notebook file stands to the block that was made of it.

    `block` is that block's newest version, None where there is none. `same`: what runs is that version's: kinds,
    sources and tags of the cells. `changed_cells` counts cells that were added, removed or changed; `cells` is the
    difference as in `BlockDiff`. `packages` are those that publishing now would pin otherwise, None if that was
    not asked.
    """

    block: Optional[Block] = None
    same: bool = False
    changed_cells: int = 0
    cells: str = ""
    packages: Optional[tuple[Change, ...]] = None


@record
class ImageRequest:
    """What a face asks for when it makes a block of an existing image.

    `image` is a reference in any registry. `command` and `environment` as in `BlockSpec`; an input that
    neither of them mentions is set as the environment variable of its own name in capitals.
    """

    image: str
    name: str
    version: Optional[str] = None
    description: str = ""
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    resources: Optional[Resources] = None


@record
class PublishRequest:
    """What a face asks for when it publishes a notebook. None and empty mean: what analysis finds.

    `path` is the notebook's path; `kernel` a kernelspec name; `no_kernel` asks no kernel at all;
    `add` are requirement lines to add (``pandas==2.1`` pins), `remove` distribution or import names to leave out.
    `include_files` are files over the size limit that shall go in, `exclude_files` files that shall not:
    a large file in neither stops the publish. `add_system` and `remove_system` are Debian packages.
    `secrets` are names bound to a secret literal in a cell; the packed copy reads them from secret inputs.
    `builder` is "layers", "docker" or None for the setting; `platform` an OCI platform (``linux/arm64``), None for
    this machine's. `dockerfile_lines` are instructions added to the generated Dockerfile, `dockerfile` the path
    of a user's own Dockerfile that makes the base (its last stage); both need Docker. `verify` False leaves the
    block unproven; `proof` is "run", "import" or None for what the evidence suggests. `live` is what the running
    kernel says.
    """

    path: str
    name: Optional[str] = None
    version: Optional[str] = None
    description: str = ""
    kernel: Optional[str] = None
    no_kernel: bool = False
    base: Optional[str] = None
    builder: Optional[str] = None
    inputs: Optional[tuple[Input, ...]] = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    include_files: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    add_system: tuple[str, ...] = ()
    remove_system: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    resources: Optional[Resources] = None
    verify: bool = True
    proof: Optional[str] = None
    live: Optional[LiveKernel] = None
    platform: Optional[str] = None
    dockerfile_lines: tuple[str, ...] = ()
    dockerfile: Optional[str] = None


@record
class PublishResult:
    """The registered block and what it cost: bytes sent to the registry, seconds by step."""

    block: Block
    bytes_sent: int
    bytes_total: int
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
