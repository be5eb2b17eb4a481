"""Runs under the kernel's interpreter, alone: standard library only, Python 3.9 and later.

Prints one JSON document: the distributions installed there, the Python, its markers. Nothing of what
is installed is imported.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import json
import os
import platform
import re
import site
import sys

SUFFIXES = sorted(importlib.machinery.all_suffixes(), key=len, reverse=True)


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
    paths = [str(path).replace(os.sep, "/") for path in distribution.files or ()]
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
    return {
        "name": distribution.metadata["Name"],
        "version": distribution.version,
        "requires": distribution.requires or [],
        "modules": modules(distribution),
        "direct_url": direct_url,
        "installer": (distribution.read_text("INSTALLER") or "").strip(),
    }


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


def main() -> None:
    """Print the document."""
    # Isolated mode hides the user's own packages, which the kernel sees outside virtual environments.
    user = site.getusersitepackages()
    if sys.prefix == sys.base_prefix and os.path.isdir(user) and user not in sys.path:
        sys.path.append(user)
    seen: dict[str, importlib.metadata.Distribution] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            seen.setdefault(re.sub(r"[-_.]+", "-", name).lower(), distribution)
    document = {
        "python": "{}.{}".format(*sys.version_info[:2]),
        "stdlib": sorted(getattr(sys, "stdlib_module_names", ())),
        "markers": markers(),
        "distributions": [describe(seen[name]) for name in sorted(seen)],
    }
    sys.stdout.write(json.dumps(document))


if __name__ == "__main__":
    main()
