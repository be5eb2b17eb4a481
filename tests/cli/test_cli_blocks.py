"""``lentiq block``: what is asked, what is printed, and that strangers' texts do not steer the terminal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
from cli_office import Office
from click.testing import Result
from fake_service import BLOCK, DIFF, OLD, README, USES, WORKFLOW

from lentiq_jupyter.cli import present
from lentiq_jupyter.cli.plain import one_line, plain
from lentiq_jupyter.model import (
    BlockDiff,
    BlockQuery,
    BlockUse,
    Change,
    Drift,
    Input,
    Output,
    PinnedPackage,
    Provenance,
    Task,
    Verification,
    encode,
)

Lentiq = Callable[..., Result]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_list_asks_for_what_matches(lentiq: Lentiq, office: Office) -> None:
    words = ("--search", "sales pandas", "--owner", "ana", "--input", "limit", "--no-deprecated")
    assert "clean-sales@2" in lentiq("block", "list", *words).stdout
    assert office.asked == [("blocks", BlockQuery(words="sales pandas", owner="ana", input="limit", deprecated=False))]
    assert (
        lentiq("block", "list", "--search", "nothing").stdout == "No block matches. See all with: lentiq block list\n"
    )
    assert json.loads(lentiq("block", "list", "--search", "nothing", "--json").stdout) == []


def test_list_marks_what_is_deprecated() -> None:
    row = present.blocks([dataclasses.replace(BLOCK, deprecated="")]).splitlines()[1]
    assert row.endswith("deprecated. Cleans <b>sales</b>")


def test_show_tells_where_a_block_comes_from_and_who_uses_it() -> None:
    source = Provenance(
        commit=COMMIT, modified=True, source="https://git.example.org/sales.git", tool="lentiq-jupyter 1"
    )
    spec = dataclasses.replace(
        BLOCK.spec,
        outputs=(Output(name="score", source="/out/score.json", description="how good"),),
        packages=(PinnedPackage(name="six", version="1.17.0", witness="kernel"),),
        command=("score", "--fast"),
        environment={"LIMIT": "${{ inputs.limit }}"},
    )
    block = dataclasses.replace(BLOCK, spec=spec, provenance=source, deprecated="use 3")
    lines = present.block(block, [block, OLD], USES).splitlines()
    assert lines[1] == "deprecated   use 3"
    assert "source       commit 0123456789ab of https://git.example.org/sales.git, and changes to the notebook" in lines
    assert "made by      lentiq-jupyter 1" in lines
    assert 'command      ["score", "--fast"]' in lines
    assert "versions     2 (deprecated), 1" in lines
    assert "\n".join(lines).endswith(
        "\n\noutputs\n  score from /out/score.json  (how good)"
        "\n\nenvironment\n  LIMIT=${{ inputs.limit }}"
        "\n\nused by\n  default/nightly, task clean"
        "\n\npackages\n  six==1.17.0  kernel"
    )


def test_show_says_nothing_of_what_is_not_known(lentiq: Lentiq) -> None:
    shown = lentiq("block", "show", "clean-sales").stdout
    titles = [line.partition("  ")[0] for line in shown.splitlines()]
    assert {"source", "made by", "deprecated", "command"} & {*titles} == set()
    assert "used by\n  default/nightly, task clean" in shown
    assert "used by" not in lentiq("block", "show", "clean-sales@1").stdout


def test_readme_is_printed_without_what_steers_a_terminal(lentiq: Lentiq) -> None:
    shown = lentiq("block", "show", "clean-sales", "--readme").stdout
    assert shown == "# Clean sales\n\nReads <script>alert(1)</script> the table of sales.\n"
    assert json.loads(lentiq("block", "show", "clean-sales", "--readme", "--json").stdout) == {"readme": README}


def test_block_without_a_readme_says_so(lentiq: Lentiq, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "readme", lambda reference: "")
    result = lentiq("block", "show", "clean-sales", "--readme")
    assert (result.stdout, result.stderr) == (
        "",
        "clean-sales has no README.md and no text above its first code cell.\n",
    )


def test_list_of_packages_is_the_document(lentiq: Lentiq, office: Office) -> None:
    assert json.loads(lentiq("block", "show", "clean-sales", "--sbom").stdout) == office.sbom("clean-sales")
    assert "has no list of packages. Publish" in lentiq("block", "show", "clean-sales@1", "--sbom", code=3).stderr
    refused = lentiq("block", "show", "clean-sales", "--sbom", "--readme", code=2).stderr
    assert "--readme and --sbom exclude each other" in refused


def test_diff_tells_part_by_part(lentiq: Lentiq) -> None:
    made = present.when(BLOCK.created)
    assert lentiq("block", "diff", "clean-sales@1", "clean-sales@2").stdout == (
        f"old     clean-sales@1, {made} by ana, 2.0 kB\n"
        f"new     clean-sales@2, {made} by ana, 2.0 kB\n"
        "shared  3 layers, 1.0 MB\n"
        "\nsettings\n  ~ python  3.11 → 3.12\n"
        "\ninputs\n  ~ limit  int = 1 → int\n"
        "\noutputs\n  + table  output\n"
        "\npackages\n  ~ pandas  2.1.0 → 2.2.0\n  - six  1.16.0\n"
        "\nfiles\n  + data.csv  sha256:1234 (12 bytes)\n"
        "\nnotebook\n  ## modified /cells/0/source:\n  -  limit = 1\n  +  limit = 2\n"
    )
    assert json.loads(lentiq("block", "diff", "clean-sales@1", "clean-sales@2", "--json").stdout) == encode(DIFF)


def test_drift_tells_what_differs_from_the_block(lentiq: Lentiq) -> None:
    assert lentiq("block", "drift", "clean.ipynb").stdout == (
        f"1 cell differs from {BLOCK.reference}.\n\n  ## modified\n"
    )
    assert lentiq("block", "drift", "clean.ipynb", "--packages").stdout.endswith("\npackages\n  ~ pandas  2.1 → 2.2\n")
    assert json.loads(lentiq("block", "drift", "clean.ipynb", "--json").stdout)["changed_cells"] == 1
    assert present.drift(Drift(), "a.ipynb") == "a.ipynb is not published. Publish it with: lentiq publish a.ipynb"
    same = Drift(block=BLOCK, same=True, packages=())
    assert present.drift(same, "a.ipynb") == f"The cells are those of {BLOCK.reference}.\nThe packages are the same."


def test_equal_versions_are_said_to_be_equal() -> None:
    assert present.block_diff(BlockDiff(old=OLD, new=BLOCK)).endswith("\n\nNothing that runs differs.")


def test_deprecating_takes_a_reason_and_can_be_undone(lentiq: Lentiq, office: Office) -> None:
    assert lentiq("block", "deprecate", "clean-sales@1", "--reason", "use 2").stdout == "clean-sales@1 is deprecated.\n"
    lentiq("block", "deprecate", "clean-sales@1")
    undone = lentiq("block", "deprecate", "clean-sales@1", "--undo").stdout
    assert undone == "clean-sales@1 is not deprecated any more.\n"
    assert office.asked == [
        ("deprecate_block", ("clean-sales@1", "use 2")),
        ("deprecate_block", ("clean-sales@1", "should not be used any more")),
        ("deprecate_block", ("clean-sales@1", None)),
    ]
    found = json.loads(lentiq("block", "deprecate", "clean-sales@1", "--reason", "use 2", "--json").stdout)
    assert found == encode(dataclasses.replace(OLD, deprecated="use 2"))
    assert "as in clean-sales@1" in lentiq("block", "deprecate", "clean-sales", code=2).stderr
    both = lentiq("block", "deprecate", "clean-sales@1", "--reason", "x", "--undo", code=2).stderr
    assert "exclude each other" in both


def test_version_in_use_is_removed_by_force_only(lentiq: Lentiq, office: Office) -> None:
    assert "uses clean-sales@2" in lentiq("block", "remove", "clean-sales@2", code=4).stderr
    assert office.asked == []
    result = lentiq("block", "remove", "clean-sales@2", "--force")
    assert office.asked == [("remove_block", ("clean-sales@2", True))]
    assert result.stdout == "Removed clean-sales@2.\n"
    assert result.stderr == "Workflow default/nightly uses it in task clean: its next run fails.\n"


def test_workflow_tells_of_deprecated_versions(lentiq: Lentiq, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = (*WORKFLOW.tasks, Task(name="gone", block="gone", version="1"))
    office.saved["default", "nightly"] = dataclasses.replace(WORKFLOW, tasks=tasks)
    assert "deprecated" not in lentiq("workflow", "show", "nightly").stdout
    old = dataclasses.replace(BLOCK, deprecated="use\x1b[31m 3")
    monkeypatch.setattr(office, "block_versions", lambda name: [old] if name == "clean-sales" else [])
    shown = lentiq("workflow", "show", "nightly").stdout
    assert "# task clean: clean-sales@2 is deprecated: use 3\n" in shown


HOSTILE = "a\x1b[2J\x1b]0;title\x07\x9b31mb\rc\u202ed\x00\x7f\ud800\n\x1b[1A- e"


def test_no_text_of_a_stranger_steers_the_terminal() -> None:
    """Every text that a registry may hold, in everything that is printed of it."""
    spec = dataclasses.replace(
        BLOCK.spec,
        description=HOSTILE,
        base=HOSTILE,
        inputs=(Input(name="a", default=HOSTILE, description=HOSTILE),),
        outputs=(Output(name="b", source="/" + HOSTILE, description=HOSTILE),),
        packages=(PinnedPackage(name=HOSTILE, version=HOSTILE, witness=HOSTILE),),
        command=(HOSTILE,),
        environment={HOSTILE: HOSTILE},
        notebook=HOSTILE,
    )
    block = dataclasses.replace(
        BLOCK,
        spec=spec,
        author=HOSTILE,
        image=HOSTILE,
        digest=HOSTILE,
        deprecated=HOSTILE,
        verification=Verification(evidence=HOSTILE, log=HOSTILE, repairs=(HOSTILE,)),
        provenance=Provenance(commit=HOSTILE, source=HOSTILE, tool=HOSTILE),
    )
    change = (Change(name=HOSTILE, old=HOSTILE, new=HOSTILE), Change(name=HOSTILE, old=HOSTILE))
    differing = BlockDiff(
        old=block,
        new=block,
        cells=HOSTILE,
        inputs=change,
        outputs=change,
        packages=change,
        files=change,
        settings=change,
    )
    use = BlockUse(project=HOSTILE, workflow=HOSTILE, task=HOSTILE, version="1")
    for text in (
        present.blocks([block]),
        present.block(block, [block], [use]),
        present.block_diff(differing),
        present.value({"a": HOSTILE}),
        one_line(HOSTILE),
    ):
        assert [one for one in text if not one.isprintable() and one != "\n"] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b]0;never ended", ""),
        ("\x1bc\x1b(0x", "x"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("ä 漢 😀 e\u0301", "ä 漢 😀 e\u0301"),
        ("\ud800", ""),
    ],
)
def test_plain_text_keeps_words_and_lines(text: str, shown: str) -> None:
    assert plain(text) == shown
