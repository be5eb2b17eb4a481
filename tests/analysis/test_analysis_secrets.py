"""Secrets are found, never repeated, and offered as inputs."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from lentiq_jupyter.analysis import analyse, without_secrets
from lentiq_jupyter.model import Facts, Input, InputType, SecretFact, Severity, encode

TOKEN = "ghp_" + "aB3" * 12
RANDOM = "q7ZK2mN4pX5rT6uVw8Ys9aBc"
READ = '__import__("os").environ["TOKEN"]'
KEY = "AKIA" + "Q7ZK2MN4PX5RT6UV"


def read(folder: Path, *cells: str, outputs: dict[int, str] | None = None, tags: dict[int, str] | None = None) -> Facts:
    notebook = nbformat.v4.new_notebook()
    for number, source in enumerate(cells):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        if tags and number in tags:
            cell.metadata["tags"] = [tags[number]]
        if outputs and number in outputs:
            cell.outputs = [nbformat.v4.new_output("stream", text=outputs[number])]
        notebook.cells.append(cell)
    path = folder / "it.ipynb"
    nbformat.write(notebook, path)
    return analyse(path)


def codes(facts: Facts) -> list[tuple[Severity, str, int | None]]:
    told = [one for one in facts.findings if one.code != "undefined-name"]  # of snippets that use what they lack
    return [(one.severity, one.code, one.place.cell if one.place else None) for one in told]


@pytest.mark.parametrize(
    ("source", "kind", "name"),
    [
        (f"github_token = '{TOKEN}'", "a GitHub token", "github_token"),
        (f"client(key='{KEY}')", "an AWS access key", "key"),
        ("db_password = 'Tr0ub4dor&3'", "a password", "db_password"),
        ("url = 'postgresql://me:Tr0ub4dor3@db.internal/x'", "a password in a URL", "url"),
        (f"url = 'https://files.internal/a.csv?sig={RANDOM}'", "a token in a URL", "url"),
        (f"import os\nos.environ['API_KEY'] = '{RANDOM}'", "a secret key", "API_KEY"),
    ],
)
def test_secret_in_a_cell_stops_and_gets_a_name(tmp_path: Path, source: str, kind: str, name: str) -> None:
    facts = read(tmp_path, source)
    assert [(one.kind, one.name) for one in facts.secrets] == [(kind, name)]
    assert codes(facts) == [(Severity.ERROR, "secret", 0)]
    assert f"--secret {name}" in facts.findings[0].message


@pytest.mark.parametrize(
    "source",
    [
        "password = 'your-password'",
        "api_key = 'YOUR_API_KEY'",
        "token = 'xxxxxxxxxxxxxxxxxxxxxxxx'",
        "tokenizer = 'bert-base-uncased'\nmax_tokens = '512'",
        "primary_key = 'customer_id_2024_europe'",
        "url = 'postgresql://user:password@localhost/x'",
        "password = getpass('password:')",
        "sha = '9b74c9897bac770ffc029102a200c5de'",
    ],
)
def test_what_only_stands_for_a_secret_is_none(tmp_path: Path, source: str) -> None:
    assert read(tmp_path, source).secrets == ()


def test_no_character_of_a_secret_is_in_the_facts(tmp_path: Path) -> None:
    facts = read(tmp_path, f"token: str = '{TOKEN}'", f"get('https://x.org/?token={TOKEN}')", tags={0: "parameters"})
    assert TOKEN not in json.dumps(encode(facts))
    assert facts.inputs[0] == Input(name="token", required=True, secret=True)


def test_secret_in_a_saved_output_is_a_warning(tmp_path: Path) -> None:
    facts = read(tmp_path, "show()", outputs={0: f"logged in with {TOKEN}\n"})
    assert codes(facts) == [(Severity.WARNING, "secret-in-output", 0)]
    assert [one.source for one in facts.secrets] == ["output"]


def test_variables_of_the_environment_and_of_dotenv_become_secret_inputs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DB_PASSWORD=Tr0ub4dor3\nREGION=eu\n")
    reading = "import os\nos.environ['OPENAI_API_KEY']\nos.environ.get('HOME_TOWN')"
    facts = read(tmp_path, reading, "import dotenv\ndotenv.load_dotenv()")
    assert [(one.name, one.type, one.required, one.secret) for one in facts.inputs] == [
        ("OPENAI_API_KEY", InputType.STR, True, True),
        ("DB_PASSWORD", InputType.STR, True, True),
        ("REGION", InputType.STR, False, True),
    ]
    assert facts.files == ()
    assert "Tr0ub4dor3" not in json.dumps(encode(facts))


def test_value_used_twice_has_one_name(tmp_path: Path) -> None:
    facts = read(tmp_path, f"token = '{TOKEN}'", f"login('{TOKEN}')")
    assert {one.name for one in facts.secrets if isinstance(one, SecretFact)} == {"token"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("token = 'sesame'  # mine", 'token = __import__("os").environ["TOKEN"]  # mine'),
        ("f('é', 'sesame', 'ses' 'ame')", f"f('é', {READ}, {READ})"),
        ("%time x = 1\ny = '''sesame'''", '%time x = 1\ny = __import__("os").environ["TOKEN"]'),
        ("%%time\ny = 'sesame'", '%%time\ny = __import__("os").environ["TOKEN"]'),
        ("y = f'open {x} sesame'", "y = f'open {x} sesame'"),
    ],
)  # fmt: skip
def test_literal_alone_is_taken_out(source: str, expected: str) -> None:
    assert without_secrets(source, {"sesame": "TOKEN"}) == expected
