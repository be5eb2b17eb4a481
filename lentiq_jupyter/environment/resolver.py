"""uv's resolver, asked for one Python and within the versions of one kernel."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from ..errors import NotebookError
from ..model import Reporter, Step, Witness, record
from .closure import Closure
from .installed import Installed
from .naming import Need
from .uv_compile import NoSolution, Pin, compile_pins


@record
class Resolver:
    """`python` is the interpreter whose platform counts, `version` ``X.Y``, `installed` None without a kernel."""

    python: str
    version: str
    installed: Installed | None
    report: Reporter

    def complete(self, missing: list[Need], closed: Closure) -> tuple[list[Pin], list[Need]]:
        """Pins for what the kernel lacks, with what that needs; and the names that the index does not have.

        The whole kernel's versions limit the answer; if that leaves no solution, only those of it that
        the notebook uses.

        Raises
        ------
        NotebookError
            If no versions fit together.
        Unavailable, Cancelled
            As `compile_pins`.
        """
        if not missing:
            return [], []
        self.report.say(Step.RESOLVE, f"asking the package index for {', '.join(one.name for one in missing)}")
        wanted = {one.name for one in missing}
        failed: list[Need] | None = None
        reason = ""
        for constraints in self._constraints(wanted, closed):
            try:
                return self._compile([one for one in missing if one not in (failed or [])], constraints), failed or []
            except NoSolution as error:
                reason = error.message
            if failed is None:
                failed = [need for need in missing if self._is_unknown(need)]
                try:
                    return self._compile([one for one in missing if one not in failed], constraints), failed
                except NoSolution as error:
                    reason = error.message
        raise NotebookError(
            f"No versions fit together: {reason}", "Change an install line, or use --add with other versions."
        )

    def _constraints(self, wanted: set[str], closed: Closure) -> list[list[str]]:
        everything = self.installed.distributions if self.installed else ()
        used = [member.distribution for member in closed.members.values()]
        rows = [
            [f"{one.name}=={one.version}" for one in row if not one.url and canonicalize_name(one.name) not in wanted]
            for row in (everything, used)
        ]
        return rows if rows[0] != rows[1] else rows[:1]

    def _compile(self, needs: list[Need], constraints: list[str]) -> list[Pin]:
        if not needs:
            return []
        return compile_pins(
            [one.requirement for one in needs],
            python=self.python,
            constraints=constraints,
            python_version=self.version,
            report=self.report,
        )

    def _is_unknown(self, need: Need) -> bool:
        """Whether the index has nothing by the name that was given to an import."""
        if not need.module or need.witness is Witness.LINE:
            return False
        try:
            compile_pins(
                [need.requirement],
                python=self.python,
                python_version=self.version,
                follow=False,
                hashes=False,
                report=self.report,
            )
        except NoSolution:
            return True
        return False
