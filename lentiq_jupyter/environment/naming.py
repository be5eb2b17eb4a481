"""From imports to distribution names: a pure function of facts, needing neither network nor kernel."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..model import Facts, ImportFact, InstallFact, Place, Witness, record
from .installed import Installed
from .names_table import table

_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_URL_NAME = re.compile(r"/([A-Za-z0-9._-]+?)(?:\.git)?(?:@[^/]*)?(?:#.*)?$")
_URL_OWNER = re.compile(r"://[^/]+/([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+?)(?:\.git)?(?:[@#/].*)?$")
_PROVIDED = frozenset(("lentiq-jupyter", "pip"))  # the runner brings the first; nothing imports the second
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


@record
class Need:
    """One distribution that a notebook needs.

    `name` is normalised (PEP 503), `requirement` what a resolver reads, `why` a short sentence.
    `module` is the import it explains, "" for needs that no import shows.
    """

    name: str
    requirement: str
    witness: Witness
    why: str
    module: str = ""


@record
class Naming:
    """What a notebook's imports, install lines and calls come to.

    `needs` are the distributions, one each. `unused` are requirements of install lines that nothing
    uses: their versions still limit what others bring along. `missing` are imports that are files of
    the user's own which are not at hand, so that no package may take their place.
    """

    needs: tuple[Need, ...]
    unused: tuple[Need, ...] = ()
    missing: tuple[ImportFact, ...] = ()


def name_distributions(facts: Facts, installed: Installed | None = None) -> Naming:
    """The distributions a notebook needs by itself, without what those need in turn.

    An install line counts where something explains it: an import, a rule, an extra of something needed.

    Parameters
    ----------
    installed : Installed or None
        What the kernel has; None names by install lines, rules and tables only. Imports that even
        those do not explain are guessed to be named like their distribution (witness RESOLVER): the
        guess is to be verified by who resolves.

    Returns
    -------
    Naming
        Imports before rules before install lines. Optional imports count only where the kernel has
        them or a line installs them.
    """
    lines = _lines(facts.installs)
    found: dict[str, Need] = {}
    missing: list[ImportFact] = []
    unknown: list[ImportFact] = []
    for fact in facts.imports:
        if _is_own(fact.module, installed):
            continue
        need = _known(fact, installed, lines)
        if need is not None:
            found.setdefault(need.name, need)
        elif not fact.optional:
            (missing if _is_missing(fact) else unknown).append(fact)
    # Who misses some files of their own misses others too: nothing is guessed to be a package then.
    incomplete = bool(missing)
    for fact, need in _guesses(unknown, lines, found):
        if need is None or (incomplete and need.witness is Witness.RESOLVER):
            missing.append(fact)
        else:
            found.setdefault(need.name, need)
    for hidden in facts.hidden:
        others = [str(canonicalize_name(hidden.distribution))]
        others += table().instead.get(others[0], ())
        # What the user has chosen for that need already: the usual one in the kernel, or by an import or a line.
        usual = installed is not None and installed.find(others[0]) is not None
        name = others[0] if usual else next((one for one in others if one in found), None)
        name = name or next((one for one in others if one in lines or (installed and installed.find(one))), others[0])
        why = f"{hidden.because}, {_where(hidden.place)}"
        text = lines[name].requirement if name in lines else name
        found.setdefault(name, Need(name=name, requirement=text, witness=Witness.RULE, why=why))
    for data in facts.data:
        name = str(canonicalize_name(data.name)) if data.kind == "spacy" and re.fullmatch(r"\w+", data.name) else ""
        # A language model that the kernel has as a package goes into the block; others are fetched when it runs.
        if name and installed and installed.find(name):
            why = f"{data.because}, {_where(data.place)}"
            found.setdefault(name, Need(name=name, requirement=name, witness=Witness.KERNEL, why=why))
    for line in lines.values():
        if line.name not in found and _is_extra(line.name, found.values(), installed):
            found[line.name] = line
    return Naming(
        needs=tuple(need for need in found.values() if need.name not in _PROVIDED),
        unused=tuple(line for line in lines.values() if line.name not in found and line.name not in _PROVIDED),
        missing=tuple(missing),
    )


def parse_requirement(text: str) -> tuple[str, str] | None:
    """Normalised name and resolver's form of one requirement; None if it names no distribution.

    A bare URL gets the name its path or ``egg`` says.
    """
    try:
        return canonicalize_name(Requirement(text).name), text
    except InvalidRequirement:
        found = (_EGG.search(text) or _URL_NAME.search(text)) if "://" in text else None
        if not found:
            return None
        name = canonicalize_name(found[1])
        return name, f"{name} @ {text}"


def _lines(installs: Iterable[InstallFact]) -> dict[str, Need]:
    """The last line of each distribution; names that people write for another one become that one."""
    found: dict[str, Need] = {}
    for fact in installs:
        parsed = parse_requirement(fact.requirement)
        if parsed is None:
            continue
        name, requirement = parsed
        meant = table().renamed.get(name)
        if meant:
            requirement = re.sub(r"^\s*[A-Za-z0-9._-]+", meant, requirement)
            name = str(canonicalize_name(meant))
        why = f"install line, {_where(fact.place)}"
        found[name] = Need(name=name, requirement=requirement, witness=Witness.LINE, why=why)
    return found


def _is_own(module: str, installed: Installed | None) -> bool:
    """Whether Python itself, its host or this product brings the module."""
    top = module.partition(".")[0]
    if top == "lentiq_jupyter" or (installed and top in installed.stdlib):
        return True
    if installed and installed.owners(module):
        return False  # what left the standard library may have come back as a package
    return top in sys.stdlib_module_names or table().is_absent(module)


def _known(fact: ImportFact, installed: Installed | None, lines: dict[str, Need]) -> Need | None:
    """What the kernel, a line or the tables say of one import; None if none of them does."""
    module = fact.module
    why = f"import {module}, {_where(fact.place)}"
    candidates = table().candidates(module)
    guess = str(canonicalize_name(module.partition(".")[0]))
    owners = installed.owners(module) if installed else []
    if owners:
        # Several distributions may own one name: the one the table or the import itself names, else the first.
        preferred = [*candidates, guess]
        name = min((str(canonicalize_name(one.name)) for one in owners), key=lambda one: (_rank(one, preferred), one))
        text = lines[name].requirement if name in lines else name
        return Need(name=name, requirement=text, witness=Witness.KERNEL, why=why, module=module)
    for name in (*candidates, guess):
        if name in lines:
            text = lines[name].requirement
            return Need(name=name, requirement=text, witness=Witness.LINE, why=why, module=module)
    if fact.optional or not candidates:
        return None
    return Need(name=candidates[0], requirement=candidates[0], witness=Witness.TABLE, why=why, module=module)


def _is_missing(fact: ImportFact) -> bool:
    return bool(fact.elsewhere) or table().is_private(fact.module)


def _guesses(
    unknown: list[ImportFact], lines: dict[str, Need], found: dict[str, Need]
) -> Iterable[tuple[ImportFact, Need | None]]:
    """For each import that nothing knows, the repository that a line installs it from, or a guess by its name."""
    urls = {name: line for name, line in lines.items() if " @ " in line.requirement and name not in found}
    tops = {fact.module.partition(".")[0] for fact in unknown}
    for fact in unknown:
        top = fact.module.partition(".")[0]
        guess = str(canonicalize_name(top))
        why = f"import {fact.module}, {_where(fact.place)}"
        fitting = [line for line in urls.values() if guess in _names_of_url(line.requirement)]
        if not fitting and len(tops) == len(urls) == 1:
            fitting = list(urls.values())
        if fitting:
            line = fitting[0]
            yield (
                fact,
                Need(
                    name=line.name,
                    requirement=line.requirement,
                    witness=Witness.LINE,
                    why=why,
                    module=fact.module,
                ),
            )
        elif _NAME.fullmatch(guess):
            yield (
                fact,
                Need(
                    name=guess,
                    requirement=guess,
                    witness=Witness.RESOLVER,
                    why=why,
                    module=fact.module,
                ),
            )
        else:
            yield fact, None


def _names_of_url(requirement: str) -> set[str]:
    """Import names that a repository may have: its own, with or without "python", and its owner's before it."""
    owner = _URL_OWNER.search(requirement)
    if not owner:
        return set()
    repository = str(canonicalize_name(owner[2]))
    bare = repository.removeprefix("python-").removesuffix("-python").removesuffix("-py").removesuffix("-pytorch")
    return {repository, bare, f"{canonicalize_name(owner[1])}-{repository}"}


def _is_extra(name: str, needs: Iterable[Need], installed: Installed | None) -> bool:
    """Whether something needed names the distribution as one of its extras, or asks for it in one of them."""
    for need in needs:
        try:
            extras = Requirement(need.requirement).extras
        except InvalidRequirement:
            extras = set()
        if name in {str(canonicalize_name(extra)) for extra in extras}:
            return True
        distribution = installed.find(need.name) if installed and installed.find(name) else None
        for required in distribution.requires if distribution else ():
            if "extra ==" in required and canonicalize_name(re.split(r"[^\w.-]", required, maxsplit=1)[0]) == name:
                return True
    return False


def _rank(name: str, preferred: list[str]) -> int:
    return preferred.index(name) if name in preferred else len(preferred)


def _where(place: Place) -> str:
    return f"cell {place.cell + 1}" if place.cell is not None else f"{place.file} line {place.line}"
