"""Runs under the kernel's interpreter, alone: standard library only, Python 3.9 and later.

Prints one JSON document: the distributions installed there, the Python, its markers, and the times at
which its folders changed last. Its arguments are folders that the kernel has on PYTHONPATH. Nothing
of what is installed is imported.
"""

from __future__ import annotations

import csv
import email
import email.message
import importlib.machinery
import importlib.metadata
import json
import os
import platform
import re
import site
import sys
from functools import lru_cache

STARTUP = sorted(sys.modules)  # what site and .pth files load before anybody's code
SUFFIXES = sorted(importlib.machinery.all_suffixes(), key=len, reverse=True)

SHARED = re.compile(r"\.so(\.[0-9a-z]+)*$")


def module_of(path: str) -> tuple[str, bool] | None:
    """Dotted name and whether it is a package's __init__; None for files that cannot be imported."""
    for suffix in SUFFIXES:
        if path.endswith(suffix):
            parts = path[: -len(suffix)].split("/")
            package = parts[-1] == "__init__" and len(parts) > 1
            parts = parts[:-1] if package else parts
            return (".".join(parts), package) if all(part.isidentifier() for part in parts) else None
    return None


def topmost(paths: list[str], namespaces: set[str]) -> set[str]:
    """Names that importing must begin with: packages and modules with no package above them."""
    found = [made for made in map(module_of, paths) if made]
    packages = {name for name, package in found if package} - namespaces
    roots = set()
    for name, _ in found:
        parts = name.split(".")
        above = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
        root = next((one for one in above if one in packages), name)
        if root not in namespaces:
            roots.add(root)
    return roots


def linked(distribution: importlib.metadata.Distribution, paths: list[str]) -> set[str]:
    """Modules in the folders that an editable installation's .pth file adds to sys.path."""
    roots = set()
    for path in paths:
        if not path.endswith(".pth"):
            continue
        try:
            with open(str(distribution.locate_file(path)), encoding="utf-8") as file:
                folders = [line.strip() for line in file if line.strip() and not line.startswith(("import", "#"))]
        except (OSError, ValueError):
            continue
        for folder in filter(os.path.isdir, folders):
            for name in os.listdir(folder):
                package = os.path.isfile(os.path.join(folder, name, "__init__.py"))
                made = module_of(name + "/__init__.py" if package else name)
                if made and made[0] not in ("setup", "conftest", "tests", "test", "docs"):
                    roots.add(made[0])
    return roots


def modules(distribution: importlib.metadata.Distribution) -> list[str]:
    """What importing may begin with, by the list of files, else by what the distribution says itself."""
    paths = files_of(distribution)
    namespaces = set((distribution.read_text("namespace_packages.txt") or "").split())
    named = set((distribution.read_text("top_level.txt") or "").split())
    roots = topmost([path for path in paths if not path.startswith("../")], namespaces)
    roots = {name for name in roots if not name.startswith(("__editable__", "_editable_impl_", "_virtualenv"))}
    return sorted(roots or {name for name in named if name not in namespaces} or linked(distribution, paths))


def describe(distribution: importlib.metadata.Distribution) -> dict[str, object]:
    """One distribution as JSON."""
    direct_url = distribution.read_text("direct_url.json")
    try:
        direct_url = json.loads(direct_url) if direct_url else None
    except ValueError:
        direct_url = None
    installer = (distribution.read_text("INSTALLER") or "").strip()
    if os.path.basename(folder_of(distribution)) == "dist-packages" and installer in ("", "debian"):
        installer = "debian"
    return {
        "name": name_of(distribution),
        "version": version_of(distribution),
        "requires": requires_of(distribution),
        "modules": modules(distribution),
        "direct_url": direct_url,
        "installer": installer,
        "groups": sorted({point.group for point in distribution.entry_points}),
        "libraries": libraries(distribution),
    }


@lru_cache(maxsize=1)
def files_of(distribution: importlib.metadata.Distribution) -> list[str]:
    """Its files, relative to its folder, with forward slashes.

    As `Distribution.files`, which takes most of a second for a large environment.
    """
    text = distribution.read_text("RECORD")
    if text is None:
        return [str(path).replace(os.sep, "/") for path in distribution.files or ()]
    return [row[0] for row in csv.reader(text.splitlines()) if row]


def libraries(distribution: importlib.metadata.Distribution) -> list[str]:
    """Absolute paths of its shared objects."""
    return [str(distribution.locate_file(path)) for path in files_of(distribution) if SHARED.search(path)]


def folder_of(distribution: importlib.metadata.Distribution) -> str:
    """The folder of sys.path in which it lies, as far as that can be told."""
    return os.path.abspath(str(distribution.locate_file("")))


def stem_of(distribution: importlib.metadata.Distribution) -> str:
    """The name of its metadata folder without the ending: ``pandas-2.1.0``."""
    path = getattr(distribution, "_path", None)
    return re.sub(r"\.(dist-info|egg-info)$", "", os.path.basename(str(path))) if path else ""


@lru_cache(maxsize=512)
def headers_of(distribution: importlib.metadata.Distribution) -> email.message.Message:
    """Its metadata without the long description. `Distribution.metadata` reads all of it at each use."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or distribution.read_text("") or ""
    return email.message_from_string(text.replace("\r\n", "\n").partition("\n\n")[0] + "\n")


def name_of(distribution: importlib.metadata.Distribution) -> str:
    """Its name; "" where its metadata are broken."""
    return str(headers_of(distribution)["Name"] or "").strip()


def version_of(distribution: importlib.metadata.Distribution) -> str:
    """Its version; "" where its metadata do not say."""
    return str(headers_of(distribution)["Version"] or "").strip()


def requires_of(distribution: importlib.metadata.Distribution) -> list[str]:
    """Its requirement lines, each in one line."""
    listed = headers_of(distribution).get_all("Requires-Dist")
    return [" ".join(str(line).split()) for line in listed or distribution.requires or []]


def ordered(version: str) -> list[tuple[int, int, str]]:
    """Versions by their numbers, good enough to tell the newer of two."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"\d+|[a-z]+", version)]


def choose(
    found: list[importlib.metadata.Distribution],
) -> tuple[dict[str, importlib.metadata.Distribution], dict[str, list[str]], list[str]]:
    """What importing finds, by normalised name; versions of what one folder has twice; what has broken metadata.

    The first folder of sys.path wins. Of two versions in one folder, left by an installation that was
    broken off, the newer is what its files most likely are.
    """
    chosen: dict[str, importlib.metadata.Distribution] = {}
    versions: dict[tuple[str, str], set[str]] = {}
    broken: set[str] = set()
    for distribution in found:
        name, version = name_of(distribution), version_of(distribution)
        if not name or not version:
            broken.add(name or stem_of(distribution))
            continue
        key = re.sub(r"[-_.]+", "-", name).lower()
        versions.setdefault((key, folder_of(distribution)), set()).add(version)
        first = chosen.setdefault(key, distribution)
        if folder_of(first) == folder_of(distribution) and ordered(version) > ordered(version_of(first)):
            chosen[key] = distribution
    doubled = {key: sorted(several) for (key, _), several in versions.items() if len(several) > 1}
    return chosen, doubled, sorted(broken - {""})


def markers() -> dict[str, str]:
    """The environment of PEP 508 markers, as `packaging` has it."""
    version = sys.implementation.version
    full = f"{version.major}.{version.minor}.{version.micro}"
    if version.releaselevel != "final":
        full += version.releaselevel[0] + str(version.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": full,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def conda_packages() -> dict[str, list[str]]:
    """What each conda package depends on, by name, as conda keeps it; {} outside conda."""
    folder = os.path.join(sys.prefix, "conda-meta")
    found: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".json"):
            try:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    document = json.load(file)
                found[str(document["name"])] = [str(one).split(" ")[0] for one in document.get("depends", ())]
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
    return found


def stamp() -> list[list[object]]:
    """Every folder that is looked into, with the time of its last change in nanoseconds (None: not there)."""
    made: list[list[object]] = []
    for folder in dict.fromkeys([*sys.path, site.getusersitepackages()]):
        try:
            made.append([folder, os.stat(folder).st_mtime_ns])
        except OSError:
            made.append([folder, None])
    return made


def main() -> None:
    """Print the document."""
    # Isolated mode hides what the kernel sees: PYTHONPATH, and outside virtual environments the user's own packages.
    sys.path[:0] = sys.argv[1:]
    user = site.getusersitepackages()
    if sys.prefix == sys.base_prefix and os.path.isdir(user) and user not in sys.path:
        sys.path.append(user)
    times = stamp()  # before anything is read, so that a change meanwhile is not missed
    chosen, doubled, broken = choose(list(importlib.metadata.distributions()))
    document = {
        "python": "{}.{}".format(*sys.version_info[:2]),
        "stdlib": sorted(getattr(sys, "stdlib_module_names", ())),
        "startup": STARTUP,
        "markers": markers(),
        "distributions": [describe(chosen[name]) for name in sorted(chosen)],
        "doubled": doubled,
        "broken": broken,
        "conda": conda_packages(),
        "stamp": times,
    }
    sys.stdout.write(json.dumps(document))


if __name__ == "__main__":
    main()
