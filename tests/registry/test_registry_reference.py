"""How images and registries are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.registry import DistributionRegistry, LayoutRegistry, open_registry, parse_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4
HUB = "registry-1.docker.io"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python:3.11", (HUB, "library/python", "3.11")),
        ("python", (HUB, "library/python", "latest")),
        ("jupyter/base-notebook", (HUB, "jupyter/base-notebook", "latest")),
        ("docker.io/python:3.11", (HUB, "library/python", "3.11")),
        ("docker.io/library/python", (HUB, "library/python", "latest")),
        ("127.0.0.1:5000/library/python:3.11-slim", ("127.0.0.1:5000", "library/python", "3.11-slim")),
        ("localhost/clean", ("localhost", "clean", "latest")),
        ("[::1]:5000/clean:2", ("[::1]:5000", "clean", "2")),
        ("ghcr.io/team/clean:3", ("ghcr.io", "team/clean", "3")),
        (f"ghcr.io/team/clean@{DIGEST}", ("ghcr.io", "team/clean", DIGEST)),
        (f"ghcr.io/team/clean:3@{DIGEST}", ("ghcr.io", "team/clean", DIGEST)),
    ],
)
def test_reference_follows_docker_rules(reference: str, expected: tuple[str, str, str]) -> None:
    assert parse_reference(reference) == expected


@pytest.mark.parametrize(
    "reference", ["", "Python:3", "python:", "a/../b", "host.io/", "python@sha256:12", "a b", "host.io:x/a", "a:b c"]
)
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(BadInput):
        parse_reference(reference)


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_bad_input(text: str) -> None:
    try:
        host, repository, reference = parse_reference(text)
    except BadInput:
        return
    assert parse_reference(f"{host}/{repository}{'@' if ':' in reference else ':'}{reference}") == (
        host, repository, reference,
    )  # fmt: skip


def test_folders_are_layouts_and_hosts_are_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "there").mkdir()
    folders = {
        str(tmp_path / "new"): tmp_path / "new",
        "./new": tmp_path / "new",
        f"file://{tmp_path}/new": tmp_path / "new",
        "there": tmp_path / "there",
        "~/blocks": tmp_path / "home" / "blocks",
    }
    for text, folder in folders.items():
        registry = open_registry(text)
        assert isinstance(registry, LayoutRegistry)
        assert registry.folder == folder
    servers = {
        "127.0.0.1:5000": "127.0.0.1:5000",
        "ghcr.io/team": "ghcr.io/team",
        "https://ghcr.io/team/": "ghcr.io/team",
        "docker.io/team": "docker.io/team",
    }
    for text, location in servers.items():
        registry = open_registry(text)
        assert isinstance(registry, DistributionRegistry)
        assert registry.location == location


@pytest.mark.parametrize("text", ["", "ftp://host", "host/UPPER", "a b", "host:port"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        open_registry(text)


def test_password_in_a_location_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadInput) as caught:
        open_registry("https://ana:open-sesame@ghcr.io")
    assert "open-sesame" not in str(caught.value)
    assert "docker login" in str(caught.value)
