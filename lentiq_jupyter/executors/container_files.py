"""Files of a container, one by one, running or ended."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import suppress

from docker.errors import APIError
from docker.errors import NotFound as NoSuchFile
from docker.models.containers import Container

from ..errors import Unavailable
from ..model import EXIT_CODE, Json
from .image_block import OUTPUT_LIMIT_BYTES, output_value

_TRIES = 3
_ARCHIVE_HEAD_BYTES = 16 * 1024  # a tar's own blocks around one file
# The engine's own errors for a path that leads nowhere: below a file, in a circle of links, beyond what Linux takes.
_NOWHERE = ("not a directory", "too many links", "file name too long")


def read_file(container: Container, path: str, limit_bytes: int) -> tuple[bytes | None, str]:
    """The bytes of a plain file, or of what a symbolic link names; else None and what is wrong with it.

    At most about `limit_bytes` are fetched, whatever is there.

    Raises
    ------
    Unavailable
        If the file is replaced each time it is read.
    """
    for _ in range(_TRIES):
        try:
            stream, status = container.get_archive(path)
            if target := (status or {}).get("linkTarget"):
                stream, status = container.get_archive(target)
        except NoSuchFile:  # the container itself may be gone, too
            return None, "is missing"
        except APIError as error:
            if any(words in str(error.explanation) for words in _NOWHERE):
                return None, "is missing"
            raise
        size = int((status or {}).get("size", 0))
        if size > limit_bytes:
            return None, f"has {size} bytes, more than {limit_bytes}"
        body = _beginning(stream, limit_bytes + _ARCHIVE_HEAD_BYTES)
        with suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(body)) as archive:
            member = archive.next()
            content = archive.extractfile(member) if member is not None and member.isfile() else None
            return (content.read(), "") if content is not None else (None, "is no plain file")
        # The file was replaced while the engine read it.
    raise Unavailable("The job's results cannot be read.", "Try again.")


def read_outputs(container: Container, sources: Mapping[str, str], exit_code: int) -> tuple[dict[str, Json], str]:
    """The outputs of an ended image block, and a sentence for the first that cannot be read ("" if all can).

    Parameters
    ----------
    sources : mapping
        `Output.source` by output name.
    """
    values: dict[str, Json] = {}
    fault = ""
    for name, source in sources.items():
        if source == EXIT_CODE:
            values[name] = exit_code
            continue
        body, wrong = read_file(container, source, OUTPUT_LIMIT_BYTES)
        try:
            if body is not None:
                values[name] = output_value(body)
        except UnicodeDecodeError:
            wrong = "is neither JSON nor text"
        if wrong and not fault:
            fault = f"output {name} cannot be read: the file {source} in the container {wrong}"
    return values, fault


def open_folder(container: Container, folder: str) -> None:
    """Let any user of a container that was not started yet write into a folder of it."""
    parent, _, name = folder.rpartition("/")
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    entry.mode = 0o1777
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(entry)
    container.put_archive(parent, packed.getvalue())


def _beginning(stream: Iterable[bytes], limit: int) -> bytes:
    """The first bytes of a stream, a little more than `limit` at most."""
    found = bytearray()
    for chunk in stream:
        found += chunk
        if len(found) > limit:
            break
    return bytes(found)
