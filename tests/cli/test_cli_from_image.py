"""``lentiq block from-image``: words of a command line become a request."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli_office import Office
from click.testing import Result

from lentiq_jupyter.model import EXIT_CODE, ImageRequest, Input, InputType, Output, Resources

Lentiq = Callable[..., Result]


def test_words_become_a_request(lentiq: Lentiq, office: Office) -> None:
    words = (
        "--input", "url", "--input", "tries:int=3", "--input", "whom=a=b", "--input", 'data:json={"x": null}',
        "--secret", "TOKEN", "--env", "MODE=a=b", "--env", "EMPTY=", "--output", "text", "--output", "page=/tmp/page",
        "--output", "code=exit-code", "--cpu", "500m", "--memory", "1Gi", "--version", "1.0", "--description", "Fetch.",
    )  # fmt: skip
    command = ("--fail", "--name", "x y", "${{ inputs.url }}", "")
    lentiq("block", "from-image", "curlimages/curl:8.10.1", "--name", "fetch", *words, "--json", "--", *command)
    assert office.asked == [
        (
            "block_from_image",
            ImageRequest(
                image="curlimages/curl:8.10.1",
                name="fetch",
                version="1.0",
                description="Fetch.",
                inputs=(
                    Input(name="url", required=True),
                    Input(name="tries", type=InputType.INT, default=3),
                    Input(name="whom", default="a=b"),
                    Input(name="data", type=InputType.JSON, default={"x": None}),
                    Input(name="TOKEN", required=True, secret=True),
                ),
                outputs=(
                    Output(name="text"),
                    Output(name="page", source="/tmp/page"),
                    Output(name="code", source=EXIT_CODE),
                ),
                command=command,
                environment={"MODE": "a=b", "EMPTY": ""},
                resources=Resources(cpu_millicores=500, memory_bytes=2**30),
            ),
        )
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--input", "x:text"), "'x:text' has no type of an input. Write x:TYPE with str, int, float, bool, json."),
        (("--input", "x:int=three"), "Input x takes int, not 'three'."),
        (("--input", "2x"), "'2x' is not an input name."),
        (("--output", "x=out"), "Output x comes from 'out', which is neither a file nor the exit code."),
        (("--output", "x="), "'x=' says no file. Write x=/out/x, or x=exit-code."),
        (("--env", "MODE"), "'MODE' is not NAME=VALUE."),
        (("--env", "A=1", "--env", "A=2"), "Variable A is given twice."),
        (("--cpu", "1"), "CPU and memory are given together."),
    ],
)
def test_word_that_is_off_is_said(lentiq: Lentiq, office: Office, words: tuple[str, ...], message: str) -> None:
    result = lentiq("block", "from-image", "busybox", "--name", "b", *words, code=2)
    assert result.stderr.startswith(f"lentiq: {message}")
    assert office.asked == []


def test_version_that_was_there_is_said_to_be_unchanged(lentiq: Lentiq) -> None:
    words = ("block", "from-image", "busybox", "--name", "clean-sales", "--version")
    assert lentiq(*words, "2").stdout.startswith("Unchanged: clean-sales@2 is the same.\nblock ")
    shown = lentiq(*words, "3").stdout
    assert shown.startswith("block ")
    assert "command      the image's own" in shown
