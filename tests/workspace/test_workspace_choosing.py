"""Which builder makes an image, and how a block is proven: decisions over plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from lentiq_jupyter.errors import BadInput, Unavailable
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import (
    DataNeed,
    EnvFact,
    Facts,
    Finding,
    Image,
    Input,
    InputType,
    LastRun,
    Place,
    PublishRequest,
    Recipe,
    Reporter,
    Severity,
    SystemNeed,
    Witness,
)
from lentiq_jupyter.workspace.choosing import Builders, for_docker_only, own_dockerfile, wanted_system
from lentiq_jupyter.workspace.verifying import choose_proof

GIT = SystemNeed(package="git", witness=Witness.RULE, why="git, cell 1")
PLACE = Place(file="it.ipynb", line=1, cell=2)


class Named:
    """A builder that has a name and builds nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def build(self, recipe: Recipe, sources: Mapping[str, Path], registry: Registry, report: Reporter) -> Image:
        raise NotImplementedError


def builders(setting: str = "layers", *, docker: bool, shared: bool) -> Builders:
    return Builders(
        named=lambda name: Named(name or setting),
        bare=lambda: Named("bare"),
        docker_answers=lambda: docker,
        shared=lambda: shared,
    )


@pytest.mark.parametrize(
    ("setting", "asked", "docker", "shared", "needs", "name", "system", "lacking"),
    [
        ("layers", None, True, True, (), "layers", (), ()),
        ("layers", None, True, True, (GIT,), "docker", ("git",), ()),
        ("layers", None, True, False, (GIT,), "docker", ("git",), ()),
        ("layers", None, False, False, (GIT,), "bare", (), ("git",)),
        ("layers", "layers", False, True, (GIT,), "layers", ("git",), ()),
        ("docker", None, False, True, (GIT,), "docker", ("git",), ()),
    ],
)
def test_debian_packages_choose_docker_where_it_is(
    setting: str,
    asked: str | None,
    docker: bool,
    shared: bool,
    needs: tuple[SystemNeed, ...],
    name: str,
    system: tuple[str, ...],
    lacking: tuple[str, ...],
) -> None:
    choice = builders(setting, docker=docker, shared=shared).choose(asked, needs)
    assert (choice.builder.name, choice.system, choice.lacking) == (name, system, lacking)


def test_shared_registry_without_docker_says_what_to_do() -> None:
    with pytest.raises(Unavailable) as raised:
        builders(docker=False, shared=True).choose(None, (GIT,))
    assert str(raised.value) == (
        "The block needs Debian packages, and no Docker Engine answers to install them: git (git, cell 1). "
        "Start Docker, or go without them: --remove-system git."
    )


def test_docker_that_reaches_nothing_is_done_without_on_ones_own_machine() -> None:
    error = Unavailable("Docker cannot reach what the build needs: no such host.")
    made = builders(docker=True, shared=False)
    choice = made.choose(None, (GIT,))
    instead = made.instead(choice, None, (GIT,), error)
    assert (instead.builder.name, instead.system, instead.lacking) == ("bare", (), ("git",))
    assert instead.notes[0].startswith("Docker cannot reach what the build needs: no such host, so the block was made")
    for shared, asked in ((True, None), (False, "docker")):
        with pytest.raises(Unavailable):
            builders(docker=True, shared=shared).instead(choice, asked, (GIT,), error)


def test_user_adds_and_removes_debian_packages() -> None:
    request = PublishRequest(path="it.ipynb", add_system=("jq",), remove_system=("git", "dot"))
    assert wanted_system((GIT,), request, {"ffmpeg": "cell 3: …"}) == (
        SystemNeed(package="ffmpeg", witness=Witness.RUN, why="cell 3: …"),
        SystemNeed(package="jq", witness=Witness.USER, why="added by the user"),
    )


@pytest.mark.parametrize(
    ("words", "inputs", "expected"),
    [
        ({}, (), ("run", "nothing it needs is missing")),
        ({"last_run": LastRun(cells=3, seconds=41.6)}, (), ("run", "its last execution took 42 s")),
        ({}, (Input(name="rows", type=InputType.INT, required=True),), ("import", "rows must be given to run it")),
        (
            {"data": (DataNeed(kind="url", name="https://example.org", because="read_csv", place=PLACE),)},
            (),
            ("import", "it fetches https://example.org (read_csv, cell 3), and a proof has no network"),
        ),
        (
            {"findings": (Finding(severity=Severity.WARNING, code="missing-file", message="a.csv is not there."),)},
            (),
            ("import", "a.csv is not there"),
        ),
        (
            {"environment": (EnvFact(name="API_KEY", has_default=False, place=PLACE),)},
            (),
            ("import", "it needs the environment variables API_KEY"),
        ),
        ({"environment": (EnvFact(name="HOME", has_default=False, place=PLACE),)}, (), ("run", "")),
        (
            {"last_run": LastRun(cells=3, failed=4)},
            (),
            ("import", "its last execution ended with an error in cell 5"),
        ),
        (
            {"last_run": LastRun(cells=3, seconds=900.0)},
            (),
            ("import", "its last execution took 900 s, a proof takes 600 s at most"),
        ),
    ],
)
def test_evidence_chooses_the_proof(
    words: dict[str, object], inputs: tuple[Input, ...], expected: tuple[str, str]
) -> None:
    facts = Facts(notebook="it.ipynb", sha256="", kernel="", **words)  # type: ignore[arg-type]
    mode, reason = choose_proof(facts, inputs, 600.0)
    assert (mode, reason if expected[1] else "") == expected


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (PublishRequest(path="it.ipynb"), ""),
        (PublishRequest(path="it.ipynb", dockerfile_lines=("RUN id",)), "Dockerfile lines"),
        (
            PublishRequest(path="it.ipynb", dockerfile_lines=("RUN id",), dockerfile="Dockerfile"),
            "your own Dockerfile and Dockerfile lines",
        ),
    ],
)
def test_what_only_docker_can_follow_is_said_in_words(request_: PublishRequest, words: str) -> None:
    assert for_docker_only(request_) == words


def test_instructions_choose_docker_and_say_so() -> None:
    choice = builders(docker=True, shared=False).choose(None, (GIT,), "Dockerfile lines")
    assert (choice.builder.name, choice.system, choice.lacking) == ("docker", ("git",), ())
    assert choice.notes == ("Built with Docker, because of Dockerfile lines.",)
    assert builders("docker", docker=True, shared=True).choose(None, (), "Dockerfile lines").notes == ()


def test_instructions_for_a_builder_without_containers_are_refused() -> None:
    with pytest.raises(BadInput) as raised:
        builders(docker=True, shared=True).choose("layers", (), "your own Dockerfile")
    assert str(raised.value) == (
        "The builder layers has no container that your own Dockerfile could be run in. "
        "Leave out --builder layers, or what is given for a Dockerfile."
    )


def test_instructions_are_never_left_out() -> None:
    with pytest.raises(Unavailable, match="No Docker Engine answers to build Dockerfile lines"):
        builders(docker=False, shared=False).choose(None, (GIT,), "Dockerfile lines")
    made = builders(docker=True, shared=False)
    choice = made.choose(None, (GIT,), "Dockerfile lines")
    with pytest.raises(Unavailable, match="no such host"):
        made.instead(choice, None, (GIT,), Unavailable("no such host"), "Dockerfile lines")


def test_own_dockerfile_is_read_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM debian:12\r\nRUN id\r\n")
    request = PublishRequest(path=str(tmp_path / "it.ipynb"), dockerfile="Dockerfile")
    assert own_dockerfile(request) == "FROM debian:12\nRUN id\n"
    with pytest.raises(BadInput, match=r"The Dockerfile .*/none cannot be read"):
        own_dockerfile(dataclasses.replace(request, dockerfile="none"))
    with pytest.raises(BadInput, match="makes the base image"):
        own_dockerfile(dataclasses.replace(request, base="debian:12"))
