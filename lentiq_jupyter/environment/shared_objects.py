"""Reads which libraries a shared object names (ELF, System V gABI chapter 5, "Dynamic Section").

Three small pieces of a file are read, so that hundreds cost little; a library that reads whole files and
more than these two kinds of entries is not needed for that.
"""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from ..model import record

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_SONAME = 1, 5, 14
_LIMIT = 2**20  # bytes of one piece; real ones have some KiB


@record
class SharedObject:
    """`needed` are the sonames that the loader looks for, `soname` its own name ("" without one)."""

    needed: tuple[str, ...]
    soname: str = ""


def read_shared_object(path: str | Path) -> SharedObject | None:
    """What a file's dynamic section says; None if it is no 64-bit ELF file that is loaded dynamically."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return _read_once(str(path), status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=20_000)
def _read_once(path: str, _inode: int, _changed_ns: int, _size: int) -> SharedObject | None:
    """An environment has hundreds of them, and a notebook is published again and again from the same one."""
    try:
        with open(path, "rb") as file:
            return _read(file)
    except (OSError, struct.error, ValueError):
        return None


def _read(file: BinaryIO) -> SharedObject | None:
    head = file.read(64)
    if head[:5] != b"\x7fELF\x02":
        return None
    order = "<" if head[5] == 1 else ">"
    (offset,) = struct.unpack_from(order + "Q", head, 32)
    size, count = struct.unpack_from(order + "HH", head, 54)
    table = _piece(file, offset, size * count)
    # Type, offset in the file, address, size in the file.
    segments = []
    for number in range(count):
        kind, _, at, address, _, length = struct.unpack_from(order + "IIQQQQ", table, number * size)
        segments.append((kind, at, address, length))
    dynamic = next(((at, length) for kind, at, _, length in segments if kind == _PT_DYNAMIC), None)
    if dynamic is None:
        return None
    section = _piece(file, *dynamic)
    entries = list(struct.iter_unpack(order + "QQ", section[: len(section) // 16 * 16]))
    address = next((value for tag, value in entries if tag == _DT_STRTAB), None)
    if address is None:
        return None
    start = next(at + address - where for kind, at, where, length in segments
                 if kind == _PT_LOAD and where <= address < where + length)  # fmt: skip
    names = {value: _text(file, start + value) for tag, value in entries if tag in (_DT_NEEDED, _DT_SONAME)}
    return SharedObject(
        needed=tuple(names[value] for tag, value in entries if tag == _DT_NEEDED),
        soname=next((names[value] for tag, value in entries if tag == _DT_SONAME), ""),
    )


def _piece(file: BinaryIO, offset: int, length: int) -> bytes:
    if length > _LIMIT:
        raise ValueError("not the size of a table")
    file.seek(offset)
    return file.read(length)


def _text(file: BinaryIO, offset: int) -> str:
    file.seek(offset)
    return file.read(512).partition(b"\0")[0].decode("ascii", errors="replace")
