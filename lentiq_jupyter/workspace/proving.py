"""From a failed proof to the next attempt: repair and build again, be content with the imports, or give up."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from packaging.utils import canonicalize_name

from ..analysis import package_of_program
from ..errors import BuildFailed
from ..model import Inspection, PublishRequest, Reporter, Step
from .missing import Kind, missing_of
from .repairing import Repairs
from .verifying import IMPORT, RUN, Failure, Proof

Attempt = Callable[[str], Proof]

_NETWORK = re.compile(
    r"Name or service not known|[Tt]emporary failure in name resolution|Network is unreachable|No address associated"
    r"|Max retries exceeded|getaddrinfo failed|Could not resolve host|[Cc]ould not translate host name"
    r"|Failed to resolve|unable to resolve|Cannot connect to host|[Cc]onnection (?:refused|timed out|aborted)"
    r"|couldn't connect to|[Cc]annot find the requested files in the (?:disk|local) cache|offline mode"
    r"|nodename nor servname"
)
_NETWORK_ERRORS = frozenset(
    [
        "APIConnectionError", "ClientConnectorError", "ConnectError", "ConnectTimeout", "ConnectionError",
        "EndpointConnectionError", "LocalEntryNotFoundError", "NameResolutionError", "NewConnectionError",
        "OfflineModeIsEnabled", "ProxyError", "ServerNotFoundError", "URLError", "gaierror",
    ]
)  # fmt: skip
_MISSING_DATA = re.compile(r"Resource .*not found|Can't find model|No such file or directory|nltk\.download\(")


class Prover:
    """Proves the images of one publish.

    Parameters
    ----------
    repairs : Repairs
        Receives what is found missing.
    """

    def __init__(self, request: PublishRequest, repairs: Repairs, report: Reporter) -> None:
        self._asked = request.proof
        self._repairs = repairs
        self._report = report
        self._fallen_back = ""

    def mode(self, inspection: Inspection) -> tuple[str, str]:
        """How the block is proven now, and why not by more: "" where it is run."""
        if self._fallen_back:
            return IMPORT, self._fallen_back
        mode = self._asked or inspection.proof
        if mode == RUN:
            return RUN, ""
        return IMPORT, "as asked" if self._asked else inspection.proof_reason

    def prove(self, attempt: Attempt, inspection: Inspection, system: Collection[str]) -> Proof | None:
        """The proof that succeeded; None if something was added, so that the block is to be built again.

        Parameters
        ----------
        attempt : callable
            Starts the built block in a mode and gives how it went.
        system : Debian packages that the image has

        Raises
        ------
        BuildFailed
            With the original error where nothing more can be done.
        """
        mode, why = self.mode(inspection)
        if why:
            self._say(f"imports only: {why}")
        proof = attempt(mode)
        failure = proof.failure
        if failure is None:
            return proof
        excuse = excuse_of(failure) if mode == RUN and not self._asked else ""
        if not excuse or not (failure.stopped or _lacks_network(failure)):
            locked = [str(canonicalize_name(one.name)) for one in inspection.lock.packages] if inspection.lock else []
            added = self._repairs.mend(failure, locked, system)
            if added:
                self._say(f"{added}; building again")
                return None
        if excuse:
            # What a run lacks here says nothing against the block.
            self._fallen_back = f"a run was tried: {excuse}"
            return self.prove(attempt, inspection, system)
        raise _gave_up(failure, proof, self._repairs)

    def _say(self, message: str) -> None:
        self._report.say(Step.VERIFY, message)


def excuse_of(failure: Failure) -> str:
    """Why a failed run says nothing against the block: too long, no network, data that is not here; "" if it does."""
    if failure.stopped:
        return failure.reason
    said = f"{failure.place} ended with {failure.line}"
    if _lacks_network(failure):
        return f"{said}, and a proof has no network"
    missing = missing_of(failure)
    if missing is not None and missing.kind is Kind.PROGRAM:
        package = package_of_program(missing.names[0])
        return f"{said}, a program of the Debian package {package} that this machine lacks" if package else ""
    if failure.name in ("FileNotFoundError", "LookupError", "OSError") and _MISSING_DATA.search(failure.message):
        return f"{said}, a file that the block does not have"
    return ""


def _lacks_network(failure: Failure) -> bool:
    return failure.name in _NETWORK_ERRORS or bool(_NETWORK.search(f"{failure.message}\n{failure.trace}"))


def _gave_up(failure: Failure, proof: Proof, repairs: Repairs) -> BuildFailed:
    reason = failure.reason.rstrip(".")
    added = f" Added before: {'; '.join(repairs.sentences)}." if repairs.sentences else ""
    what = "does not run from its image" if proof.mode == RUN else "does not import what it needs in its image"
    hint = "Mend the notebook, or publish it unproven with --no-verify."
    if failure.stopped:
        hint = "Prove it by its imports with --proof import, or publish it unproven with --no-verify."
    elif proof.mode == RUN and excuse_of(failure):
        hint = "Prove it by its imports with --proof import, or mend the notebook."
    return BuildFailed(f"The block {what}: {reason}.{added}", hint, log=proof.log)
