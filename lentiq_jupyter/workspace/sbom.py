"""A block's list of packages as a CycloneDX 1.6 document, and what is read back from one.

Written here rather than by cyclonedx-python-lib: importing that takes longer than a whole warm publish may
cost, and what is written is small. A test holds it to the official schema. No serial number and no time: the
same image has the same bytes. Specification: https://cyclonedx.org/docs/1.6/json/ and, for the names of
packages, https://github.com/package-url/purl-spec.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote, urlsplit, urlunsplit

from .. import __version__
from ..interfaces import Registry
from ..model import Block, BlockSpec, Descriptor, Json, Lock, Package

MEDIA_TYPE = "application/vnd.cyclonedx+json"
_ENVIRONMENT = "io.lentiq.environment"  # a property: "block" or "runner"
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_DEBIAN = "pkg:deb/debian/"

Document = dict[str, object]


def document(spec: BlockSpec, image_id: str, lock: Lock, system: Iterable[str] = ()) -> bytes:
    """The list of what is in a block's image besides its base: Python packages of both environments, Debian's.

    It belongs to the image rather than to a version: all versions that are the same image have the same list.

    Parameters
    ----------
    image_id : str
        The digest of the image configuration.
    lock : Lock
        Of the block's environment.
    system : names of Debian packages installed by name; their versions are the base's business
    """
    components = [
        *(_package(one, "block") for one in lock.packages),
        *_runner(lock.python),
        *(_debian(name) for name in sorted(set(system))),
        *([_base(spec.base)] if spec.base else []),
    ]
    subject = _image(spec, image_id)
    found: Document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": subject,
            "tools": {"components": [{"type": "application", "name": "lentiq-jupyter", "version": __version__}]},
        },
        "components": components,
        "dependencies": [{"ref": subject["bom-ref"], "dependsOn": sorted(str(one["bom-ref"]) for one in components)}],
    }
    return json.dumps(found, sort_keys=True, separators=(",", ":")).encode()


def send(registry: Registry, name: str, body: bytes) -> bytes:
    """Send a list to a block's repository ahead of `attach`; returns it.

    Raises
    ------
    Unavailable, Denied
        From the registry.
    """
    registry.put_blob(name, body, "sha256:" + hashlib.sha256(body).hexdigest(), ask=False)  # it names this image
    return body


def attach(registry: Registry, name: str, manifest: Descriptor, body: bytes) -> None:
    """Add a list to the manifest of a block that was registered just now.

    Raises
    ------
    Unavailable, Denied
        From the registry.
    """
    registry.attach(name, manifest, MEDIA_TYPE, MEDIA_TYPE, body, alone=True)


def read(registry: Registry, block: Block) -> dict[str, Json] | None:
    """The list attached to a block; None if there is none, or if it is no such document.

    Raises
    ------
    Unavailable, Denied
        From the registry.
    """
    for body in reversed(registry.attached(block.spec.name, block.digest, MEDIA_TYPE)):
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found.get("bomFormat") == "CycloneDX":
            return found
    return None


def system_packages(found: Mapping[str, Json]) -> tuple[str, ...]:
    """Names of the Debian packages in a document."""
    components = found.get("components")
    purls = [one.get("purl") for one in components if isinstance(one, dict)] if isinstance(components, list) else []
    return tuple(sorted(one.removeprefix(_DEBIAN) for one in purls if isinstance(one, str) and one.startswith(_DEBIAN)))


def _image(spec: BlockSpec, image_id: str) -> Document:
    return {
        "type": "container",
        "bom-ref": f"block:{spec.name}",
        "name": spec.name,
        "version": image_id,
        **({"description": spec.description} if spec.description else {}),
    }


def _package(one: Package, environment: str) -> Document:
    name = re.sub(r"[-_.]+", "-", one.name).lower()
    purl = f"pkg:pypi/{name}@{quote(one.version, safe='')}{_origin(one.url)}"
    return {
        "type": "library",
        "bom-ref": f"{environment}:{purl}",
        "name": one.name,
        "version": one.version,
        "purl": purl,
        "properties": [{"name": _ENVIRONMENT, "value": environment}],
        **_hashes(one.hashes),
    }


def _origin(url: str | None) -> str:
    """The qualifier that says where a package comes from; "" for an index, and for a file of this machine."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme.split("+")[-1] == "file" or not host:
        return ""
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
    return f"?{'vcs_url' if '+' in parts.scheme else 'download_url'}={quote(address, safe='')}"


def _debian(name: str) -> Document:
    purl = _DEBIAN + quote(name, safe="")
    return {"type": "library", "bom-ref": purl, "name": name, "purl": purl}


def _base(reference: str) -> Document:
    """The base image, by its digest where the reference has one."""
    tagged, _, digest = reference.partition("@")
    repository, colon, tag = tagged.rpartition(":")
    if not colon or "/" in tag:  # the colon of a port
        repository, tag = tagged, ""
    purl = f"pkg:oci/{quote(repository.rpartition('/')[2], safe='')}"
    purl += f"@{quote(digest, safe='')}" if digest else ""
    purl += f"?repository_url={quote(repository, safe='')}" + (f"&tag={quote(tag, safe='')}" if tag else "")
    found: Document = {"type": "container", "bom-ref": purl, "name": repository, "purl": purl, **_hashes((digest,))}
    if tag or digest:
        found["version"] = tag or digest
    return found


def _hashes(given: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    found = sorted({match[1] for match in map(_HASH.fullmatch, given) if match})
    return {"hashes": [{"alg": "SHA-256", "content": one} for one in found]} if found else {}


@lru_cache(maxsize=8)
def _runner(python: str) -> tuple[Document, ...]:
    """What the runner's environment holds under that Python, by its lock."""
    from packaging.requirements import Requirement

    from ..images.dockerfile import pins_of
    from ..images.recipe import runner_lock
    from ..model import Witness

    here = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    here |= {"platform_system": "Linux", "os_name": "posix", "implementation_name": "cpython"}
    found = []
    for pin in pins_of(runner_lock()):
        text, *hashes = pin.split(" --hash=")
        wanted = Requirement(text.removesuffix("\\").strip())
        if wanted.marker is None or wanted.marker.evaluate(here):
            version = next(iter(wanted.specifier)).version
            pinned = Package(name=wanted.name, version=version, witness=Witness.DEPENDENCY, hashes=tuple(hashes))
            found.append(_package(pinned, "runner"))
    return tuple(found)
