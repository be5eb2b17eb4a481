"""Which waiting tasks of a project may start now.

First come, first served, with backfill that never delays the head of the queue. In order of the queue:

1. A task larger than the whole quota NEVER fits. It is passed over, so that it blocks nobody.
2. A task that fits into what is free starts, as long as every task before it did.
3. The first that does not fit is the *head*. Nobody knows how long a run takes, so nobody knows which
   holders end first. What is known: the head can start once those still holding leave room for it, that
   is, for every set R of present holders with ``sum(R) + head <= quota``. A task behind the head may
   start only if it takes that away for no such R: ``sum(R) + head + backfilled <= quota`` must hold for
   every R for which ``sum(R) + head <= quota`` held, in CPU and in memory, where *backfilled* are all
   tasks started past the head, this one included.

So, whichever holders end in whichever order, the head starts at the same moment as if nothing had been
started past it. (Tasks backfilled later count against holders that include those backfilled earlier;
the condition holds for every subset, so by induction for the original holders too. A test plays it.)

The condition needs two numbers only: of all sets R that leave room for the head, the largest sum in CPU
and the largest in memory. The difference to ``quota - head`` is the room that the head will never need.
For each sum in one of the two that can be reached, the least of the other is kept; sizes repeat, so there are
few. Should it become too much work, nothing is backfilled, which delays the head even less.

Where the quota was lowered below what is held, nothing is stopped, and nothing starts until it is kept again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model import ZERO, Resources, StrEnum, format_cpu, readable_memory, record

_STEPS_LIMIT = 100_000
_NAMED_HOLDERS = 3


@record
class Claim:
    """What a task asks for or holds. `label` names it: ``nightly-sales/train (run ab12)``."""

    label: str
    resources: Resources


class Verdict(StrEnum):
    """START now; WAIT for others to end; NEVER: it is larger than the quota."""

    START = "start"
    WAIT = "wait"
    NEVER = "never"


@record
class Admission:
    """The verdict on one request, and the reason in numbers ("" for START)."""

    verdict: Verdict
    reason: str = ""


def admit(requests: Sequence[Claim], quota: Resources, holders: Sequence[Claim]) -> tuple[Admission, ...]:
    """Decide about the tasks of one project that are ready, by the rule at the top of this file.

    Parameters
    ----------
    requests : sequence of Claim
        In the order of the queue (see `queueing`).
    quota : Resources
        The project's limit. It may be less than what is held, if it was lowered meanwhile.
    holders : sequence of Claim
        Tasks that are starting or running.

    Returns
    -------
    tuple of Admission
        One for each request, in their order.
    """
    room = _Room(quota, holders)
    head: Claim | None = None
    spare = ZERO
    found: list[Admission] = []
    for request in requests:
        need = request.resources
        if not need.fits(quota):
            reason = (
                f"needs {need}, more than the whole quota of the project ({quota}); it can never start. "
                "Ask for less, or raise the quota"
            )
            found.append(Admission(verdict=Verdict.NEVER, reason=reason))
        elif room.takes(need) and (head is None or need.fits(spare)):
            found.append(Admission(verdict=Verdict.START))
            room.add(request)
            spare = spare.minus(need)
        else:
            reason = room.reason(need)
            if head is None:
                head, spare = request, room_beside_head(need, quota, [one.resources for one in room.held])
            elif room.takes(need):
                reason += f"; kept free for {head.label}, which is before it"
            found.append(Admission(verdict=Verdict.WAIT, reason=reason))
    waiting = sum(one.verdict is Verdict.WAIT for one in found)
    place = 0
    for at, one in enumerate(found):
        if one.verdict is Verdict.WAIT:
            place += 1
            found[at] = Admission(verdict=one.verdict, reason=f"{one.reason}; {place} of {waiting} in the queue")
    return tuple(found)


class _Room:
    """What is held and free while requests are looked at, and how that is said."""

    def __init__(self, quota: Resources, holders: Sequence[Claim]) -> None:
        self._quota = quota
        self.held = list(holders)
        self._sum = sum((one.resources for one in holders), start=ZERO)
        self._named = ""

    def takes(self, need: Resources) -> bool:
        return (self._sum + need).fits(self._quota)

    def add(self, claim: Claim) -> None:
        self.held.append(claim)
        self._sum += claim.resources
        self._named = ""

    def reason(self, need: Resources) -> str:
        """``needs 2 CPU, 4Gi; free 1 CPU, 1Gi of 4 CPU, 8Gi; held by nightly-sales/train (run ab12): 3 CPU, 7Gi``."""
        if self._sum.fits(self._quota):
            return f"needs {need}; free {self._quota.minus(self._sum)} of {self._quota}{self._holders()}"
        missing = (self._sum + need).minus(self._quota)
        parts = [format_cpu(missing.cpu_millicores) + " CPU"] if missing.cpu_millicores else []
        parts += [readable_memory(missing.memory_bytes)] if missing.memory_bytes else []
        return (
            f"needs {need}; the project holds {self._sum} of a quota of {self._quota}, which was lowered below that; "
            f"nothing is stopped, nothing starts until {' and '.join(parts)} are given back{self._holders()}"
        )

    def _holders(self) -> str:
        """The largest holders with what they hold, and what all others hold together."""
        if not self._named and self.held:
            largest = sorted(self.held, key=self._share, reverse=True)[:_NAMED_HOLDERS]
            named = [f"{one.label}: {one.resources}" for one in largest]
            others = len(self.held) - len(largest)
            if others:
                rest = self._sum.minus(sum((one.resources for one in largest), start=ZERO))
                named.append(f"{others} more: {rest}")
            self._named = f"; held by {'; '.join(named)}"
        return self._named

    def _share(self, claim: Claim) -> float:
        """The larger of its parts of the quota's CPU and memory."""
        return max(
            claim.resources.cpu_millicores / max(1, self._quota.cpu_millicores),
            claim.resources.memory_bytes / max(1, self._quota.memory_bytes),
        )


def room_beside_head(head: Resources, quota: Resources, holders: Sequence[Resources]) -> Resources:
    """What may be given away for ever without delaying `head`, whichever of `holders` end first.

    ZERO where the number of combinations is too large to look at.
    """
    limit = quota.minus(head)
    pairs = [(one.cpu_millicores, one.memory_bytes) for one in holders]
    cpu = _largest_sum(pairs, limit.cpu_millicores, limit.memory_bytes)
    memory = _largest_sum([(b, a) for a, b in pairs], limit.memory_bytes, limit.cpu_millicores)
    return limit.minus(Resources(cpu_millicores=cpu, memory_bytes=memory))


def _largest_sum(pairs: Iterable[tuple[int, int]], limit: int, other_limit: int) -> int:
    """The largest sum of first numbers up to `limit`, over sets of pairs whose second ones keep to `other_limit`.

    `limit` itself where that takes too many steps: never less than what is right.
    """
    least = {0: 0}
    steps = 0
    # Small ones first: their sums soon reach the limit, and then there is nothing more to look for.
    for first, second in sorted(pairs):
        steps += len(least)
        if limit in least or steps > _STEPS_LIMIT:
            return limit
        for one, other in list(least.items()):
            reached, beside = one + first, other + second
            if reached <= limit and beside <= other_limit and beside < least.get(reached, other_limit + 1):
                least[reached] = beside
    return max(least)
