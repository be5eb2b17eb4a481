"""The way to packages: settings that reach uv and both builders."""

from __future__ import annotations

from pathlib import Path

import pytest

from lentiq_jupyter.environment.uv_compile import UV_SETTINGS, index_key, uv_settings
from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.workspace.parts import Parts
from lentiq_jupyter.workspace.settings import Settings


def test_without_settings_uv_goes_its_own_way(tmp_path: Path) -> None:
    parts = Parts(Settings(home=str(tmp_path)))
    assert parts.uv_variables == {}
    assert parts.network.indexes == ()
    assert list(tmp_path.iterdir()) == []


def test_settings_reach_uv(tmp_path: Path) -> None:
    given = tmp_path / "ours.pem"
    given.write_text("-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n")
    variables = Parts(
        Settings(
            home=str(tmp_path / "home"),
            certificates=str(given),
            package_index="ours=https://packages.example.com/simple",
            extra_package_indexes=["https://more.example.com/simple", "https://most.example.com/simple"],
            proxy="http://proxy.example.com:3128",
            no_proxy="example.com",
        )
    ).uv_variables
    bundle = variables.pop("SSL_CERT_FILE")
    assert variables == {
        "UV_DEFAULT_INDEX": "ours=https://packages.example.com/simple",
        "UV_INDEX": "https://more.example.com/simple https://most.example.com/simple",
        "HTTP_PROXY": "http://proxy.example.com:3128",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "http_proxy": "http://proxy.example.com:3128",
        "https_proxy": "http://proxy.example.com:3128",
        "NO_PROXY": "example.com",
        "no_proxy": "example.com",
        "GIT_SSL_CAINFO": bundle,
    }
    text = Path(bundle).read_text()
    assert text.endswith(given.read_text())
    assert text.count("BEGIN CERTIFICATE") > 50


def test_index_with_a_password_is_refused_and_not_shown(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), package_index="https://me:hunter2@packages.example.com/simple")
    with pytest.raises(BadInput) as caught:
        _ = Parts(settings).network
    assert str(caught.value) == (
        "The package index at packages.example.com is given with a user name or password. "
        "Leave them out, and put them into ~/.netrc."
    )


@pytest.mark.parametrize("text", ["packages.example.com", "https://", "https://a b", "file:///x"])
def test_index_that_is_no_address_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="A package index is not written as an address"):
        _ = Parts(Settings(home=str(tmp_path), extra_package_indexes=[text])).network


def test_certificates_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no file of certificates .*/none\.pem"):
        _ = Settings(home=str(tmp_path), certificates=str(tmp_path / "none.pem")).certificate_file


def test_another_index_has_a_cache_of_hashes_of_its_own() -> None:
    key = index_key()
    with uv_settings({"UV_DEFAULT_INDEX": "https://packages.example.com/simple"}):
        assert index_key() != key
    assert (index_key(), UV_SETTINGS.get()) == (key, {})


def test_password_of_the_database_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p@ss/w:rd\n")
    given = {"database_password_file": str(tmp_path / "password")}
    settings = Settings(database="postgresql+psycopg://lentiq@127.0.0.1:5432/lentiq", **given)
    assert settings.database_url == "postgresql+psycopg://lentiq:p%40ss%2Fw%3Ard@127.0.0.1:5432/lentiq"
    for url in ("postgresql+psycopg://lentiq:other@host/x", "postgresql+psycopg://host/x", ""):
        with pytest.raises(BadInput, match="its URL names no user, or a password as well"):
            _ = Settings(database=url, home=str(tmp_path), **given).database_url
    with pytest.raises(BadInput, match="The password of the database cannot be read from /none"):
        _ = Settings(database="postgresql+psycopg://me@host/x", database_password_file="/none").database_url
