"""Debian packages that the code of a notebook asks for."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from lentiq_jupyter.analysis import analyse, package_of_program


@pytest.mark.parametrize(
    ("cells", "packages"),
    [
        (
            ["!sudo apt-get install -y xvfb libfoo=1.2 ~/x.deb > /dev/null"],
            {"xvfb": "install line, cell 1", "libfoo": "install line, cell 1"},
        ),
        (["!cd x && git clone https://example.org/y"], {"git": "git, cell 1"}),
        (["%%bash\nwget http://example.org\nls"], {"wget": "wget, cell 1"}),
        (["import subprocess\nsubprocess.run(['/usr/bin/dot', '-Tpng'])"], {"graphviz": "dot, cell 1"}),
        (["import os\nos.system('unzip a.zip')\n!ls; cat x | jq ."], {"unzip": "unzip, cell 1", "jq": "jq, cell 1"}),
        (["import matplotlib.pyplot\nmoving.save('x.mp4')"], {"ffmpeg": "save, cell 1"}),
        (["moving.save('x.mp4')\n!pip install git\n!python x.py"], {}),
        (["%load_ext Cython", "%%cython\nx = 1"], {"gcc": "%%cython, cell 2", "libc6-dev": "%%cython, cell 2"}),
    ],
)
def test_programs_and_install_lines_name_packages(tmp_path: Path, cells: list[str], packages: dict[str, str]) -> None:
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, tmp_path / "it.ipynb")
    assert {one.package: one.why for one in analyse(tmp_path / "it.ipynb").system} == packages


def test_tex_is_named_and_left_out(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    code = "import matplotlib.pyplot as plt\nplt.rcParams['text.usetex'] = True\n!jupyter nbconvert --to pdf x.ipynb"
    notebook.cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(notebook, tmp_path / "it.ipynb")
    facts = analyse(tmp_path / "it.ipynb")
    assert facts.system == ()
    found = [one.message.partition(".")[0] for one in facts.findings if one.code == "system-large"]
    assert sorted(found) == ["nbconvert to PDF needs pandoc and TeX", "usetex needs TeX"]


def test_program_of_the_base_needs_no_package() -> None:
    assert [package_of_program(name) for name in ("ls", "dot", "Pandoc")] == [None, "graphviz", "pandoc"]
