"""What every block's image configuration says, whoever builds it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..model import (
    BLOCK_FOLDER,
    ENTRYPOINT,
    ENV_RESULTS,
    LABEL_BASE_LAYERS,
    LABEL_SPEC,
    RESULTS_FOLDER,
    RUNNER_CODE,
    BlockSpec,
    Recipe,
    encode,
)

USER = 1000
EPOCH = "1970-01-01T00:00:00Z"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
DEFAULT_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
_DESCRIPTION_LIMIT = 1000  # characters
_INHERITED = ("ExposedPorts", "StopSignal", "Volumes")
LABEL_TITLE = "org.opencontainers.image.title"
LABEL_DESCRIPTION = "org.opencontainers.image.description"
ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108  the only folder a task may write besides its results
    ENV_RESULTS: RESULTS_FOLDER,
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": RUNNER_CODE,
}


def labels(spec: BlockSpec) -> dict[str, str]:
    """Labels that follow from the description alone, none with a line break."""
    text = json.dumps(encode(spec), sort_keys=True, separators=(",", ":"))
    return {
        # The same JSON without runs of backslashes, blanks and hashes, where a Dockerfile could not continue a line.
        LABEL_SPEC: text.replace("\\\\", "\\u005c").replace("  ", " \\u0020").replace("##", "#\\u0023"),
        LABEL_TITLE: spec.name,
        LABEL_DESCRIPTION: one_line(spec.description),
    }


def one_line(text: str) -> str:
    """`text` in one line of printable characters, white space folded, cut where it is longer than labels should be."""
    line = "".join(one for one in " ".join(text.split()) if one.isprintable())
    return line if len(line) <= _DESCRIPTION_LIMIT else line[:_DESCRIPTION_LIMIT] + "…"


def config(
    recipe: Recipe,
    inherited: Mapping[str, Any],
    base_history: Sequence[object],
    base_diff_ids: Sequence[str],
    own: Sequence[tuple[str, str]],
) -> bytes:
    """The image configuration: the same bytes for the same values (OCI Image specification, config.md).

    Parameters
    ----------
    inherited : mapping
        The ``config`` of the base image's configuration; empty where the base is missing.
    own : sequence of (diff id, one sentence)
        The block's own layers in order.
    """  # fmt: skip
    system, machine, variant = (*recipe.platform.split("/"), "")[:3]
    environment = dict(line.partition("=")[::2] for line in inherited.get("Env") or ())
    environment.setdefault("PATH", DEFAULT_PATH)
    environment |= ENVIRONMENT
    kept = {name: inherited[name] for name in _INHERITED if inherited.get(name)}
    history = [one for one in base_history if isinstance(one, dict)]
    if sum(not one.get("empty_layer") for one in history) != len(base_diff_ids):
        history = [{"created": EPOCH, "created_by": f"layer of {recipe.base}"} for _ in base_diff_ids]
    document: dict[str, Any] = {
        "created": EPOCH,
        "architecture": machine,
        "os": system,
        "config": {
            **kept,
            "User": f"{USER}:{USER}",
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "Entrypoint": list(ENTRYPOINT),
            "WorkingDir": BLOCK_FOLDER,
            "Labels": {
                **(inherited.get("Labels") or {}),
                **labels(recipe.spec),
                LABEL_BASE_LAYERS: str(len(base_diff_ids)),
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [*base_diff_ids, *(diff_id for diff_id, _ in own)]},
        "history": [*history, *({"created": EPOCH, "created_by": words} for _, words in own)],
    }
    if variant:
        document["variant"] = variant
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
