"""The lines of a lock as what layers are made of: which apply, what each is kept under, which share a layer. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import BadInput
from ..model import record
from .dockerfile import pins_of

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_COMMIT = re.compile(r"git\+[^#]*@[0-9a-f]{40}(?:#|$)")
# What a notebook's kernel brings and little else asks for: in every block, and changed together. An engine takes a
# tenth of a second for each layer that it pulls, however small.
KERNEL = frozenset([
    "asttokens", "backcall", "comm", "debugpy", "decorator", "executing", "ipykernel", "ipython",
    "ipython-pygments-lexers", "jedi", "jupyter-client", "jupyter-core", "matplotlib-inline", "nest-asyncio",
    "nest-asyncio2", "parso", "pexpect", "pickleshare", "prompt-toolkit", "ptyprocess", "pure-eval", "pygments",
    "pyzmq", "stack-data", "traitlets", "wcwidth",
])  # fmt: skip
# Some pins ask for a patch version; which one the base has is no part of a recipe. A package too many does no
# harm, so those count that either the oldest or the newest would have.
_PATCHES = ("99", "0")


@record
class Pin:
    """One distribution of a lock.

    `name` is normalized, `line` what an installer reads (no marker), `version` "" where an address stands
    instead. `fixed` says whether the line names the same files for ever: a version, a commit, or an address
    with a hash.
    """

    name: str
    line: str
    version: str
    fixed: bool


@lru_cache(maxsize=32)
def pins(lock: str, python: str, platform: str) -> tuple[Pin, ...]:
    """The pins of a lock that apply to that Python (``X.Y``) and OCI platform, sorted by name.

    Raises
    ------
    BadInput
        If a line is no pin.
    """
    parsed = [_parsed(line) for line in pins_of(lock)]
    chosen: dict[str, Pin] = {}
    for patch in _PATCHES:
        environment = _environment(python, patch, platform)
        fitting = [pin for pin, marker in parsed if marker is None or marker.evaluate(environment)]
        chosen = {one.name: one for one in fitting} | chosen
    return tuple(chosen[name] for name in sorted(chosen))


def key_of(*parts: str) -> str:
    """A name in the cache for what these parts decide."""
    hasher = hashlib.sha256()
    for part in parts:
        body = part.encode()
        hasher.update(b"%d:" % len(body) + body)
    return hasher.hexdigest()


def shared_out(sizes: Mapping[str, int], alone: Iterable[str], room: int) -> list[tuple[str, ...]]:
    """Which names go into one layer together, so that there are at most `room` layers.

    Parameters
    ----------
    sizes : mapping of name to bytes
    alone : names
        Those that have a layer each, whatever their size.

    Notes
    -----
    Where there is room, each has its own. Else the big ones have, and the rest shares a third of the room
    by a hash of the name: one name more changes one of these layers, seldom two.
    """
    apart = set(alone)
    rest = [name for name in sizes if name not in apart]
    if len(sizes) <= room:
        return [(name,) for name in sorted(sizes)]
    left = max(room - len(apart), 1)
    shelves = max(left // 3, 1)
    by_size = sorted(rest, key=lambda name: (-sizes[name], name))
    apart.update(by_size[: left - shelves])
    shelved: dict[int, list[str]] = {}
    for name in sorted(by_size[left - shelves :]):
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % shelves
        shelved.setdefault(number, []).append(name)
    return [(name,) for name in sorted(apart)] + [tuple(shelved[number]) for number in sorted(shelved)]


def words_of(group: Sequence[Pin]) -> str:
    """What people read of a layer of these; addresses may hold passwords and are not told."""
    return ", ".join(f"{one.name} {one.version}".strip() for one in group)


@lru_cache(maxsize=4096)
def _parsed(line: str) -> tuple[Pin, Marker | None]:
    text, *options = re.split(r"\s(?=-)", re.sub(r"\s#.*$", "", line))
    hashes = tuple(sorted(one.removeprefix("--hash=").strip() for one in options))
    try:
        requirement = Requirement(text.strip().rstrip("\\"))
    except InvalidRequirement:
        requirement = None
    if requirement is None or not all(one.startswith("--hash=") for one in options):
        raise BadInput(
            f"The lock has a line that is no pin: it begins with {line.split()[0]!r}.",
            "Write name==version or name @ address.",
        )
    url = requirement.url or ""
    versions = [one for one in requirement.specifier if one.operator in ("==", "===") and not one.version.endswith("*")]
    if url:
        hashed = bool(hashes) or re.search(r"[#&](?:sha256|sha384|sha512)=", url) is not None
        fixed = bool(_COMMIT.match(url)) or (url.startswith(("https:", "http:")) and hashed)
    else:
        fixed = len(versions) == len(requirement.specifier) == 1
    source = f"{requirement.name} @ {url}" if url else f"{requirement.name}{requirement.specifier}"
    pin = Pin(
        name=canonicalize_name(requirement.name),
        line=" ".join([source, *(f"--hash={one}" for one in hashes)]),
        version="" if url or not versions else versions[0].version,
        fixed=fixed,
    )
    return pin, requirement.marker


def _environment(python: str, patch: str, platform: str) -> dict[str, str]:
    """What markers ask for (PEP 508), of CPython on that platform."""
    machine = platform.split("/")[1]
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.{patch}",
        "os_name": "posix",
        "platform_machine": _MACHINES.get(machine, machine),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.{patch}",
        "python_version": python,
        "sys_platform": "linux",
        "extra": "",
    }
