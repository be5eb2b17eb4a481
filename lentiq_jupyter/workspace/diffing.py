"""What differs between two versions of a block, or between two blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ..model import Block, BlockDiff, BlockKind, BlockSpec, Change, Input, Output, format_cpu, format_memory
from .comparing import compare_notebooks
from .contents import Contents, read_contents

if TYPE_CHECKING:
    from ..registry import Catalogue


# In every block, and said by its record: no files of the user's.
_DOCUMENTS = frozenset(("block.json", "requirements.lock", "runner.lock", "Dockerfile"))


def diff_blocks(catalogue: Catalogue, old: Block, new: Block, *, system: Callable[[Block], Iterable[str]]) -> BlockDiff:
    """What differs between two blocks.

    Parameters
    ----------
    system : callable giving a block's system packages

    Raises
    ------
    Invalid
        If a layer is damaged.
    """
    ours, theirs = (read_contents(catalogue.registry, one, keep=(one.spec.notebook,)) for one in (old, new))
    was, now = (part.kept.get(one.spec.notebook) for part, one in ((ours, old), (theirs, new)))
    layers = [
        {one.digest: one.size for one in catalogue.layers(block)} if block.spec.kind is BlockKind.NOTEBOOK else {}
        for block in (old, new)
    ]
    shared = {digest: size for digest, size in layers[0].items() if digest in layers[1]}
    return BlockDiff(
        old=old,
        new=new,
        cells=compare_notebooks(was, now) if was is not None and now is not None else "",
        inputs=changes(inputs_of(old.spec), inputs_of(new.spec)),
        outputs=changes(outputs_of(old.spec), outputs_of(new.spec)),
        packages=changes(packages_of(old.spec), packages_of(new.spec)),
        files=changes(files_of(old, ours), files_of(new, theirs)),
        settings=changes(settings_of(old, system(old)), settings_of(new, system(new))),
        shared_layers=len(shared),
        shared_bytes=sum(shared.values()),
    )


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Change, ...]:
    """What is not the same in both, by name."""
    return tuple(
        Change(name=name, old=old.get(name), new=new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )


def inputs_of(spec: BlockSpec) -> dict[str, str]:
    """Inputs as one line each, by name."""
    return {one.name: _input(one) for one in spec.inputs}


def outputs_of(spec: BlockSpec) -> dict[str, str]:
    """Outputs as one line each, by name."""
    return {one.name: _output(one) for one in spec.outputs}


def packages_of(spec: BlockSpec) -> dict[str, str]:
    """Versions of packages, by name."""
    return {one.name: one.version for one in spec.packages}


def files_of(block: Block, contents: Contents) -> dict[str, str]:
    """Size and digest of the block's files as one line each, by path; without the notebook."""
    return {
        path: f"{size} bytes, sha256:{digest[:16]}"
        for path, (digest, size) in contents.files.items()
        if path != block.spec.notebook and path not in _DOCUMENTS
    }


def settings_of(block: Block, system: Iterable[str] = ()) -> dict[str, str]:
    """What else a version is made of, by the word that the faces use for it."""
    spec, resources = block.spec, block.spec.resources
    found = {
        "kind": str(spec.kind),
        "description": spec.description,
        "base": spec.base,
        "python": spec.python,
        # Exact, as these texts are compared.
        "resources": f"{format_cpu(resources.cpu_millicores)} CPU, {format_memory(resources.memory_bytes)}",
        "command": json.dumps(spec.command, ensure_ascii=False) if spec.command else "",
        "notebook": spec.notebook,
        "system packages": ", ".join(sorted(system)),
        "complete": "yes" if block.complete else "no",
        "proof": str(block.verification.verdict),
        **{f"environment {name}": value for name, value in spec.environment.items()},
    }
    return {name: value for name, value in found.items() if value}


def _input(one: Input) -> str:
    text = str(one.type)
    if one.secret:
        text += ", secret"
    elif not one.required:
        text += f" = {json.dumps(one.default, ensure_ascii=False)}"
    return f"{text}  ({one.description})" if one.description else text


def _output(one: Output) -> str:
    text = one.source or "output"
    return f"{text}  ({one.description})" if one.description else text
