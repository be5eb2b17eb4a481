"""uv's resolver, asked for one Python and within the versions of one kernel."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from ..errors import NotebookError, Unavailable
from ..model import Reporter, Step, Witness, record
from .closure import Closure
from .installed import Installed
from .naming import Need
from .uv_compile import NoSolution, Pin, compile_pins

_BIND_S = 600.0
_LOOK_S = 20.0
_SILENT = "the package index does not answer"


@record
class Answer:
    """`pins`; `failed`, which nothing confirms; `open`, which have no version, with the reason for each.

    `reached` is False where the index did not answer.
    """

    pins: tuple[Pin, ...] = ()
    failed: tuple[Need, ...] = ()
    open: tuple[tuple[Need, str], ...] = ()
    reached: bool = True


@record
class Resolver:
    """`python` is the interpreter whose platform counts, `version` ``X.Y``, `installed` None without a kernel.

    `limits` are requirements that nothing needs but whose versions bind (``numpy<2``). `platform` is
    uv's name of the target, None for this machine.
    """

    python: str
    version: str
    installed: Installed | None
    report: Reporter
    limits: tuple[str, ...] = ()
    platform: str | None = None

    def complete(self, missing: list[Need], closed: Closure, *, binding: bool = True) -> Answer:
        """Pins with hashes for what the kernel lacks, with what that needs in turn.

        The whole kernel's versions limit the answer; if that leaves no solution, only those of it that
        the notebook uses. Guesses and undeclared dependencies that the index does not have are dropped.

        Parameters
        ----------
        binding : bool
            False for looking only: no hashes, and nothing is built to learn what it needs.

        Raises
        ------
        NotebookError
            If no versions fit together.
        Unavailable, Cancelled
            As `compile_pins`.
        """
        if not missing:
            return Answer()
        self.report.say(Step.RESOLVE, f"asking the package index for {', '.join(one.name for one in missing)}")
        reason = ""
        failed: list[Need] = []
        for constraints in self._constraints({one.name for one in missing}, closed):
            while True:
                left = [one for one in missing if one not in failed]
                try:
                    return Answer(pins=self._compile(left, constraints, binding=binding), failed=tuple(failed))
                except NoSolution as error:
                    reason = error.message
                    lacking = [one for one in left if one.name in error.unknown and _may_fail(one)]
                if not lacking:
                    break
                failed += [*lacking, *_doubtful(left, lacking)]
        raise NotebookError(
            f"No versions fit together: {reason}",
            "Change an install line, use --add with other versions, or set UV_INDEX to an index that has them.",
        )

    def look(self, needs: list[Need]) -> Answer:
        """The newest version of each need alone: quick, and what cannot be pinned is named all the same.

        But for guesses: a name that nobody confirms is not to be installed by anybody.
        """
        left = [one for one in needs if " @ " not in one.requirement]
        unpinned = [(one, "") for one in needs if one not in left]
        failed: list[Need] = []
        while left:
            try:
                pins = self._compile(left, [], binding=False, follow=False)
                return Answer(pins=pins, failed=tuple(failed), open=tuple(unpinned))
            except Unavailable:
                failed += [one for one in left if one.witness is Witness.RESOLVER]
                unpinned += [(one, _SILENT) for one in left if one not in failed]
                return Answer(failed=tuple(failed), open=tuple(unpinned), reached=False)
            except NoSolution as error:
                lacking = {one.name: error for one in left if one.name in error.unknown} or self._culprits(left, error)
            for one in left:
                fault = lacking.get(one.name)
                if fault and one.name in fault.unknown and _may_fail(one):
                    failed.append(one)
                elif fault:
                    known = one.name not in fault.unknown
                    unpinned.append((one, fault.message if known else "the package index does not have it"))
            failed += _doubtful(left, failed)
            left = [one for one in left if one.name not in lacking and one not in failed]
        return Answer(failed=tuple(failed), open=tuple(unpinned))

    def _culprits(self, needs: list[Need], error: NoSolution) -> dict[str, NoSolution]:
        """Those of needs that together cannot be met which cannot be met each by itself, found by halving."""
        if len(needs) == 1:
            return {needs[0].name: error}
        found: dict[str, NoSolution] = {}
        for half in (needs[: len(needs) // 2], needs[len(needs) // 2 :]):
            try:
                self._compile(half, [], binding=False, follow=False)
            except NoSolution as one:
                found.update(self._culprits(half, one))
        return found or {needs[-1].name: error}

    def _constraints(self, wanted: set[str], closed: Closure) -> list[list[str]]:
        everything = self.installed.distributions if self.installed else ()
        used = [member.distribution for member in closed.members.values()]
        rows = [
            [f"{one.name}=={one.version}" for one in row if not one.url and canonicalize_name(one.name) not in wanted]
            for row in (everything, used)
        ]
        if self.installed is None:
            return [list(self.limits), []] if self.limits else [[]]
        return rows if rows[0] != rows[1] else rows[:1]

    def _compile(
        self, needs: list[Need], constraints: list[str], *, binding: bool, follow: bool = True
    ) -> tuple[Pin, ...]:
        if not needs:
            return ()
        return tuple(
            compile_pins(
                [one.requirement for one in needs],
                python=self.python,
                constraints=constraints,
                python_version=self.version,
                platform=self.platform,
                follow=follow,
                hashes=binding,
                build=binding or not follow,
                report=self.report,
                timeout_s=_BIND_S if binding else _LOOK_S,
                retries=1 if binding else 0,
            )
        )


def _doubtful(needs: list[Need], failed: list[Need]) -> list[Need]:
    """The guesses that are left where one has failed.

    A name that no table and no index knows is mostly a file of the user's own that is not at hand. Then
    other names that no table knows are such files too, even if somebody has a package of that name.
    """
    if not any(one.witness is Witness.RESOLVER for one in failed):
        return []
    return [one for one in needs if one.witness is Witness.RESOLVER and one not in failed]


def _may_fail(need: Need) -> bool:
    """Whether the need is no more than a guess, or a dependency that the kernel does without."""
    if need.witness is Witness.DEPENDENCY:
        return need.name != "ipykernel"
    return bool(need.module) and need.witness is not Witness.LINE
