"""Which builder makes an image, and which Debian packages go into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import BadInput, Unavailable
from ..interfaces import Builder
from ..model import PublishRequest, SystemNeed, Witness


class Choice(NamedTuple):
    """`system` are the Debian packages of the recipe, sorted; `lacking` those that only the machine can have."""

    builder: Builder
    system: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Builders:
    """Makes builders when one is needed.

    Parameters
    ----------
    named : callable from a builder's name (None: the setting) to a Builder
    bare : callable to the Builder of images without a base, which only this registry's own machine runs
    docker_answers : callable that says whether a Docker Engine is there
    shared : callable that says whether other machines run what is in the registry
    """

    def __init__(
        self,
        *,
        named: Callable[[str | None], Builder],
        bare: Callable[[], Builder],
        docker_answers: Callable[[], bool],
        shared: Callable[[], bool],
    ) -> None:
        self._named = named
        self._bare = bare
        self._docker_answers = docker_answers
        self._shared = shared

    def choose(self, asked: str | None, needs: tuple[SystemNeed, ...], given: str = "") -> Choice:
        """The builder asked for, else the setting's, else Docker's where something needs it.

        Without Docker, a block of a registry that is a folder here is made without the packages: it runs
        on this machine, as far as the machine has them, and is marked as incomplete.

        Parameters
        ----------
        given : str
            Instructions that only Docker can follow, in words; "" for none.

        Raises
        ------
        BadInput
            If such are given and another builder is asked for.
        Unavailable
            If Docker is needed and does not answer.
        """
        builder = self._named(asked)
        names = tuple(sorted(one.package for one in needs))
        if given and builder.name != "docker":
            return self._for_instructions(given, asked, names)
        if not names or asked or builder.name == "docker":
            return Choice(builder=builder, system=names)
        listed = "; ".join(f"{one.package} ({one.why})" for one in needs)
        if self._docker_answers():
            note = f"Built with Docker, because it needs Debian packages: {listed}."
            return Choice(builder=self._named("docker"), system=names, notes=(note,))
        if self._shared():
            without = " ".join(f"--remove-system {name}" for name in names)
            raise Unavailable(
                f"The block needs Debian packages, and no Docker Engine answers to install them: {listed}.",
                f"Start Docker, or go without them: {without}.",
            )
        return self._without(needs, "No Docker Engine answers")

    def instead(
        self, choice: Choice, asked: str | None, needs: tuple[SystemNeed, ...], error: Unavailable, given: str = ""
    ) -> Choice:
        """Another choice where Docker, taken for Debian packages alone, cannot reach what it needs.

        Raises
        ------
        Unavailable
            `error`, where there is none.
        """
        if asked or given or not choice.system or self._named(None).name == "docker" or self._shared():
            raise error
        return self._without(needs, error.message.rstrip("."))

    def _for_instructions(self, given: str, asked: str | None, names: tuple[str, ...]) -> Choice:
        if asked:
            raise BadInput(
                f"The builder {asked} has no container that {given} could be run in.",
                f"Leave out --builder {asked}, or what is given for a Dockerfile.",
            )
        if not self._docker_answers():
            raise Unavailable(
                f"No Docker Engine answers to build {given}.", "Start Docker, or leave out what needs it."
            )
        note = f"Built with Docker, because of {given}."
        return Choice(builder=self._named("docker"), system=names, notes=(note,))

    def _without(self, needs: tuple[SystemNeed, ...], reason: str) -> Choice:
        listed = "; ".join(f"{one.package} ({one.why})" for one in needs)
        note = (
            f"{reason}, so the block was made without the Debian packages it needs: {listed}. It runs with the "
            "process executor where the machine has them. Publish it again where Docker can install them."
        )
        lacking = tuple(sorted(one.package for one in needs))
        return Choice(builder=self._bare(), system=(), lacking=lacking, notes=(note,))


def for_docker_only(request: PublishRequest) -> str:
    """What a request gives for a Dockerfile, in words; "" for nothing."""
    words = (("your own Dockerfile", request.dockerfile), ("Dockerfile lines", request.dockerfile_lines))
    return " and ".join(text for text, given in words if given)


def own_dockerfile(request: PublishRequest) -> str:
    """The text of the user's own Dockerfile; "" where there is none. A relative path begins at the notebook's folder.

    Raises
    ------
    BadInput
        If it cannot be read, or a base image is named beside it.
    """
    if not request.dockerfile:
        return ""
    if request.base:
        raise BadInput("A Dockerfile of your own makes the base image.", "Leave out --base, or --dockerfile.")
    path = Path(request.path).absolute().parent / Path(request.dockerfile).expanduser()
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The Dockerfile {path} cannot be read.", "Name a text file that you can read.") from error


def wanted_system(
    found: tuple[SystemNeed, ...], request: PublishRequest, repairs: Mapping[str, str]
) -> tuple[SystemNeed, ...]:
    """What was found, what a proof lacked and what the user adds, without what the user removes; by name."""
    needs = {one.package: one for one in found}
    for package, why in repairs.items():
        needs[package] = SystemNeed(package=package, witness=Witness.RUN, why=why)
    for package in request.add_system:
        needs[package] = SystemNeed(package=package, witness=Witness.USER, why="added by the user")
    return tuple(needs[name] for name in sorted(needs) if name not in request.remove_system)
