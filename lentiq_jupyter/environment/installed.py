"""What is installed for one interpreter, as plain values."""

from __future__ import annotations

import re
from dataclasses import field

from packaging.utils import canonicalize_name

from ..model import record

# "git" is the user of every public server, and an ssh address needs its user; neither is a secret.
_USERINFO = re.compile(r"(?<=://)(?<!ssh://)(?!git@)[^/@\s]+@")


@record
class Distribution:
    """One installed distribution.

    `requires` are its requirement lines (PEP 508). `modules` are the topmost importable names it
    owns: a package or module, for shared namespaces the parts below them (``google.cloud.storage``).
    `url` is where it came from if not from an index (PEP 610), in requirement form; `local` is True
    where that is a folder or file of this machine, `secret` where the URL holds credentials, which
    `url` does not. `installer` is "pip", "uv", "conda", "debian" …, "" if unknown. `groups` are those
    of its entry points, `libraries` the absolute paths of its shared objects.
    """

    name: str
    version: str
    requires: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    url: str | None = None
    local: bool = False
    secret: bool = False
    installer: str = ""
    groups: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


@record
class Installed:
    """All distributions of one interpreter.

    `python` is ``X.Y``, `markers` the environment that PEP 508 markers are evaluated in, `stdlib` the
    top-level names of its standard library, `startup` the modules that it loads before any code runs.
    `doubled` are the versions of distributions that are there more than once, `broken` those whose
    metadata say no name or version. `conda` says what each conda package depends on.
    """

    python: str
    markers: dict[str, str]
    stdlib: frozenset[str]
    distributions: tuple[Distribution, ...]
    startup: frozenset[str] = frozenset()
    doubled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    conda: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, name: str) -> Distribution | None:
        """The distribution of that name, however it is spelled."""
        wanted = canonicalize_name(name)
        return next((one for one in self.distributions if canonicalize_name(one.name) == wanted), None)

    def owners(self, module: str) -> list[Distribution]:
        """The distributions that importing `module` needs; several if they share its name.

        The longest owned name that leads to the module decides. If none does, what lies below the
        module decides, provided that it is all of one distribution.
        """
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            prefix = ".".join(parts[:length])
            found = [one for one in self.distributions if prefix in one.modules]
            if found:
                return found
        below = [one for one in self.distributions if any(name.startswith(f"{module}.") for name in one.modules)]
        return below if len(below) == 1 else []


def origin(direct_url: dict[str, object] | None, installer: str) -> tuple[str | None, bool]:
    """Requirement URL of a ``direct_url.json``, and whether it is local; (None, False) means an index.

    Conda writes the folder it was built in, which says nothing: that counts as an index.
    Credentials never stay in the URL.
    """
    if not direct_url or not isinstance(direct_url.get("url"), str):
        return None, False
    url = without_credentials(str(direct_url["url"]))
    if url.startswith("file:"):
        return (None, False) if installer == "conda" else (url, True)
    subfolder = direct_url.get("subdirectory")
    tail = f"#subdirectory={subfolder}" if subfolder else ""
    vcs, archive = direct_url.get("vcs_info"), direct_url.get("archive_info")
    if isinstance(vcs, dict):
        return f"{vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'HEAD')}{tail}", False
    if isinstance(archive, dict):
        hashes = archive.get("hashes")
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else None
        digest = f"sha256={sha256}" if sha256 else str(archive.get("hash") or "")
        marks = "&".join(part for part in (tail.lstrip("#"), digest) if part)
        return url + (f"#{marks}" if marks else ""), False
    return url + tail, False


def without_credentials(text: str) -> str:
    """A URL, or a requirement with one, without name and password; ``git@`` and the name in ssh addresses stay."""
    return _USERINFO.sub("", text)


def has_credentials(text: str) -> bool:
    """Whether a URL, or a requirement with one, has a name or password in it."""
    return bool(_USERINFO.search(text))
