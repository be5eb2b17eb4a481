"""What a request for an image block asks for, checked: every fault of it at once. Pure.

Input values go into arguments and environment variables by references, ``${{ inputs.NAME }}``. What an
argument holds, everyone on the machine can read, so secrets go into variables only; and what a shell or
another interpreter reads as its program must hold no text from outside, which could then be a program itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..errors import BadInput, Invalid
from ..model import (
    DEFAULT_RESOURCES,
    RESULTS_FOLDER,
    Block,
    BlockKind,
    BlockSpec,
    ImageRequest,
    Input,
    InputType,
    Output,
    Workflow,
    check_value,
    input_reference,
    referenced_inputs,
    replace_inputs,
)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# What a program or its loader cannot do without, and what the scheduler sets.
_TAKEN = re.compile(r"PATH|HOME|HOSTNAME|IFS|LD_.*|LENTIQ_.*")
# Programs that read a program from an argument, and the option that stands before it.
_INTERPRETER = re.compile(r"[a-z]{0,3}sh|python[\d.]*|perl|ruby|node|php|lua|Rscript")
_PROGRAM_OPTION = re.compile(r"-[a-zA-Z]*[cer][a-z]*|--eval")
_PATH_LIMIT = 1024
_MANIFEST_LIMIT = 256 * 1024  # characters of all texts; a configuration is read whole wherever blocks are listed


def image_spec(request: ImageRequest, base: str, entrypoint: tuple[str, ...] = ()) -> BlockSpec:
    """The description of the block that a request asks for.

    Parameters
    ----------
    base : str
        The image's reference, by digest.
    entrypoint : tuple of str
        The image's entry point, which the command is given to.

    Raises
    ------
    Invalid
        With every fault.
    BadInput
        If the name is none.
    """
    spec = BlockSpec(
        name=request.name,
        kind=BlockKind.IMAGE,
        description=request.description.strip() or f"The image {request.image}.",
        inputs=request.inputs,
        outputs=tuple(_with_source(one) for one in request.outputs),
        resources=request.resources or DEFAULT_RESOURCES,
        base=base,
        command=request.command,
        environment=dict(request.environment),
    )
    faults = tuple(_faults(spec, entrypoint))
    if faults:
        raise Invalid(f"Block {spec.name} cannot be made of {request.image}", faults)
    return spec


def unrunnable(workflow: Workflow, blocks: Mapping[str, Block], executor: str) -> tuple[str, ...]:
    """A fault for each task whose block is an image, where the executor runs no images.

    Parameters
    ----------
    blocks : mapping of ``name@version``, and of ``name`` for the newest, to the block
    """
    if executor != "process":
        return ()
    return tuple(
        f"tasks.{task.name}.block: {task.block} is an image, which executor {executor} cannot run. "
        "Set LENTIQ_EXECUTOR=docker, or give --executor docker."
        for task in workflow.tasks
        if (found := blocks.get(f"{task.block}@{task.version}" if task.version else task.block))
        and found.spec.kind is BlockKind.IMAGE
    )


def _with_source(one: Output) -> Output:
    return (
        one if one.source else Output(name=one.name, description=one.description, source=f"{RESULTS_FOLDER}/{one.name}")
    )


def _faults(spec: BlockSpec, entrypoint: tuple[str, ...]) -> Iterator[str]:
    yield from _input_faults(spec.inputs)
    yield from _output_faults(spec.outputs)
    known = {one.name: one for one in spec.inputs}
    for number, word in enumerate(spec.command, 1):
        for fault in _text_faults(word, known):
            yield f"command[{number}]: {fault}"
        for name in referenced_inputs(word):
            if name in known and known[name].secret:
                yield (
                    f"command[{number}]: {name} is secret, and everyone on the machine can read arguments. "
                    "Leave it out: it is set as an environment variable."
                )
    words = (*entrypoint, *spec.command)
    for at in sorted(set(_programs(words))):
        for name in referenced_inputs(words[at]) if at >= len(entrypoint) else ():
            if name in known and known[name].type in (InputType.STR, InputType.JSON):
                yield (
                    f"command[{at - len(entrypoint) + 1}]: the value of {name} would be read as a part of a program. "
                    f'Read it from the variable {name.upper()} there ("${name.upper()}" in a shell); '
                    "it is set when no reference names the input."
                )
    yield from _variable_faults(spec, known)
    texts = (spec.description, *spec.command, *spec.environment.values(), *(one.description for one in spec.inputs))
    size = sum(map(len, texts)) + sum(len(str(one.default)) for one in spec.inputs)
    if size > _MANIFEST_LIMIT:
        yield f"the texts of the block have {size} characters, more than {_MANIFEST_LIMIT}. Put them into the image."


def _input_faults(inputs: tuple[Input, ...]) -> Iterator[str]:
    for number, one in enumerate(inputs):
        place = f"inputs.{one.name}"
        for other in inputs[:number]:
            if other.name.upper() == one.name.upper():
                yield f"{place}: there is an input {other.name}, and variables are named in capitals. Rename one."
        if one.secret and (one.default is not None or one.type is not InputType.STR):
            yield f"{place}: is secret, so it is text and has no default. Its value: lentiq secret set {one.name}."
        elif not one.required:
            try:
                check_value(one, one.default)
            except BadInput as error:
                yield f"{place}: {error}"


def _output_faults(outputs: tuple[Output, ...]) -> Iterator[str]:
    names = [one.name for one in outputs]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"outputs.{name}: {names.count(name)} outputs have this name. Rename one."
    for one in outputs:
        if one.source.endswith("/") or len(one.source) > _PATH_LIMIT or not one.source.isprintable():
            yield f"outputs.{one.name}: {one.source[:80]!r} is no path of a file. Write one, as in /out/{one.name}."


def _text_faults(text: str, known: Mapping[str, Input]) -> Iterator[str]:
    if "\0" in text:
        yield "holds a NUL character. Take it out."
    for name in referenced_inputs(text):
        if name not in known:
            yield f"there is no input {name}. Its inputs: {', '.join(known) or 'none'}."
    rest = replace_inputs(text, lambda name: "")
    if "${{" in rest:
        begin = rest.index("${{")
        end = rest.find("}}", begin)
        bad = rest[begin : end + 2 if end >= 0 else len(rest)]
        yield f"{bad} is not a reference. Write {input_reference('NAME')}."


def _variable_faults(spec: BlockSpec, known: Mapping[str, Input]) -> Iterator[str]:
    for name, text in spec.environment.items():
        place = f"environment.{name}"
        if not _VARIABLE.fullmatch(name):
            yield f"environment: {name[:80]!r} names no variable. Use letters, digits and underscores, as in LOG_LEVEL."
        elif name.upper().startswith("LENTIQ_"):
            yield f"{place}: variables of that beginning are set for every task. Choose another name."
        for fault in _text_faults(text, known):
            yield f"{place}: {fault}"
    named = {name for text in (*spec.command, *spec.environment.values()) for name in referenced_inputs(text)}
    for name in known:
        variable = name.upper()
        if name in named:
            continue
        if variable in spec.environment:
            yield (
                f"environment.{variable}: input {name} would be set under the same name. "
                f"Write {variable}={input_reference(name)}, or rename the input."
            )
        elif _TAKEN.fullmatch(variable):
            yield (
                f"inputs.{name}: would be set as {variable}, which programs need for themselves. "
                f"Say where it goes, as in the variable INPUT_{variable}={input_reference(name)}, or rename it."
            )


def _programs(words: tuple[str, ...]) -> Iterator[int]:
    """Where among these words an interpreter finds its program."""
    for begin, word in enumerate(words):
        if not _INTERPRETER.fullmatch(word.rpartition("/")[2]):
            continue
        at = begin + 1
        while at < len(words) and words[at].startswith("-"):
            if _PROGRAM_OPTION.fullmatch(words[at]) and at + 1 < len(words):
                yield at + 1
            at += 2 if words[at].endswith("o") else 1  # a shell's -o has an argument, as in -euo pipefail
