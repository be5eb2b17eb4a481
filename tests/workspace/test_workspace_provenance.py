"""Where a notebook comes from, by real repositories, some of them hostile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lentiq_jupyter.model import Provenance
from lentiq_jupyter.workspace.provenance import TOOL, provenance_of, without_credentials

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def saved(path: Path, source: str = "x = 1", *, output: str | None = None) -> Path:
    outputs = [] if output is None else [{"output_type": "stream", "name": "stdout", "text": output}]
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": outputs, "execution_count": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}))
    return path


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A committed notebook two folders down."""
    path = saved(tmp_path / "repository" / "sales" / "clean up.ipynb")
    git(tmp_path / "repository", "init", "--quiet")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "--quiet", "--message", "first")
    git(tmp_path / "repository", "remote", "add", "backup", "https://backup.example.org/sales.git")
    git(tmp_path / "repository", "remote", "add", "origin", "https://ana:secret@git.example.org/sales.git?token=t")
    return path


def test_provenance_is_commit_and_address_without_credentials(notebook: Path) -> None:
    commit = git(notebook.parent, "rev-parse", "HEAD")
    source = "https://git.example.org/sales.git"
    assert provenance_of(notebook) == Provenance(commit=commit, modified=False, source=source, tool=TOOL)


@pytest.mark.parametrize(("source", "output", "modified"), [("x = 2", None, True), ("x = 1", "1\n", False)])
def test_only_what_runs_makes_a_notebook_modified(notebook: Path, source: str, output: str, modified: bool) -> None:
    saved(notebook, source, output=output)
    assert provenance_of(notebook).modified is modified


def test_notebook_that_was_never_committed_is_modified(notebook: Path) -> None:
    found = provenance_of(saved(notebook.with_name("new.ipynb")))
    assert (found.commit, found.modified) == (git(notebook.parent, "rev-parse", "HEAD"), True)


def test_outside_a_repository_only_the_tool_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "plain" / "x.ipynb")
    assert provenance_of(path) == Provenance(tool=TOOL)
    assert provenance_of(tmp_path / "gone" / "x.ipynb") == Provenance(tool=TOOL)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance_of(path) == Provenance(tool=TOOL)


def test_repository_without_a_commit_says_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.ipynb")
    git(tmp_path, "init", "--quiet")
    assert provenance_of(path) == Provenance(tool=TOOL)


def test_callers_git_variables_do_not_count(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git(notebook.parent, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    assert provenance_of(notebook).commit == commit
    assert not (tmp_path / "trace").exists()


def test_no_command_of_a_hostile_repository_is_run(notebook: Path, tmp_path: Path) -> None:
    """Everything a repository may name to be run leaves a mark where it was."""
    repository, mark = notebook.parent.parent, tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    program.chmod(0o755)
    (repository / ".gitattributes").write_text("*.ipynb filter=evil diff=evil\n")
    for key in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.external"),
        *("gpg.program", "credential.helper", "uploadpack.packObjectsHook", "pager.config", "pager.cat-file"),
        *("alias.cat-file", "alias.config", "core.alternateRefsCommand", "remote.origin.uploadpack"),
    ):
        git(repository, "config", key, f"!{program}" if key.startswith("alias") else str(program))
    hooks = repository / ".git" / "hooks"
    for name in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(program, hooks / name)
    saved(notebook, "x = 1", output="told\n")
    assert provenance_of(notebook).modified is False
    assert not mark.exists()
    git(repository, "status")
    assert mark.exists()
    mark.unlink()
    # A partial clone fetches what it lacks, by whatever its remote names.
    blob = git(repository, "rev-parse", "HEAD:./sales/clean up.ipynb")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "remote.origin.promisor", "true")
    for url in (f"ext::{program} %S", "ssh://host.example/x", f"file://{tmp_path}", str(tmp_path), "git://127.0.0.1/x"):
        git(repository, "config", "remote.origin.url", url)
        assert provenance_of(notebook).modified is True
        assert not mark.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_repository_of_another_user_has_no_provenance(notebook: Path) -> None:
    for path in (notebook.parent.parent, notebook.parent.parent / ".git"):
        os.chown(path, 12345, 12345)
    assert provenance_of(notebook) == Provenance(tool=TOOL)


def test_git_that_hangs_is_not_waited_for(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("lentiq_jupyter.workspace.provenance._LIMIT_S", 0.3)
    assert provenance_of(notebook) == Provenance(tool=TOOL)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://git.example.org/a/b.git", "https://git.example.org/a/b.git"),
        ("https://ana:p%40ss@git.example.org:8443/a?private_token=x#y", "https://git.example.org:8443/a"),
        ("https://ana:a@b@git.example.org/a", "https://git.example.org/a"),
        ("ssh://git@git.example.org/a", "ssh://git.example.org/a"),
        ("git@git.example.org:a/b.git", "git.example.org:a/b.git"),
        ("ana:pass@git.example.org:a/b.git", "git.example.org:a/b.git"),
        ("/home/ana/sales", ""),
        ("../sales", ""),
        ("./a:b", ""),
        ("C:/sales", ""),
        ("file:///home/ana/sales", ""),
        ("ext::sh -c touch% x", ""),
        ("https://git.example.org/\x1b[31m", ""),
        ("https://[broken/a", ""),
        ("https://git.example.org/" + "a" * 500, ""),
        ("", ""),
    ],
)
def test_address_is_shown_without_what_is_nobodys_business(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
