"""Housekeeping: what this home and its registry keep and may lose, kind by kind.

Each room knows what it keeps and when it is in use; here is only the order, and what one kind's damage
leaves to the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput, LentiqError
from ..model import record
from ..scratch import Swept, sweep
from .publishing import WORK as PUBLISH_WORK
from .verifying import POOL as PROOF_POOL
from .verifying import WORK as PROOF_WORK

if TYPE_CHECKING:
    from ..registry import Catalogue

KEEP_DAYS = 14.0
_DAY_S = 24 * 3600.0


@record
class Pruned:
    """One kind of things: how many go, bytes on disk before and freed; `left` says what was left alone and why."""

    kind: str
    count: int
    bytes_before: int
    bytes_freed: int
    left: tuple[str, ...] = ()

    @property
    def bytes_after(self) -> int:
        """What stays."""
        return self.bytes_before - self.bytes_freed


@record
class Pruning:
    """What was removed, or would be (`dry_run`). `problems` are kinds that could not be looked at."""

    dry_run: bool
    kinds: tuple[Pruned, ...]
    problems: tuple[str, ...] = ()

    @property
    def bytes_freed(self) -> int:
        """Of all kinds."""
        return sum(one.bytes_freed for one in self.kinds)


def prune(
    home: Path,
    catalogue: Catalogue,
    *,
    dry_run: bool = False,
    keep_days: float = KEEP_DAYS,
    docker: bool = False,
    proof_limit_s: float = 600.0,
    runs: Callable[[], Swept] | None = None,
) -> Pruning:
    """Remove what nothing uses. May be killed at any instant, and run beside anything, itself included.

    Parameters
    ----------
    home : Path
        The folder of all state. Secrets and the database are not touched.
    keep_days : float
        What was used within so many days stays; 0 keeps only what is in use at this moment.
    docker : bool
        Also images of blocks in the Docker engine that no container uses, and proofs that were left there.
    runs : callable, or None
        Forgets the runs that retention gives, with their results (or measures them); None leaves all.

    Raises
    ------
    BadInput
        If `keep_days` is negative.
    """
    if not 0 <= keep_days < float("inf"):
        raise BadInput(f"{keep_days:g} days cannot be kept.", "Give a number of days, 0 or more.")
    want = _Want(
        before=time.time() - keep_days * _DAY_S,
        everything=keep_days == 0,
        dry_run=dry_run,
        docker=docker,
        proof_limit_s=proof_limit_s,
        runs=runs,
    )
    kinds: list[Pruned] = []
    problems: list[str] = []
    for kind, look in _kinds(home, catalogue, want):
        try:
            found = look()
        except LentiqError as error:
            problems.append(f"{kind}: {error}")
        except OSError as error:
            problems.append(f"{kind}: {error.filename or home} cannot be looked at ({error.strerror}).")
        else:
            kinds.append(_pruned(kind, found))
    return Pruning(dry_run=dry_run, kinds=tuple(kinds), problems=tuple(problems))


def _pruned(kind: str, found: Swept) -> Pruned:
    return Pruned(kind=kind, count=found.count, bytes_before=found.before, bytes_freed=found.freed, left=found.left)


@record
class _Want:
    """`before` in seconds of the epoch: what was used since stays."""

    before: float
    everything: bool
    dry_run: bool
    docker: bool
    proof_limit_s: float
    runs: Callable[[], Swept] | None


def _kinds(home: Path, catalogue: Catalogue, want: _Want) -> Iterator[tuple[str, Callable[[], Swept]]]:
    """Each kind's name and what looks for it; a room is imported when its turn comes."""
    from ..environment import clearing as environment
    from ..executors import clearing as executors
    from ..images import clearing as images
    from ..registry import clearing as registry
    from ..registry import unreached

    cache, process, dry_run, before = home / "cache", home / "process", want.dry_run, want.before
    alive: set[str] | None = None

    def work() -> Swept:
        total = images.sweep_builds(cache / "layers", dry_run=dry_run)
        total += executors.sweep_work(process, dry_run=dry_run)
        total += environment.sweep_work(dry_run=dry_run)
        total += registry.sweep_work(catalogue.registry, cache / "catalogue", dry_run=dry_run)
        return total + sweep(PUBLISH_WORK, dry_run=dry_run) + sweep(PROOF_WORK, dry_run=dry_run)

    def is_gone(image_id: str, location: str) -> bool:
        return location == catalogue.registry.location and alive is not None and image_id not in alive

    yield "interrupted work", work
    if want.runs is not None:
        yield "runs", want.runs
    yield "registry", lambda: unreached.sweep_blobs(catalogue.registry, dry_run=dry_run)
    yield "stale claims", lambda: registry.sweep_claims(catalogue, dry_run=dry_run)
    # Where the registry does not answer, nothing of it counts as gone.
    with suppress(LentiqError):
        alive = registry.image_ids(catalogue)
    yield "unpacked blocks", lambda: executors.sweep_unpacked(process, before, is_gone, dry_run=dry_run)
    yield "compiled files", lambda: executors.sweep_compiled(process, everything=want.everything, dry_run=dry_run)
    yield "packed layers", lambda: images.sweep_packed(cache / "layers", before, dry_run=dry_run)
    yield "answers about environments", lambda: environment.sweep_answers(cache, before, dry_run=dry_run)
    yield "catalogue cache", lambda: registry.sweep_cache(cache / "catalogue", before, dry_run=dry_run)
    if want.docker:
        from ..executors.docker_clearing import sweep_docker

        yield "Docker", lambda: sweep_docker(PROOF_POOL, want.proof_limit_s, dry_run=dry_run)
