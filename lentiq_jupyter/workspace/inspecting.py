"""What publishing a notebook would find: facts, lock, system packages, how it would be proven.

Loads no builder, registry or database, so that looking at a notebook is quick.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ..analysis import LARGE_BYTES, analyse, notebook_python
from ..environment import python_of, resolve, system_needs, uv_settings
from ..model import Finding, Input, Inspection, LiveKernel, Reporter, Severity, Step
from .verifying import choose_proof

# uv's names, of the oldest C library that images of today have.
_UV_TARGETS = {"linux/amd64": "x86_64-manylinux_2_28", "linux/arm64": "aarch64-manylinux_2_28"}
_OLDEST = (3, 9)  # what the runner, and so a block, can have


def inspect_notebook(
    path: Path,
    *,
    cache: Path,
    proof_limit_s: float,
    kernel: str | None = None,
    no_kernel: bool = False,
    add: tuple[str, ...] = (),
    remove: tuple[str, ...] = (),
    live: LiveKernel | None = None,
    repairs: Mapping[str, str] | None = None,
    inputs: tuple[Input, ...] | None = None,
    secrets: tuple[str, ...] = (),
    hashes: bool = False,
    large_bytes: int = LARGE_BYTES,
    platform: str | None = None,
    uv: Mapping[str, str] = MappingProxyType({}),
    report: Reporter | None = None,
) -> Inspection:
    """Facts and lock of one notebook; see `Service.inspect`.

    Parameters
    ----------
    cache : Path
        The folder of what was learned of environments and of the package index.
    proof_limit_s : float
        Seconds that a proof may take.
    repairs : mapping of what was found missing when it ran to the sentence that says why
    inputs : the user's instead of the notebook's own
    secrets : names of secret literals that become inputs
    hashes : whether the lock is to be installed, so that the index is asked for hashes of all its files
    large_bytes : int
        Size above which a file is marked as large.
    platform : str or None
        OCI platform that the packages are for; None for this machine's.
    uv : mapping
        What uv is told beside this process's environment.
    """
    report = report or Reporter()
    report.say(Step.ANALYSE, f"reading {path.name}")
    facts = analyse(path, large_bytes)
    python = None if no_kernel else python_of(kernel, facts.kernel, live)
    report.say(Step.RESOLVE, f"asking {python}" if python else "asking the package index; no kernel is asked")
    recorded = notebook_python(path) if no_kernel else None
    with uv_settings(uv):
        found = resolve(
            facts,
            python=python,
            add=add,
            remove=remove,
            repairs=repairs,
            python_version=recorded if recorded and _is_usable(recorded) else None,
            platform=_UV_TARGETS.get(platform) if platform else None,
            hashes=hashes,
            live=live,
            cache=cache,
            report=report,
        )
    report.say(Step.RESOLVE, f"{len(found.lock.packages)} packages for Python {found.lock.python}")
    system = system_needs(facts, found.lock, python, cache)
    said = (*found.findings, *system.findings, *_old(recorded, found.lock.python))
    facts = dataclasses.replace(facts, findings=facts.findings + said)
    given = (*(facts.inputs if inputs is None else inputs), *(Input(name=one, required=True) for one in secrets))
    proof, reason = choose_proof(facts, given, proof_limit_s)
    return Inspection(
        facts=facts,
        lock=found.lock,
        python_executable=str(python) if python else None,
        unresolved=found.unresolved,
        unused=found.unused,
        live=live is not None and python is not None,
        system=system.needs,
        proof=proof,
        proof_reason=reason,
    )


def _is_usable(version: str) -> bool:
    parts = version.split(".")
    return len(parts) == 2 and all(part.isdigit() for part in parts) and tuple(map(int, parts)) >= _OLDEST


def _old(recorded: str | None, taken: str) -> tuple[Finding, ...]:
    if recorded is None or recorded == taken:
        return ()
    text = f"The notebook was last run with Python {recorded}, which no block can have; Python {taken} is taken."
    return (Finding(severity=Severity.WARNING, code="python", message=text),)
