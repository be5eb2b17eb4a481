"""A small real base image in a layout folder, and recipes over it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conftest_images import BASE, SIX, put_base

from lentiq_jupyter.images import make_recipe
from lentiq_jupyter.interfaces import Registry
from lentiq_jupyter.model import BlockSpec, Lock, Recipe
from lentiq_jupyter.registry import DistributionRegistry, LayoutRegistry, parse_reference


@pytest.fixture
def bases(tmp_path: Path) -> LayoutRegistry:
    """A registry with ``library/python:3.11-slim`` in it."""
    registry = LayoutRegistry(tmp_path / "bases")
    put_base(registry, "library/python", "3.11-slim")
    return registry


@pytest.fixture
def open_base(bases: LayoutRegistry) -> Callable[[str], tuple[Registry, str, str]]:
    def opened(reference: str) -> tuple[Registry, str, str]:
        _, repository, tag = parse_reference(reference)
        return bases, repository, tag

    return opened


@pytest.fixture
def server(registry_host: str) -> DistributionRegistry:
    """A registry server, under a prefix that nobody else has."""
    return DistributionRegistry(f"{registry_host}/lentiq-test/{uuid.uuid4().hex[:12]}")


@pytest.fixture
def recipe_of(tmp_path: Path) -> Callable[..., tuple[Recipe, Mapping[str, Path]]]:
    """Makes a recipe of texts; each call puts them in another folder."""

    def made(
        files: Mapping[str, str] | None = None,
        *,
        requirements: str = SIX,
        base: str = BASE,
        python: str = "3.11",
        system_packages: tuple[str, ...] = (),
        **spec: object,
    ) -> tuple[Recipe, Mapping[str, Path]]:
        folder = tmp_path / uuid.uuid4().hex
        paths = {}
        for name, text in {"sales.ipynb": "{}", **(files or {})}.items():
            paths[name] = folder / name
            paths[name].parent.mkdir(parents=True, exist_ok=True)
            paths[name].write_text(text, encoding="utf-8")
        return make_recipe(
            BlockSpec(**{"name": "clean-sales", "python": python, "base": base, "notebook": "sales.ipynb", **spec}),
            base=base,
            platform="linux/amd64",
            python=python,
            lock=Lock(python=python, packages=(), requirements=requirements),
            files=paths,
            notebook="sales.ipynb",
            system_packages=system_packages,
        )

    return made
