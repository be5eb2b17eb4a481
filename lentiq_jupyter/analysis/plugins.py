"""Engines and plug-ins that install lines name for something the notebook imports.

Which call needs them may be out of sight (a configuration file, an option read at run time); a line that
installs what a rule of ``rules/*.toml`` knows as a need of an imported library says it as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from ..model import HiddenNeed, ImportFact, InstallFact
from .hidden import rules

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@cache
def hosts() -> dict[str, frozenset[str]]:
    """For each distribution that some rule needs, the imports of the libraries that need it."""
    found: dict[str, set[str]] = {}
    for words in rules().values():
        for group in words.values():
            for rule in group:
                tops = rule.with_ | {name.partition(".")[0] for name in rule.from_}
                for need in rule.needs:
                    found.setdefault(need, set()).update(tops)
    return {need: frozenset(tops) for need, tops in found.items()}


def plugins_of(installs: Iterable[InstallFact], imports: Iterable[ImportFact]) -> list[HiddenNeed]:
    """What install lines name that a rule knows as a need of something the notebook imports."""
    tops = {fact.module.partition(".")[0]: fact for fact in imports}
    made: list[HiddenNeed] = []
    for fact in installs:
        name = _NAME.match(fact.requirement)
        word = re.sub(r"[-_.]+", "-", name[1]).lower() if name else ""
        host = next((top for top in sorted(hosts().get(word, ())) if top in tops), None)
        if host is not None:
            made.append(HiddenNeed(distribution=word, because=f"installed beside {host}", place=fact.place))
    return made
