"""The recipe: a pure value from which an image follows. Same recipe, same digest."""

from __future__ import annotations

from .block import BlockSpec
from .record import record


@record
class RecipeFile:
    """One file of the block, by content. `path` is relative, with forward slashes."""

    path: str
    sha256: str
    size: int


@record
class Recipe:
    """Everything an image is made of; host paths and times are no part of it.

    `base` is the base image's reference, `platform` the OCI platform (``linux/amd64``), `requirements`
    and `runner_requirements` the lock texts of the block's and the runner's environment,
    `system_packages` Debian package names, `notebook` the path of the notebook among `files`.
    `dockerfile_lines` are a user's instructions for the generated Dockerfile, run as root before the
    environment is installed; `dockerfile` is the text of a user's own Dockerfile, which makes what `base`
    names ("" where the base is an image). Only the Docker builder can do either.
    """

    spec: BlockSpec
    base: str
    platform: str
    python: str
    requirements: str
    runner_requirements: str
    files: tuple[RecipeFile, ...]
    notebook: str
    system_packages: tuple[str, ...] = ()
    dockerfile_lines: tuple[str, ...] = ()
    dockerfile: str = ""


@record
class Descriptor:
    """An OCI content descriptor: media type, digest (``sha256:…``), size in bytes."""

    media_type: str
    digest: str
    size: int


@record
class Image:
    """A built image, its blobs already in the registry, not yet registered under a version.

    `layers` in order, base first; `config` describes the configuration blob; `complete` is False where
    the base layers are missing; `bytes_sent` went over the wire for it. `config_text` is the configuration
    where the builder has it at hand, else "".
    """

    repository: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    base_layers: int
    complete: bool
    bytes_sent: int
    bytes_total: int
    config_text: str = ""


# Where things lie in every image, and how the image says so. `registry`, `images`, `executors` and `runner`
# know each other only through these.
ROOT = "/opt/lentiq"
RUNNER_PYTHON = ROOT + "/runner/bin/python"
RUNNER_CODE = (
    ROOT + "/runner/lentiq"
)  # holds `lentiq_jupyter` as far as it runs inside; on PYTHONPATH of runner and kernel
ENV_PYTHON = ROOT + "/env/bin/python"
BLOCK_FOLDER = ROOT + "/block"  # notebook, files, block.json (a BlockSpec), requirements.lock, runner.lock, Dockerfile
RESULTS_FOLDER = "/lentiq/results"  # owned by the image's user 1000:1000; LENTIQ_RESULTS points here
ENTRYPOINT = (RUNNER_PYTHON, "-m", "lentiq_jupyter.runner")

# Labels of the image configuration: a function of the recipe.
LABEL_SPEC = "io.lentiq.block"  # JSON of the BlockSpec
LABEL_BASE_LAYERS = "io.lentiq.base-layers"  # how many of the first layers are the base image's
# Annotations of the registered manifest: what differs between two registrations of one recipe.
ANNOTATION_VERSION = "io.lentiq.block.version"
ANNOTATION_VERIFICATION = "io.lentiq.block.verification"  # JSON of the Verification
ANNOTATION_COMPLETE = "io.lentiq.block.complete"  # "true" | "false"
ANNOTATION_CREATED = "org.opencontainers.image.created"
ANNOTATION_PROVENANCE = "io.lentiq.block.provenance"  # JSON of the Provenance
ANNOTATION_AUTHOR = "org.opencontainers.image.authors"
