"""Two facts about a job that outlive its container or its caller: it must never start, it was asked to stop.

The engine is the only record, and labels of a container cannot be changed; so each is an empty volume,
named after the job. Making one twice makes one; nothing mounts it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from enum import StrEnum

import docker
from docker.errors import APIError, NotFound

from .container import LABEL_JOB, LABEL_POOL

LABEL_MARK = "io.lentiq.mark"


class Mark(StrEnum):
    """What a mark says of the job of that name."""

    FORBIDDEN = "forbidden"
    STOPPED = "stopped"


def put_mark(client: docker.DockerClient, mark: Mark, name: str, pool: str) -> None:
    """Say so."""
    client.volumes.create(_volume(mark, name), labels={LABEL_POOL: pool, LABEL_JOB: name, LABEL_MARK: mark.value})


def has_mark(client: docker.DockerClient, mark: Mark, name: str) -> bool:
    """Whether somebody said so."""
    try:
        client.volumes.get(_volume(mark, name))
    except NotFound:
        return False
    return True


def drop_marks(client: docker.DockerClient, name: str) -> None:
    """Forget what was said of a job."""
    for mark in Mark:
        drop_mark(client, mark, name)


def drop_mark(client: docker.DockerClient, mark: Mark, name: str) -> None:
    """Take it back."""
    with suppress(NotFound):
        client.api.remove_volume(_volume(mark, name))


def sweep_marks(client: docker.DockerClient, before: float, *, dry_run: bool = False) -> int:
    """Drop marks that were made before a time (seconds of the epoch); returns how many."""
    listed = client.api.volumes(filters={"label": LABEL_MARK})["Volumes"] or []
    count = 0
    for one in listed:
        if datetime.fromisoformat(one["CreatedAt"]).timestamp() < before:
            with suppress(APIError):
                if not dry_run:
                    client.api.remove_volume(one["Name"])
                count += 1
    return count


def _volume(mark: Mark, name: str) -> str:
    # No job's name ends like this: the part after its last dash is the attempt's number.
    return f"{name}.{mark.value}"
