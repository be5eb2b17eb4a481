"""Notebooks that no static reading understands: proven, repaired, and run as blocks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest_road import Road, write_notebook

from lentiq_jupyter.errors import BuildFailed
from lentiq_jupyter.model import ProgressEvent, PublishRequest, PublishResult, Reporter, Verdict

pytestmark = [pytest.mark.network, pytest.mark.slow]
FILES = Path(__file__).parent / "files"


def publish(road: Road, path: Path, **words: object) -> tuple[PublishResult, list[str]]:
    """The result, and what was said on the way."""
    said: list[str] = []

    def sink(event: ProgressEvent) -> None:
        said.append(event.message)

    return road.workspace.publish(PublishRequest(path=str(path), **words), Reporter(sink)), said  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("notebook", "repair", "output"),
    [
        (
            "import_by_string",
            "ruamel-yaml added (the kernel has it) after cell 3: ModuleNotFoundError: No module named 'ruamel'",
            "output answer = 42",
        ),
        (
            "plugin_entry_point",
            "mako added (the kernel has it as a plug-in of python.templating.engines) after cell 3: KeyError: 'mako'",
            'output engine = "TGPlugin"',
        ),
        (
            "engine_in_config",
            # Where the machine has no libpq, psycopg-binary follows.
            "psycopg added (the kernel has it) after cell 3: ModuleNotFoundError: No module named 'psycopg'",
            'output driver = "psycopg"',
        ),
    ],
)
def test_what_a_run_finds_missing_is_added_with_its_evidence(
    process_road: Road, tmp_path: Path, notebook: str, repair: str, output: str
) -> None:
    path = tmp_path / f"{notebook}.ipynb"
    shutil.copy(FILES / path.name, path)
    shutil.copy(FILES / "engine.toml", tmp_path)
    result, said = publish(process_road, path)
    block = process_road.workspace.block(result.block.reference)
    assert block.verification.verdict is Verdict.RUN
    repairs = block.verification.repairs
    assert repairs[0] == repair
    assert [one for one in said if one.endswith("; building again")] == [f"{one}; building again" for one in repairs]
    found = {one.name for one in block.spec.packages if one.witness == "found missing when run"}
    assert found == {one.partition(" ")[0] for one in repairs}
    assert output in process_road.lentiq("run", block.reference).stdout
    assert repair in process_road.lentiq("block", "show", block.reference).stdout


def test_a_module_that_only_has_a_public_name_is_not_installed(process_road: Road, tmp_path: Path) -> None:
    path = write_notebook(
        tmp_path / "confused.ipynb", [(None, "import importlib\nimportlib.import_module('-cowpy'[1:][::1])")]
    )
    with pytest.raises(BuildFailed) as raised:
        publish(process_road, path)
    assert raised.value.message.startswith(
        "The block lacks cowpy (cell 1: ModuleNotFoundError: No module named 'cowpy')"
    )
    assert "--add cowpy" in raised.value.hint


def test_left_out_package_is_not_put_back(process_road: Road, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "left.ipynb", [(None, "import pathspec")])
    with pytest.raises(BuildFailed, match="does not run without pathspec, which was left out"):
        publish(process_road, path, remove=("pathspec",))


def test_run_without_network_or_data_is_proven_by_its_imports(process_road: Road, tmp_path: Path) -> None:
    code = "import socket\nhost = '.'.join(['example', 'org'])\nsocket.create_connection((host, 80))"
    path = write_notebook(tmp_path / "net.ipynb", [(None, "import pathspec"), (None, code)])
    result, _ = publish(process_road, path)
    verification = result.block.verification
    assert verification.verdict is Verdict.IMPORT
    assert "a run was tried: cell 2 ended with gaierror" in verification.evidence
    assert "import pathspec: ok" in verification.log
    with pytest.raises(BuildFailed, match="gaierror"):
        publish(process_road, path, name="insisted", proof="run")
