"""Where secret values are kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lentiq_jupyter.errors import BadInput, NotFound
from lentiq_jupyter.workspace.secrets import SecretStore


def test_secret_is_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets")
    store.set("API_KEY", "first", "default")
    store.set("API_KEY", "sesame 🔑\nline", "default")
    assert store.value("API_KEY", "default") == "sesame 🔑\nline"
    assert store.names("default") == ("API_KEY",)
    modes = {stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "secrets").rglob("*") if one.is_file()}
    assert (modes, stat.S_IMODE((tmp_path / "secrets" / "default").stat().st_mode)) == ({0o600}, 0o700)


def test_projects_do_not_see_each_others_secrets(tmp_path: Path) -> None:
    store = SecretStore(tmp_path)
    store.set("API_KEY", "sesame", "team-a")
    with pytest.raises(NotFound, match=r"lentiq secret set API_KEY$"):
        store.value("API_KEY", "default")
    with pytest.raises(NotFound, match="lentiq secret set API_KEY --project team-b"):
        store.value("API_KEY", "team-b")


def test_removed_secret_is_gone(tmp_path: Path) -> None:
    store = SecretStore(tmp_path)
    store.set("API_KEY", "sesame", "default")
    store.remove("API_KEY", "default")
    assert store.names("default") == ()
    with pytest.raises(NotFound):
        store.remove("API_KEY", "default")


@pytest.mark.parametrize(
    ("name", "project", "value"),
    [("../up", "default", "x"), ("A", "../up", "x"), ("A", "default", ""), ("A", "default", "a\0b")],
)
def test_what_is_no_name_or_value_is_refused(tmp_path: Path, name: str, project: str, value: str) -> None:
    with pytest.raises(BadInput):
        SecretStore(tmp_path / "secrets").set(name, value, project)
    assert not list(tmp_path.rglob("up"))
