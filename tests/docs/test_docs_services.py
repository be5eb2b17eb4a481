"""The templates that make a service of the scheduler: what they call exists, and their own tools accept them."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from lentiq_jupyter.assets import template
from lentiq_jupyter.cli import app
from lentiq_jupyter.workspace.settings import ENVIRONMENT, Settings

UNIT = template("service/lentiq-scheduler.service")
COMPOSE = template("service/compose.yaml")


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read(UNIT)
    return parser


def parsed(words: list[str]) -> str:
    """The command's name; fails where the command line does not understand the words."""
    root = app.make_context("lentiq", words)
    name, *rest = [*root._protected_args, *root.args]
    command = app.get_command(root, name)
    assert command is not None
    command.make_context(name, rest, parent=root)
    return name


def test_unit_calls_a_command_that_exists() -> None:
    program, *words = shlex.split(unit()["Service"]["ExecStart"])
    assert Path(program).name == "lentiq"
    assert parsed(words) == "scheduler"
    with pytest.raises(click.UsageError):
        parsed([*words, "--no-such-option"])


def test_unit_leaves_tasks_running_and_hears_of_the_scheduler() -> None:
    service = unit()["Service"]
    wanted = {
        "Type": "notify",
        "KillMode": "process",
        "Restart": "on-failure",
        "OOMPolicy": "continue",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
    }
    assert {key: service[key] for key in wanted} == wanted
    # Each of these would take something away from tasks that outlive the service, or their isolation.
    assert not {"PrivateTmp", "RestrictNamespaces", "ProtectProc", "ProtectKernelTunables"} & set(service)


def test_unit_keeps_all_state_in_its_own_folder() -> None:
    service = unit()["Service"]
    given = dict(word.split("=", 1) for word in service["Environment"].split())
    assert given == {"LENTIQ_HOME": "%S/lentiq", "HOME": "%S/lentiq", "TMPDIR": "%S/lentiq/tmp"}
    assert service["StateDirectory"].split() == ["lentiq", "lentiq/tmp"]
    assert ENVIRONMENT["LENTIQ_HOME"] == "home"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/lentiq/bin/lentiq", sys.executable))
    done = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def compose() -> dict[str, dict[str, dict[str, object]]]:
    return yaml.safe_load(COMPOSE.read_text())


def test_compose_file_calls_a_command_and_settings_that_exist() -> None:
    scheduler = compose()["services"]["scheduler"]
    program, *words = scheduler["command"]  # type: ignore[misc]
    assert program == "lentiq"
    assert parsed(words) == "scheduler"
    variables = scheduler["environment"]
    assert set(variables) <= set(ENVIRONMENT)  # type: ignore[call-overload]
    assert set(ENVIRONMENT.values()) <= set(Settings.class_own_traits())


def test_compose_file_is_whole() -> None:
    document = compose()
    services = document["services"]
    assert sorted(services) == ["database", "registry", "scheduler"]
    assert [name for name, one in services.items() if "healthcheck" not in one] == []
    assert set(services["scheduler"]["depends_on"]) == {"database", "registry"}
    named = {str(volume).split(":")[0] for one in services.values() for volume in one.get("volumes", [])}
    assert {name for name in named if not name.startswith("/")} == set(document["volumes"])
    used = {secret for one in services.values() for secret in one.get("secrets", [])}
    assert used == set(document["secrets"])
    # Only this machine reaches them.
    ports = [str(port) for one in services.values() for port in one.get("ports", [])]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_compose_file_holds_no_password() -> None:
    for one in compose()["services"].values():
        for name, value in one.get("environment", {}).items():  # type: ignore[attr-defined]
            if "PASSWORD" in name:
                assert name.endswith("_FILE")
                assert value == "/run/secrets/database_password"


def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    (tmp_path / "database_password.txt").write_text("x")
    shutil.copy(COMPOSE, tmp_path)
    done = subprocess.run(
        [docker, "compose", "--file", str(tmp_path / COMPOSE.name), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
