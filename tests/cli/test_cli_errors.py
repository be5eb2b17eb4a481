"""Every error is one sentence on stderr and its own exit code; a fault of the program says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from cli_office import Office
from click.testing import Result

from lentiq_jupyter import errors
from lentiq_jupyter.cli import app
from lentiq_jupyter.cli.given_inputs import parse_inputs
from lentiq_jupyter.errors import BuildFailed, LentiqError
from lentiq_jupyter.model import BlockSpec, Input, InputType

Lentiq = Callable[..., Result]
CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_error_is_one_sentence_and_its_exit_code(
    lentiq: Lentiq, office: Office, monkeypatch: pytest.MonkeyPatch, kind: type[LentiqError]
) -> None:
    def fail(query: object) -> None:
        raise kind("It went wrong.", hint="Do this.")

    monkeypatch.setattr(office, "blocks", fail)
    result = lentiq("block", "list", code=kind.exit_code)
    assert (result.stdout, result.stderr) == ("", "lentiq: It went wrong. Do this.\n")


def test_failed_build_shows_the_end_of_its_log(lentiq: Lentiq, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(query: object) -> None:
        raise BuildFailed("It broke.", log="\n".join(f"line {number}" for number in range(30)))

    monkeypatch.setattr(office, "blocks", fail)
    lines = lentiq("block", "list", code=9).stderr.splitlines()
    assert lines == [*[f"  | line {number}" for number in range(10, 30)], "lentiq: It broke."]


def test_unwritable_folder_is_named(lentiq: Lentiq, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(query: object) -> None:
        raise PermissionError(13, "Permission denied", "/data/lentiq")

    monkeypatch.setattr(office, "blocks", fail)
    assert lentiq("block", "list", code=10).stderr == (
        "lentiq: Permission denied: /data/lentiq. Choose another --home.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("limit",), "'limit' is not name=value. Write for example -i country=RO."),
        (("limit=many",), "Input limit takes int, not 'many'. Correct the value."),
        (("limt=1",), "Block b has no input limt. Did you mean limit?"),
        (("rows=1",), "Block b has no input rows. Its inputs: limit."),
        (("limit=1", "limit=2"), "Input limit is given twice. Give it once."),
    ],
)
def test_wrong_input_words_are_refused(words: tuple[str, ...], sentence: str) -> None:
    spec = BlockSpec(name="b", inputs=(Input(name="limit", type=InputType.INT),))
    with pytest.raises(errors.BadInput) as caught:
        parse_inputs(spec, words)
    assert str(caught.value) == sentence


def test_cpu_without_memory_is_refused(lentiq: Lentiq) -> None:
    assert lentiq("publish", "a.ipynb", "--cpu", "1", code=2).stderr.startswith("lentiq: CPU and memory")


BROKEN = """
import sys
from lentiq_jupyter.cli import main
class Broken:
    def blocks(self, query): {body}
from lentiq_jupyter.cli import app
sys.argv = ["lentiq", "block", "list"]
app.context_settings["obj"] = Broken()
main()
"""


def broken(body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = BROKEN.format(body=body)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


def test_unknown_exception_asks_for_a_report_without_a_traceback() -> None:
    done = broken("return {}['k']")
    assert (done.returncode, done.stderr) == (
        1,
        "lentiq: KeyError: 'k'\n"
        "This is a fault of lentiq itself; please report it. LENTIQ_DEBUG=1 shows where it happened.\n",
    )


def test_unknown_exception_has_its_traceback_with_debug() -> None:
    assert "Traceback" in broken("return {}['k']", LENTIQ_DEBUG="1").stderr


def test_ctrl_c_leaves_with_130() -> None:
    done = broken("raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "lentiq: Stopped.\n")


def test_closed_pipe_is_quiet() -> None:
    code = f"{sys.executable!r} -m lentiq_jupyter.cli --help | true"
    done = subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_unknown_command_is_a_usage_error(lentiq: Lentiq) -> None:
    lentiq("diff", code=2)
    assert "diff" not in app.commands
