"""Where a notebook comes from: the commit of its folder, and whether it differs from it.

``git`` is asked, never its repository's own commands: a folder may have come from a stranger. So nothing here
reads the index or the working tree through git (filters and file-system monitors run there), a missing object
is never fetched (transports run there), and the two programs used start neither hooks nor pagers. What git
refuses, say a repository of another user, has no provenance.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from .. import __version__
from ..model import Provenance
from .comparing import same_cells

TOOL = f"lentiq-jupyter {__version__}"
_LIMIT_S = 5.0
_BLOB_LIMIT = 64 << 20
_SOURCE_LIMIT = 300
_GIT = (
    "git",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "credential.helper="),
    *("-c", "protocol.allow=never"),
    # A folder that only looks like a repository, as one inside a checkout of something else, is none.
    *("-c", "safe.bareRepository=explicit"),
)
_SETTINGS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # what older git has in place of GIT_NO_LAZY_FETCH
    "LC_ALL": "C",
}


def tool_provenance() -> Provenance:
    """What is known of a block that is made of no notebook."""
    return Provenance(tool=TOOL)


def provenance_of(notebook: Path) -> Provenance:
    """The provenance of a notebook that is saved at that path; only the tool is known outside a repository."""
    git = _Git(notebook.parent)
    name = notebook.name
    marks = git.ask("cat-file", "--batch-check", given=f"HEAD^{{commit}}\nHEAD:./{name}\n") if "\n" not in name else b""
    commit, blob = _marks(marks)
    if not commit:
        return tool_provenance()
    return Provenance(
        commit=commit,
        modified=_differs(git, notebook, blob),
        source=_source(git.ask("config", "-z", "--get-regexp", r"^remote\..*\.url$")),
        tool=TOOL,
    )


def ask_provenance(notebook: Path) -> Callable[[], Provenance]:
    """Begin to ask for `provenance_of` in a thread; what returns waits for the answer."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="lentiq-provenance")
    asked = pool.submit(provenance_of, notebook)
    pool.shutdown(wait=False)
    return asked.result


class _Git:
    """Asks git about one folder, for `_LIMIT_S` seconds in all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._until = time.monotonic() + _LIMIT_S
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._environment |= _SETTINGS

    def ask(self, *words: str, given: str = "") -> bytes:
        """What git writes; nothing if it fails, is not there or takes too long."""
        left = self._until - time.monotonic()
        if left <= 0:
            return b""
        try:
            done = subprocess.run(
                [*_GIT, *words],
                cwd=self._folder,
                env=self._environment,
                input=given.encode(errors="surrogateescape"),
                capture_output=True,
                timeout=left,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired, ValueError):
            return b""
        return done.stdout if done.returncode == 0 else b""


def _marks(answer: bytes) -> tuple[str, tuple[str, int]]:
    """The commit, and digest and size of the notebook's blob there; "" and ("", 0) for what is not there."""
    found: list[tuple[str, int]] = []
    for line, kind in zip(answer.decode("ascii", errors="replace").splitlines(), ("commit", "blob"), strict=False):
        match = re.fullmatch(rf"([0-9a-f]{{40}}|[0-9a-f]{{64}}) {kind} (\d+)", line)
        found.append((match[1], int(match[2])) if match else ("", 0))
    commit, blob = (*found, ("", 0), ("", 0))[:2]
    return commit[0], blob


def _differs(git: _Git, notebook: Path, blob: tuple[str, int]) -> bool:
    """Whether what runs differs: outputs are no part of a block, and some strip them before they commit."""
    digest, size = blob
    if not digest:
        return True
    try:
        content = notebook.read_bytes()
    except OSError:
        return True
    hasher = hashlib.sha1(usedforsecurity=False) if len(digest) == 40 else hashlib.sha256()
    hasher.update(b"blob %d\0" % len(content) + content)
    if hasher.hexdigest() == digest:
        return False
    return size > _BLOB_LIMIT or not same_cells(git.ask("cat-file", "blob", digest), content)


def _source(answer: bytes) -> str:
    """The address of ``origin``, else of the first remote that has one to show."""
    addresses: dict[str, str] = {}
    for entry in answer.decode(errors="replace").split("\0"):
        key, _, url = entry.partition("\n")
        shown = without_credentials(url)
        if shown:
            addresses.setdefault(key, shown)
    return addresses.get("remote.origin.url") or next(iter(addresses.values()), "")


def without_credentials(url: str) -> str:
    """A repository's address without user, password, query and fragment; "" for what is no address of a host.

    ``git@host:path`` becomes ``host:path``. A path of this machine is nobody else's business, and what names
    a program of its own (``ext::``) is no address.
    """
    url = url.strip()
    if not url.isprintable() or len(url) > _SOURCE_LIMIT or "::" in url.partition("/")[0]:
        return ""
    try:
        parts = urlsplit(url)
        if "://" in url:
            if parts.scheme == "file" or not parts.hostname:
                return ""
            netloc = parts.netloc.rpartition("@")[2]
            return urlunsplit(parts._replace(netloc=netloc, query="", fragment=""))
    except ValueError:
        return ""
    head, slash, tail = url.partition("/")
    host, colon, path = (head.rpartition("@")[2] + slash + tail).partition(":")
    if not colon or "/" in host or len(host) < 2 or not path:  # a path, or a drive of Windows
        return ""
    return f"{host}:{path}"
