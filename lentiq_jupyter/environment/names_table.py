"""What is known of names without asking anybody: `import_names.toml` and `well_known.txt` as values. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from packaging.utils import canonicalize_name

from ..model import record

_VERSION_SUFFIX = re.compile(r"_v\d+\w*$")


@record
class Table:
    """The curated tables; all distribution names normalised (PEP 503).

    `names` maps a dotted import to its distributions, the usual one first. `families` maps the dotted
    name of a namespace to the pattern its parts are distributed by. `renamed` maps what people write on
    install lines to what they mean. `private` are words people name their own files with, `private_shape`
    how such names look; `elsewhere` are packages that no index has under their name.
    """

    names: dict[str, tuple[str, ...]]
    families: dict[str, str]
    absent: frozenset[str]
    instead: dict[str, tuple[str, ...]]
    renamed: dict[str, str]
    private: frozenset[str]
    elsewhere: frozenset[str]
    private_shape: re.Pattern[str]
    well_known: frozenset[str]

    def candidates(self, module: str) -> tuple[str, ...]:
        """The distributions that may give a module, the likeliest first; () if the table does not know it."""
        for prefix in prefixes(module):
            plain = _VERSION_SUFFIX.sub("", prefix)
            if prefix in self.names or plain in self.names:
                return self.names.get(prefix) or self.names[plain]
            parent, _, part = plain.rpartition(".")
            if parent in self.families:
                return (str(canonicalize_name(self.families[parent].format(part))),)
        top = str(canonicalize_name(module.partition(".")[0]))
        return (top,) if top in self.well_known and not self.is_private(module) else ()

    def is_absent(self, module: str) -> bool:
        """Whether no index has it: a host's own module, another Python's, one that a compiler generates."""
        return bool(self.absent & set(prefixes(module)))

    def is_private(self, module: str) -> bool:
        """Whether a public package of that name is not what is meant: people call their own files so."""
        top = module.partition(".")[0]
        if top.lower() in self.private or top in self.elsewhere:
            return True
        return bool(self.private_shape.fullmatch(top)) and canonicalize_name(top) not in self.well_known


@cache
def table() -> Table:
    """The tables, read once."""
    here = Path(__file__)
    document = tomllib.loads(here.with_name("import_names.toml").read_text("utf-8"))
    given = {key: [value] if isinstance(value, str) else value for key, value in document["names"].items()}
    names = {key: tuple(str(canonicalize_name(name)) for name in value) for key, value in given.items()}
    known = here.with_name("well_known.txt").read_text("utf-8").split("\n")
    lines = (line.strip() for line in known)
    return Table(
        names=names,
        families=dict(document["families"]),
        absent=frozenset(_flat(document["absent"].values())),
        instead={key: tuple(value) for key, value in document["instead"].items()},
        renamed={str(canonicalize_name(key)): value for key, value in document["renamed"].items()},
        private=frozenset(_flat([document["private"]["words"]])),
        elsewhere=frozenset(_flat([document["private"]["elsewhere"]])),
        private_shape=re.compile(document["private"]["shape"]),
        well_known=frozenset(word for line in lines if not line.startswith("#") for word in line.split())
        | {name for value in names.values() for name in value},
    )


def prefixes(module: str) -> list[str]:
    """A dotted name and everything above it, the longest first."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _flat(groups: Iterable[str | list[str]]) -> list[str]:
    return [word for group in groups for word in (group.split() if isinstance(group, str) else group)]
