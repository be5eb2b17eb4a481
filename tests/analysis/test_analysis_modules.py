"""Modules that are no packages: beside the notebook, made or fetched by it, or somewhere out of reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.model import Facts


def read(folder: Path, *cells: str) -> Facts:
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    path = folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return analyse(path)


def modules(facts: Facts) -> list[str]:
    return [fact.module for fact in facts.imports]


def elsewhere(facts: Facts) -> dict[str, str]:
    return {fact.module: fact.elsewhere for fact in facts.imports}


@pytest.mark.parametrize(
    "cells",
    [
        ("%%writefile tools/clean.py\nimport yaml", "%cd tools", "import clean"),
        ("where = 'src'\n", "%%writefile {where}/clean.py\nimport yaml", "from src.clean import x"),
        ("where = make()\n", "%%writefile $where/clean.py\nimport yaml", "from src import y\nimport clean"),
        ("%%file src/__init__.py\n", "%%file src/clean.py\nimport yaml", "from src import clean"),
        ("%%capture\n%%writefile clean.py\nimport yaml", "%run clean.py"),
        ("%%writefile clean.py\nimport yaml", "%run clean"),
    ],
)
def test_what_the_notebook_writes_is_local_and_read_wherever_it_lies(tmp_path, cells):
    found = modules(read(tmp_path, *cells))
    assert "yaml" in found
    assert "clean" not in found


def test_a_folder_that_files_are_written_to_hides_no_package_of_its_name(tmp_path):
    facts = read(
        tmp_path,
        "%%writefile keras/train.py\nimport yaml",
        "%%writefile torch/Dockerfile\nFROM x",
        "import keras, torch",
    )
    assert modules(facts) == ["keras", "torch"]


@pytest.mark.parametrize(
    "cell",
    [
        "!wget https://h.invalid/raw/clean.py",
        "!wget -q -O clean.py https://h.invalid/raw/x",
        "!curl -LO https://h.invalid/raw/clean.py",
        "%%bash\ncp ../lib/clean.py .",
        "!cp -r ../lib/clean .",
        "!ln -s ../lib/clean",
        "%%sh\ncat > clean.py <<EOF\nimport yaml\nEOF",
        "urlretrieve('https://h.invalid/raw/clean.py', 'clean.py')",
        "def get(url): ...\nget('https://h.invalid/raw/clean.py')",
        "get(BASE + '/clean.py')",
        "get(f'{BASE}/clean.py')",
        "open('clean.py', 'w').write(text)",
        "from pathlib import Path\nPath('clean.py').write_text(text)",
        "import os\nos.system('python clean.py')",
        "%save clean.py 1-3",
    ],
)
def test_what_the_notebook_fetches_or_makes_is_no_package(tmp_path, cell):
    assert "clean" not in modules(read(tmp_path, cell, "import clean"))


def test_modules_that_protoc_makes_are_no_packages(tmp_path):
    facts = read(tmp_path, "!protoc my-person.proto --python_out=.", "from my_person_pb2 import Person\nimport numpy")
    assert modules(facts) == ["numpy"]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("import sys\nsys.path.append('../code')", "../code on sys.path"),
        ("import sys, os\nsys.path.insert(0, os.path.abspath('..'))", ".. on sys.path"),
        ("import sys, os\nsys.path.insert(0, os.path.join(os.getcwd(), '..', 'src'))", "./../src/ on sys.path"),
        ("import sys\nfrom pathlib import Path\nsys.path.append(str(Path.cwd().parent))", ".. on sys.path"),
        (
            "import sys\nfrom pathlib import Path\nROOT = Path().resolve().parents[1]\nsys.path.append(str(ROOT))",
            "../.. on sys.path",
        ),
        ("import sys\nsys.path.append(find_it())", "a folder on sys.path that only a run can tell"),
        ("import sys\nsys.path += ['../lib']", "../lib on sys.path"),
        ("import sys\nsys.path.append('not/here')", "not/here on sys.path"),
        ("%cd ..", ".. that the notebook changes to"),
        ("import os\nos.chdir('/content/project')", "/content/project that the notebook changes to"),
        ("!git clone --depth 1 https://h.invalid/a/proj.git\n%cd proj/src", "proj/src that the notebook changes to"),
        ("!pip install -e .", "the project that is installed from ."),
        ("!pip install ../mine", "the project that is installed from ../mine"),
        ("!cd proj && python setup.py install", "the project that is installed from ."),
        ("%env PYTHONPATH=/x", "a folder in PYTHONPATH that only a run can tell"),
        ("x = 1", ""),
        ("import sys\nsys.path.append('.')", ""),
        ("import sys\nprint(sys.path)", ""),
        ("!git clone https://h.invalid/a/data.git", ""),
        ("!pip install -r requirements.txt ./wheels/x-1.whl", ""),
    ],
)
def test_folders_that_are_not_at_hand_are_told_with_each_import(tmp_path, cell, why):
    assert elsewhere(read(tmp_path, cell, "import strange"))["strange"] == why


def test_a_clone_of_the_modules_name_may_be_the_module(tmp_path):
    facts = read(tmp_path, "!git clone https://h.invalid/a/Strange-Net.git", "import strange_net, numpy")
    assert elsewhere(facts) == {"strange_net": "the cloned repository strange_net", "numpy": ""}


def test_a_module_in_an_existing_folder_outside_is_a_finding_and_no_import(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "clean.py").write_text("import yaml")
    (tmp_path / "work").mkdir()
    facts = read(tmp_path / "work", "import sys\nsys.path.append('../code')\nimport clean, numpy")
    assert modules(facts) == ["sys", "numpy"]
    assert [one.message[:16] for one in facts.findings] == ["sys.path gets ..", "../code/clean.py"]
    assert {one.code for one in facts.findings} == {"outside-folder"}


def test_a_name_that_another_package_gave_is_told_with_what_is_imported_from_it(tmp_path):
    cells = (
        "from google.cloud import aiplatform\nfrom tensorflow import keras",
        "from aiplatform.x import y\nimport keras.z",
    )
    assert elsewhere(read(tmp_path, *cells)) == {
        "google.cloud.aiplatform": "",
        "tensorflow": "",
        "aiplatform.x": "the name that google.cloud gives",
        "keras.z": "",
    }


def test_a_dataset_helper_is_not_taken_for_the_package_of_its_name(tmp_path):
    facts = read(tmp_path, "from sklearn import datasets", "from datasets import load_dataset")
    assert modules(facts) == ["sklearn", "datasets"]


def test_run_and_exec_follow_scripts_and_notebooks(tmp_path):
    (tmp_path / "a.py").write_text("import yaml")
    (tmp_path / "b.py").write_text("import emoji")
    cell = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "source": "%matplotlib inline\nimport seaborn\nfrom . import z",
    }
    (tmp_path / "other.ipynb").write_text(
        json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    )
    facts = read(tmp_path, "%run -i a.py --x 1\nexec(open('b.py').read())\n%run other.ipynb\n%run ./gone.ipynb")
    assert modules(facts) == ["yaml", "emoji", "seaborn"]


@pytest.mark.parametrize(
    "line", ["!python a.py --x 1", "!{sys.executable} -u ./a.py", "NAME = 'a.py'\n!python3 {NAME}"]
)
def test_scripts_that_shell_lines_run_are_followed(tmp_path, line):
    (tmp_path / "a.py").write_text("import yaml")
    facts = read(tmp_path, line + "\n!python -m a.py\n!python gone.py")
    assert (modules(facts), [fact.path for fact in facts.files]) == (["yaml"], ["a.py"])


def test_a_damaged_notebook_that_is_run_is_told(tmp_path):
    (tmp_path / "other.ipynb").write_text("{")
    facts = read(tmp_path, "%run other.ipynb\nimport numpy")
    assert (modules(facts), [one.code for one in facts.findings]) == (["numpy"], ["unparsed-cell"])


def test_scripts_of_one_folder_find_each_other_and_cycles_end(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "one.py").write_text("import two\nimport yaml")
    (tmp_path / "lib" / "two.py").write_text("import one\nimport three")
    (tmp_path / "lib" / "three.py").write_text("import one, two\nimport emoji")
    facts = read(tmp_path, "%run lib/one.py")
    assert (modules(facts), [fact.path for fact in facts.files]) == (
        ["yaml", "emoji"],
        ["lib/one.py", "lib/three.py", "lib/two.py"],
    )


def test_a_module_of_a_package_takes_no_file_beside_it_for_a_package_of_its_name(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "one.py").write_text("import yaml\nfrom . import plotly")
    (tmp_path / "lib" / "yaml.py").write_text("import never")
    (tmp_path / "lib" / "plotly.py").write_text("import plotly")
    facts = read(tmp_path, "from lib.one import x")
    assert modules(facts) == ["yaml", "plotly"]


def test_optional_imports_are_told_by_their_innermost_guard(tmp_path):
    cell = (
        "try:\n    import a\n    try:\n        import b\n    except KeyError:\n        pass\nexcept ImportError:\n"
        "    import a\n    import c\nfrom contextlib import suppress\nwith suppress(ImportError):\n    import d\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import e\nelse:\n    import f\n"
        "try:\n    import g\nfinally:\n    pass"
    )
    facts = read(tmp_path, cell)
    required = [fact.module for fact in facts.imports if not fact.optional]
    assert required == ["a", "contextlib", "typing", "f", "g"]


def test_a_line_that_installs_an_engine_of_something_imported_is_a_need(tmp_path):
    facts = read(tmp_path, "!pip install openpyxl PyArrow>=12 numpy", "import pandas as pd")
    assert [(need.distribution, need.because) for need in facts.hidden] == [
        ("openpyxl", "installed beside pandas"),
        ("pyarrow", "installed beside pandas"),
    ]
    assert read(tmp_path, "!pip install openpyxl", "import numpy").hidden == ()
