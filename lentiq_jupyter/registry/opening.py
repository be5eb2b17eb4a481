"""One text names any registry."""

from __future__ import annotations

from pathlib import Path

from ..interfaces import Registry
from .distribution import DistributionRegistry
from .layout import LayoutRegistry


def open_registry(
    location: str,
    *,
    plain_http: bool | None = None,
    ca_file: Path | None = None,
    docker_config: Path | None = None,
) -> Registry:
    """The registry a user means; nothing is read, written or connected to yet.

    Parameters
    ----------
    location : str
        A folder (``/…``, ``./…``, ``../…``, ``~/…``, ``file://…``, or a folder that exists), else
        ``[scheme://]host[:port][/prefix]`` of a registry server.
    plain_http, ca_file, docker_config
        As `DistributionRegistry` takes them; a folder needs none.

    Raises
    ------
    BadInput
        If it is neither.
    """
    text = location.strip()
    if text.startswith("file://"):
        return LayoutRegistry(Path(text.removeprefix("file://")))
    if text.startswith(("/", "./", "../", "~")) or text in (".", "..") or (text and Path(text).is_dir()):
        return LayoutRegistry(Path(text).expanduser())
    return DistributionRegistry(text, plain_http=plain_http, ca_file=ca_file, docker_config=docker_config)
