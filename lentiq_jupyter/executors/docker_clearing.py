"""What the Docker engine keeps of blocks and may lose: images that no container uses, what killed callers left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from ..errors import Unavailable
from ..model import LABEL_SPEC
from ..scratch import Swept
from .container import LABEL_JOB, LABEL_POOL
from .docker_marks import sweep_marks

_TIMEOUT_S = 300  # engines take their time to add up sizes
_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_MARKS_S = 30 * _DAY_S  # a start that was frozen for longer, with its whole machine, is not feared
_BUILDING = "lentiq-build:"


def sweep_docker(pool: str, limit_s: float, *, label: str = LABEL_SPEC, dry_run: bool = False) -> Swept:
    """Remove images of blocks that no container uses; containers of `pool` that are an hour over `limit_s` first.

    Parameters
    ----------
    pool : str
        The pool of proofs: of use only to a publish, which may have been killed.
    limit_s : float
        Seconds that a proof may take.
    label : str
        What images of blocks carry.

    Raises
    ------
    Unavailable
        If no engine answers.
    """
    with _engine() as client:
        left_over = _proofs(client, pool, time.time() - limit_s - _HOUR_S)
        if not dry_run:
            for container in left_over:
                client.api.remove_container(container["Id"], v=True, force=True)
        images = [one for one in client.df()["Images"] if label in (one.get("Labels") or {})]
        marks = sweep_marks(client, time.time() - _MARKS_S, dry_run=dry_run)
        freed, count, left = 0, len(left_over) + marks, []
        for one in images:
            if one["Containers"] > 0 or _is_being_built(client, one):
                continue
            try:
                if not dry_run:
                    for name in _names(one):
                        client.api.remove_image(name)
            except APIError as error:  # a container was made of it meanwhile
                left.append(f"Docker keeps {_names(one)[0]}: {error.explanation}.")
                continue
            count += 1
            freed += _own_bytes(one)
        return Swept(count, sum(map(_own_bytes, images)), freed, tuple(left))


def sweep_unstarted(client: docker.DockerClient, pool: str, older_s: float = _HOUR_S) -> int:
    """Remove containers of a pool that were made so long ago and never started; returns how many.

    Whoever made them died in between, or is frozen: then it finds them gone, and starts nothing.
    """
    before = time.time() - older_s
    made = client.api.containers(all=True, filters={"label": [f"{LABEL_POOL}={pool}", LABEL_JOB], "status": "created"})
    count = 0
    for one in made:
        if one["Created"] < before:
            with suppress(APIError):  # without force: what was started meanwhile stays
                client.api.remove_container(one["Id"], v=True)
                count += 1
    return count


def _proofs(client: docker.DockerClient, pool: str, before: float) -> list[dict[str, Any]]:
    listed = client.api.containers(all=True, filters={"label": f"{LABEL_POOL}={pool}"})
    return [one for one in listed if one["Created"] < before]


def _is_being_built(client: docker.DockerClient, image: dict[str, Any]) -> bool:
    """Whether a build named it within the day, and so may not have read it yet."""
    if not any(name.startswith(_BUILDING) for name in image.get("RepoTags") or ()):
        return False
    said = client.images.get(image["Id"]).attrs.get("Metadata", {}).get("LastTagTime", "")
    try:
        # Engines write nanoseconds, and local time.
        named = datetime.fromisoformat(said[:19] + (said[-6:] if said[-6:-5] in "+-" else "+00:00"))
    except ValueError:
        return True
    return time.time() - named.timestamp() < _DAY_S


def _names(image: dict[str, Any]) -> list[str]:
    tags = [name for name in image.get("RepoTags") or () if name != "<none>:<none>"]
    digests = [name for name in image.get("RepoDigests") or () if not name.startswith("<none>@")]
    return tags + digests or [image["Id"]]


def _own_bytes(image: dict[str, Any]) -> int:
    """What is in no other image."""
    return int(image["Size"]) - max(int(image.get("SharedSize", 0)), 0)


@contextmanager
def _engine() -> Iterator[docker.DockerClient]:
    client = None
    try:
        client = docker.from_env(timeout=_TIMEOUT_S)
        yield client
    except (DockerException, requests.RequestException) as error:
        raise Unavailable("No Docker engine answers.", "Start it, or leave out --docker.") from error
    finally:
        if client is not None:
            client.close()
