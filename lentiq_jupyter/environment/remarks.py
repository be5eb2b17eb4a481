"""What the user should know about a lock, in sentences that say what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..model import Finding, ImportFact, Package, Severity, Witness
from .closure import Member
from .hashes import Answer as Hashes
from .installed import Distribution, Installed
from .naming import Need

# What conda has as packages of its own and the index only inside of others, or not at all.
_CONDA_ONLY = frozenset(
    (
        *("cuda-runtime", "cuda-toolkit", "cudatoolkit", "cudnn", "ffmpeg", "gdal", "geos", "graphviz", "hdf5"),
        *("libgdal", "libgdal-core", "libnetcdf", "mpich", "nodejs", "openjdk", "openmpi", "poppler", "proj"),
        *("r-base", "tesseract"),
    )
)

_SHORT = 60


def refusals(distributions: dict[str, Distribution], why: dict[str, str]) -> list[Finding]:
    """Why distributions of the kernel cannot go into a block; `why` says what needs each."""
    found = []
    for name, one in sorted(distributions.items()):
        if one.local:
            text = (
                f"{name} ({why[name]}) is installed from a folder or file of this machine, which a block cannot reach. "
                "Install it from an index or from git, or put its code into the notebook's folder."
            )
        else:
            text = (
                f"{name} ({why[name]}) is installed from an address with a name or password in it, which must not get "
                "into an image. Install it from an address without one, and let git or the index ask for credentials "
                "(a credential helper, a keyring or ~/.netrc)."
            )
        found.append(_warning("local-install" if one.local else "credentials", text))
    return found


def of_credentials(needs: Iterable[Need]) -> list[Finding]:
    """About install lines whose address holds a name or password."""
    return [
        _warning(
            "credentials",
            f"The address of {one.name} ({one.why}) has a name or password in it, which must not get into an image. "
            "Write it without, and let git or the index ask for credentials (a credential helper or ~/.netrc).",
        )
        for one in needs
    ]


def of_missing(imports: Iterable[ImportFact]) -> list[Finding]:
    """About imports that are files of the user's own which are not at hand."""
    found = []
    for fact in imports:
        where = f" It may come from {fact.elsewhere}." if fact.elsewhere else ""
        text = (
            f"{fact.module} seems to be a file of your own that is not beside the notebook.{where} Put it into the "
            "notebook's folder, or add the package that has it with --add NAME."
        )
        found.append(Finding(severity=Severity.WARNING, code="missing-module", message=text, place=fact.place))
    return found


def of_dropped(needs: Iterable[Need], *, reached: bool) -> list[Finding]:
    """About names that the index does not have, or could not be asked about."""
    found = []
    for one in needs:
        if not one.module:
            text = f"{one.name} ({one.why}) is neither in the kernel nor on the package index, and so left out."
        elif reached:
            continue  # it stands among the unresolved, and that says it all
        else:
            text = (
                f"{one.why}: no table knows it, and the package index cannot be asked whether {one.name} is its "
                "package. Ask again with an index, or add the package with --add NAME."
            )
        found.append(_warning("environment", text))
    return found


def of_guesses(packages: Iterable[Package]) -> list[Finding]:
    """About packages that only have the name of an import."""
    return [
        _warning(
            "guess",
            f"{one.name} is a guess: nothing but its name connects that public package with {one.why}. Check that it "
            f"is the one you mean, or leave it out with --remove {one.name}.",
        )
        for one in packages
        if one.witness is Witness.RESOLVER
    ]


def of_versions(needs: Iterable[Need], members: dict[str, Member]) -> list[Finding]:
    """About install lines that the kernel's version does not fit."""
    found = []
    for need in needs:
        member = members.get(need.name)
        try:
            wanted = Requirement(need.requirement).specifier if need.requirement != need.name else None
            if member and wanted and not wanted.contains(member.distribution.version, prereleases=True):
                text = (
                    f"An install line asks for {need.requirement}, but the kernel has {need.name} "
                    f"{member.distribution.version}, which goes into the block. Choose with --add '{need.requirement}'."
                )
                found.append(_warning("other-version", text))
        except (InvalidRequirement, ValueError):
            continue
    return found


def of_installed(members: dict[str, Member], installed: Installed, needs: Iterable[Need]) -> list[Finding]:
    """About distributions that are there twice or broken, and about conda's."""
    found = []
    for name, versions in sorted(installed.doubled.items()):
        if name in members:
            version = members[name].distribution.version
            text = (
                f"The kernel's environment has {name} twice ({', '.join(versions)}); {version} is taken. Reinstall it."
            )
            found.append(_warning("environment", text))
    broken = {str(canonicalize_name(re.split(r"-\d", stem, maxsplit=1)[0])) for stem in installed.broken}
    for name in sorted({need.name for need in needs} & broken):
        if name not in members:
            text = f"The metadata of {name} in the kernel are broken, so that its version is not known. Reinstall it."
            found.append(_warning("environment", text))
    by_conda = sorted(name for name, one in members.items() if one.distribution.installer == "conda")
    if by_conda:
        text = (
            f"Installed by conda: {', '.join(by_conda)}. The block gets the same versions from the package index, "
            "whose builds differ."
        )
        found.append(Finding(severity=Severity.INFO, code="conda", message=text))
        programs = {one for name in by_conda for one in installed.conda.get(name, ()) if one in _CONDA_ONLY}
        left = sorted(one for one in programs if one not in members)
        if left:
            text = (
                f"Of conda's packages, {', '.join(left)} are no Python packages and stay behind. Wheels often bring "
                "such libraries along; if the block misses one, add its Debian package with --add-system."
            )
            found.append(Finding(severity=Severity.INFO, code="conda", message=text))
    return found


def of_hashes(packages: Iterable[Package], answer: Hashes, installed: Installed | None) -> list[Finding]:
    """About pins that the index does not have, and about hashes that are missing."""
    found = []
    versions = {one.name: one.version for one in packages}
    for name, reason in sorted(answer.unknown.items()):
        distribution = installed.find(name) if installed else None
        by = {"conda": " by conda", "debian": " as a package of the system"}
        how = by.get(distribution.installer, "") if distribution else ""
        text = (
            f"{name} {versions[name]} is installed in the kernel{how}, but the package index has nothing of that "
            f"version for this Python and platform ({reason}) Install a version that the index has, choose one with "
            f"--add '{name}==VERSION', or set UV_INDEX to the address of an index that has it."
        )
        found.append(Finding(severity=Severity.ERROR, code="not-on-index", message=text))
    if not answer.reached:
        text = f"The lock has no hashes: {answer.reason} Publish again where it can be reached to get them."
        found.append(_warning("no-hashes", text))
    urls = [one.name for one in packages if one.url and not one.hashes]
    if urls:
        text = f"The lock has no hashes, because of {', '.join(urls)}, installed from a URL or version control."
        found.append(_warning("no-hashes", text))
    return found


def of_open(unpinned: Iterable[tuple[Need, str]]) -> tuple[str, list[Finding]]:
    """One line for the lock, and findings, about packages without a version; ("", []) where there are none."""
    reasons: dict[str, list[str]] = {}
    for need, reason in unpinned:
        if reason:
            reasons.setdefault(reason, []).append(need.name)
    found = [
        _warning("unpinned", f"{', '.join(names)}: no version is known, because {_inside(reason)}")
        for reason, names in reasons.items()
    ]
    # The line goes into files; what uv says at length, perhaps with addresses, does not.
    line = "; ".join(f"no version is known of {', '.join(names)}" for names in reasons.values())
    if line and len(reasons) == 1 and len(next(iter(reasons))) < _SHORT:
        line += f": {next(iter(reasons))}"
    return line, found


def of_loaded(names: Iterable[str]) -> list[Finding]:
    """About what else a running kernel has loaded."""
    listed = sorted(names)
    if not listed:
        return []
    text = (
        f"The running kernel has loaded more that nothing in the notebook explains: {', '.join(listed)}. "
        "Add what it needs of that (--add)."
    )
    return [Finding(severity=Severity.INFO, code="loaded", message=text)]


def _inside(reason: str) -> str:
    text = reason[:1].lower() + reason[1:]
    return text if text.endswith(".") else text + "."


def _warning(code: str, text: str) -> Finding:
    return Finding(severity=Severity.WARNING, code=code, message=text)
