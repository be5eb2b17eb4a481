"""Data files that code names by literal paths."""

from __future__ import annotations

import ast
import dataclasses
import os.path
import re
from collections.abc import Iterable

from ..model import FileFact, Finding, Place, Severity
from .code import Code, walk
from .folder import Folder, Outside
from .names import Names

LARGE_BYTES = 50 * 2**20  # from here on, a file goes into a block only if the user says so
_LARGE_TOGETHER = 10  # times as many bytes of all files together are worth a warning
FILES_LIMIT = 1000  # more files than this under one path are not packed on a guess
_READERS = re.compile(
    r"(read_\w+|scan_\w+|open|imread|load|loadtxt|genfromtxt|fromfile|loadmat|open_dataset|open_rasterio|File|Dataset"
    r"|load_workbook|from_file|read|safe_load|listdir|scandir|ImageFolder|load_dataset|copy|copyfile)"
)
_WRITERS = re.compile(
    r"(to_\w+|save\w*|write\w*|dump\w*|imsave|imwrite|urlretrieve|mkdir|makedirs|touch|download\w*|extract\w*|mkdtemp)"
)
_LOCAL_PATH = re.compile(r"[^\n\r\0<>|\"?*]{1,255}")
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_RUNTIME = ("/dev/", "/proc/", "/sys/", "/tmp/")  # noqa: S108  # named to leave them alone
_KEYWORDS = frozenset(["path", "file", "filename", "fname", "filepath", "filepath_or_buffer", "io", "source", "fp"])


def data_of(
    codes: Iterable[Code], names: Names, folder: Folder, written: frozenset[str]
) -> tuple[tuple[FileFact, ...], tuple[Finding, ...]]:
    """Files under the folder that the code names, and findings for those that are missing or outside.

    Any string that names an existing file counts; what is missing is only told of calls that read.

    Parameters
    ----------
    written : paths the notebook itself makes in other ways
    """
    codes = tuple(codes)
    files: dict[str, FileFact] = {}
    findings: dict[str, Finding] = {}
    made = set(written)
    wanted: list[tuple[str, Place]] = []
    for code in codes:
        documentation = _documentation(code.tree)
        for node in walk(code.tree):
            if isinstance(node, ast.Call):
                reads, writes = _paths(node, names)
                wanted += [(path, code.place(node)) for path in reads]
                made.update(os.path.normpath(path) for path in writes)
                for pattern in _patterns(node, names):
                    found = folder.matching(pattern, FILES_LIMIT, ignored=False)
                    if not found and (left := folder.matching(pattern, 1)):
                        findings.setdefault(left[0], _ignored(left[0], code.place(node)))
                    _take(found, pattern, code.place(node), folder, files, findings)
            elif isinstance(node, (ast.Constant, ast.BinOp, ast.JoinedStr)) and id(node) not in documentation:
                text = names.text(node)
                if text and _EXTENSION.search(text) and _is_local(text) and folder.is_file(text):
                    wanted.append((text, code.place(node)))
    for path, place in wanted:
        _look_up(path, place, folder, made, files, findings)
    return tuple(files.values()), tuple(findings.values())


def _look_up(
    path: str,
    place: Place,
    folder: Folder,
    made: set[str],
    files: dict[str, FileFact],
    findings: dict[str, Finding],
) -> None:
    normal = os.path.normpath(path)
    if normal in made or any(normal.startswith(f"{top}/") for top in made):
        return
    try:
        inside = folder.relative(path)
    except Outside:
        findings.setdefault(path, _outside(path, place))
        return
    if inside == ".":
        return
    if (folder.is_file(inside) or folder.is_folder(inside)) and folder.ignores(inside):
        findings.setdefault(path, _ignored(path, place))
        return
    if os.path.isabs(path):
        message = f"{path} is an absolute path, which a block does not have. Write it relative to the notebook."
        findings.setdefault(
            path, Finding(severity=Severity.WARNING, code="absolute-path", message=message, place=place)
        )
    if folder.is_file(inside):
        _take([inside], path, place, folder, files, findings)
    elif folder.is_folder(inside):
        _take(folder.under(inside, FILES_LIMIT), path, place, folder, files, findings)
    elif _EXTENSION.search(path) or "/" in path:
        message = f"{path} is read but is not there. Put it beside the notebook, or make its path an input."
        findings.setdefault(path, Finding(severity=Severity.WARNING, code="missing-file", message=message, place=place))


def _take(
    found: list[str],
    named: str,
    place: Place,
    folder: Folder,
    files: dict[str, FileFact],
    findings: dict[str, Finding],
) -> None:
    if len(found) > FILES_LIMIT:
        message = (
            f"{named} holds more than {FILES_LIMIT} files, so it stays out of the block. Keep it in shared storage."
        )
        findings.setdefault(named, Finding(severity=Severity.WARNING, code="many-files", message=message, place=place))
        return
    for path in found:
        files.setdefault(path, FileFact(path=path, size=folder.size(path), kind="data", place=place))


def large_file(fact: FileFact) -> str:
    """What to decide on a large file, as a sentence."""
    return (
        f"{fact.path} is large ({_size(fact.size)}). Put it into the block with --include {fact.path}, "
        f"or leave it out with --exclude {fact.path}."
    )


def weighed(files: Iterable[FileFact], large_bytes: int) -> tuple[tuple[FileFact, ...], tuple[Finding, ...]]:
    """The files with those over `large_bytes` marked, and findings for these and for very much together."""
    marked = tuple(dataclasses.replace(fact, large=fact.size > large_bytes) for fact in files)
    findings = [
        Finding(severity=Severity.WARNING, code="large-file", message=large_file(fact), place=fact.place)
        for fact in marked
        if fact.large
    ]
    together = sum(fact.size for fact in marked)
    if together > _LARGE_TOGETHER * large_bytes:
        message = (
            f"The files of the block have {_size(together)} together, and every start of it carries them. Keep data in "
            "shared storage, or name what stays out in .lentiqignore."
        )
        findings.append(Finding(severity=Severity.WARNING, code="large-files", message=message))
    return marked, tuple(findings)


def _size(size_bytes: int) -> str:
    unit, name = next(
        ((2**power, name) for power, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")) if size_bytes >> power),
        (1, "bytes"),
    )
    return f"{size_bytes / unit:.1f} {name}" if unit > 1 else f"{size_bytes} bytes"


def _ignored(path: str, place: Place) -> Finding:
    message = f"{path} stays out of the block, because .lentiqignore names it. The block must get it elsewhere."
    return Finding(severity=Severity.INFO, code="ignored-file", message=message, place=place)


def _outside(path: str, place: Place) -> Finding:
    message = f"{path} lies outside the notebook's folder, so the block will not have it. Put it into the folder."
    return Finding(severity=Severity.WARNING, code="outside-folder", message=message, place=place)


def _is_local(text: str) -> bool:
    return bool(_LOCAL_PATH.fullmatch(text)) and not _SCHEME.match(text) and not text.startswith(_RUNTIME)


def _documentation(tree: ast.Module) -> set[int]:
    """Strings that stand alone as statements."""
    return {
        id(node.value) for node in walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _paths(call: ast.Call, names: Names) -> tuple[list[str], list[str]]:
    """Literal paths a call reads, and those it writes."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else names.dotted(call.func).rpartition(".")[2]
    given = [*call.args[:2], *(one.value for one in call.keywords if one.arg in _KEYWORDS)]
    texts = [text for text in map(names.text, given) if text and _is_local(text)]
    if isinstance(call.func, ast.Attribute) and called in ("open", "read_text", "read_bytes", "write_text", "touch"):
        owner = names.text(call.func.value)
        if owner is not None and _is_local(owner):
            texts = [owner]
    if called == "open" or names.dotted(call.func) == "open":
        mode = next((one.value for one in call.keywords if one.arg == "mode"), None)
        mode = mode or (call.args[1] if len(call.args) > 1 and not isinstance(call.func, ast.Attribute) else None)
        if mode is None and isinstance(call.func, ast.Attribute) and call.args and texts:
            mode = call.args[0] if names.text(call.args[0]) != texts[0] else None
        if set(names.text(mode) or "r") & set("wax+"):
            return [], texts[:1]
        return texts[:1], []
    if _WRITERS.fullmatch(called):
        return [], texts
    if _READERS.fullmatch(called):
        first = texts[:1] if texts and (not call.args or names.text(call.args[0]) == texts[0]) else []
        return [text for text in (first or texts[:1]) if _EXTENSION.search(text) or "/" in text], []
    return [], []


def _patterns(call: ast.Call, names: Names) -> list[str]:
    """Glob patterns a call expands."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else names.dotted(call.func).rpartition(".")[2]
    if called not in ("glob", "rglob", "iglob") or not call.args:
        return []
    pattern = names.text(call.args[0])
    if not pattern or not _is_local(pattern.replace("*", "x").replace("?", "x")):
        return []
    owner = names.text(call.func.value) if isinstance(call.func, ast.Attribute) else None
    pattern = f"**/{pattern}" if called == "rglob" else pattern
    return [f"{owner}/{pattern}" if owner else pattern]
