"""Packed layers kept in a folder, each by the key of what it is made of."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from .disk import disk_errors
from .packing import Packed


class KeptLayers:
    """A cache of layers: ``<key>.tar.gz``, and ``<key>.json`` that makes it count.

    A note may tell only the bytes that a package has unpacked, where its files went into a layer with others.
    Files that are taken get the time of now, so that the least used can be cleared away.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def layer(self, key: str) -> Packed | None:
        """The layer, if it is here whole."""
        note = self._note(key)
        path = self.folder / f"{key}.tar.gz"
        try:
            kept = Packed(path=path, digest=str(note["digest"]), diff_id=str(note["diff_id"]), size=int(note["size"]))
            if path.stat().st_size != kept.size:
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        with suppress(OSError):
            os.utime(path)
        return kept

    def unpacked(self, key: str) -> int | None:
        """Bytes of the package's files, if they were ever seen."""
        size = self._note(key).get("unpacked")
        return size if isinstance(size, int) else None

    def keep(self, key: str, made: Packed, unpacked: int) -> Packed:
        """Move a layer here; the note comes last, and each by a rename."""
        kept = Packed(path=self.folder / f"{key}.tar.gz", digest=made.digest, diff_id=made.diff_id, size=made.size)
        note = {"digest": kept.digest, "diff_id": kept.diff_id, "size": kept.size, "unpacked": unpacked}
        with disk_errors(kept.path):
            self._place(key).unlink(missing_ok=True)
            made.path.replace(kept.path)
            self._write(key, note, made.path.with_name(f"{key}.note"))
        return kept

    def keep_size(self, key: str, unpacked: int, work: Path) -> None:
        """Note the size of a package that has no layer of its own; `work` is a folder for what is not whole yet."""
        if self.unpacked(key) is None:
            with disk_errors(self._place(key)):
                self._write(key, {"unpacked": unpacked}, work / f"{key}.note")

    def forget(self, path: Path) -> None:
        """Let a layer count no more: its file is not what it was."""
        if path.parent == self.folder:
            self._place(path.name.partition(".")[0]).unlink(missing_ok=True)

    def _write(self, key: str, note: dict[str, Any], work: Path) -> None:
        work.write_text(json.dumps(note), encoding="utf-8")
        work.replace(self._place(key))

    def _place(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _note(self, key: str) -> dict[str, Any]:
        try:
            note = json.loads(self._place(key).read_bytes())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}
