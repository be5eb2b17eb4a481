"""What is read from a catalogue of blocks: which match a query, who uses one, what its README says. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..model import Block, BlockQuery, BlockUse, Workflow

README = "README.md"
_README_LIMIT = 200_000  # characters; more is no text for people


def matching(blocks: Iterable[Block], query: BlockQuery) -> list[Block]:
    """The blocks that a query matches, in their order."""
    words = query.words.casefold().split()
    owner, name = query.owner.strip().casefold(), query.input.strip().casefold()
    return [
        one
        for one in blocks
        if (query.deprecated or one.deprecated is None)
        and (not owner or one.author.casefold() == owner)
        and (not name or any(given.name.casefold() == name for given in one.spec.inputs))
        and (not words or _has_all(one, words))
    ]


def _has_all(block: Block, words: list[str]) -> bool:
    """Whether each word occurs in one of the texts that are searched."""
    spec = block.spec
    texts = (
        spec.name,
        spec.description,
        block.author,
        *(one.name for one in spec.inputs),
        *(one.name for one in spec.outputs),
        *(one.name for one in spec.packages),
    )
    searched = "\n".join(texts).casefold()  # no word has a line break in it, so that none spans two texts
    return all(word in searched for word in words)


def users(workflows: Iterable[Workflow], name: str, version: str | None) -> list[BlockUse]:
    """Tasks that use the block `name`, of that version unless it is None; by project, workflow, task."""
    found = [
        BlockUse(project=workflow.project, workflow=workflow.name, task=task.name, version=task.version or "")
        for workflow in workflows
        for task in workflow.tasks
        if task.block == name and version in (None, task.version)
    ]
    return sorted(found, key=lambda one: (one.project, one.workflow, one.task))


def introduction(notebook: bytes) -> str:
    """The Markdown above the first code cell; "" if there is none, or if this is no notebook."""
    try:
        cells = json.loads(notebook)["cells"]
        texts = []
        for cell in cells:
            if cell["cell_type"] == "code":
                break
            if cell["cell_type"] == "markdown":
                source = cell["source"]
                texts.append((source if isinstance(source, str) else "".join(source)).strip())
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return shortened("\n\n".join(text for text in texts if text))


def shortened(text: str) -> str:
    """`text`, cut where it is too long for people."""
    return text if len(text) <= _README_LIMIT else text[:_README_LIMIT] + "\n\n… (the rest is left out)"
