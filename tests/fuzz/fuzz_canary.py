"""Code that leaves a trace wherever it is executed: in a cell, by a magic, in a file beside the notebook.

Nothing in here may ever run during analysis. Whatever does, touches the file `canary` in the working
folder, sets the variable `LENTIQ_CANARY`, or trips the audit hook of `fuzz_worker`.
"""

from __future__ import annotations

import pickle
from pathlib import Path

TRACE = "canary"
VARIABLE = "LENTIQ_CANARY"
TOUCH = f"open('{TRACE}', 'w').write('executed')"
SET = f"__import__('os').environ.__setitem__('{VARIABLE}', 'executed')"
CALL = "__import__('socket').create_connection(('127.0.0.1', 9))"
CODE = f"{SET}\n{TOUCH}\n{CALL}\n"

CELLS = (
    CODE,
    f"f\"{{open('{TRACE}', 'w')}}\"",
    f"def f(x={TOUCH}, *, y: {TOUCH} = {SET}) -> {TOUCH}: ...",
    f"@(lambda f: {TOUCH})\ndef g(): ...",
    f"class A(metaclass=({TOUCH}, type)[1]):\n    {TOUCH}\n    def __init_subclass__(cls): {TOUCH}\nclass B(A): ...",
    f"assert {TOUCH}\n[{SET} for _ in [{TOUCH}]]\n(y := {TOUCH})",
    f"eval({TOUCH!r})\nexec({CODE!r})\ncompile({CODE!r}, 'x', 'exec')",
    "import canary_module\nfrom canary_package import sub\nfrom canary_package.sub import *\nimport canary_mutated",
    "import importlib, runpy\nimportlib.import_module('canary_module')\n__import__('canary_package')\n"
    "runpy.run_path('canary_module.py')",
    "import sys\nsys.path.insert(0, '.')\nsys.path.append('canary_package')\nimport sub, json, ast, parso, pandas",
    "import site\nsite.addsitedir('.')\nimport setup, conftest, sitecustomize, usercustomize",
    "import pickle, pandas as pd, joblib, numpy as np\npickle.load(open('canary.pkl', 'rb'))\n"
    "pd.read_pickle('canary.pkl')\njoblib.load('canary.pkl')\nnp.load('canary.pkl', allow_pickle=True)",
    "import pandas as pd\npd.read_csv('$(touch canary)')\npd.read_csv('`touch canary`')\n"
    "pd.read_csv('| touch canary')\nopen('canary*; touch canary')",
    "import os\nos.environ[os.popen('touch canary').read()]\nos.getenv('X', os.system('touch canary'))\n"
    "os.system('python setup.py install')",
    "%run canary_module.py\n%run -i 'canary_module'\n%run canary_module.ipynb",
    "%load_ext canary_extension\n%reload_ext canary_extension\n%matplotlib canary_extension\n%canary_magic x",
    f"%load canary_module.py\n%macro m 1-3\n%alias a touch canary\n%logstart canary\n"
    f"%edit canary\n%env {VARIABLE}=1\n%set_env {VARIABLE} 1",
    f"!touch canary\nfound = !touch canary\n%sx touch canary\n"
    f"found = %system touch canary\n%time {TOUCH}\n%timeit -n1 {TOUCH}\n%prun {TOUCH}",
    "!pip install -e . ./canary_package -r requirements.txt $(touch canary) `touch canary` {open('canary', 'w')}",
    "%pip install -e .\n%pip install -r requirements.txt git+file:///canary#egg=canary 'canary @ file:///canary'\n"
    "%conda env create -f environment.yml",
    "!python setup.py develop && python canary_module.py; touch canary | tee canary",
    "%%bash\ntouch canary\npip install ./canary_package",
    "%%script python\n" + CODE,
    "%%python3\n" + CODE,
    "%%capture out\n%%time\n" + CODE,
    "%%writefile canary_written.py\n" + CODE,
    "import canary_written\ncanary_written?\n?canary_module\ncanary_module.f??\n,f a b\n;f a b\n/f a b",
    "%%writefile ../canary\nexecuted",
    "%%file canary\nexecuted",
    "%%javascript\nrequire(['child_process']).exec('touch canary')",
    "%%canary_magic\n" + CODE,
    "get_ipython().system('touch canary')\nget_ipython().run_line_magic('run', 'canary_module.py')\n"
    "get_ipython().run_cell('1')",
    f"__builtins__.__dict__['ex' + 'ec']({CODE!r})\n'{{0.__class__.__init__.__globals__}}'.format(0)",
)

PARAMETERS = f"a = {TOUCH}\nb: {TOUCH} = 1\nc: int = {SET}\nd = f'{{{TOUCH}}}'\ne = 1  # {TOUCH}\nf = [{TOUCH}]\n"
OUTPUTS = f"total = {TOUCH}\nfrom lentiq_jupyter import output\noutput({TOUCH}, {SET})\n"

METADATA = {
    "kernelspec": {
        "name": "python3",
        "display_name": "$(touch canary)",
        "language": "python",
        "argv": ["touch", "canary"],
        "env": {VARIABLE: "executed"},
    },
    "language_info": {"name": "python", "version": "3.11.7", "file_extension": ".py; touch canary"},
    "jupytext": {"formats": "ipynb,py:percent", "main_language": CODE},
    "papermill": {"parameters": {"a": TOUCH}, "environment_variables": {VARIABLE: "executed"}},
}


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (CODE,)


_PACKAGE = f"[build-system]\nrequires = []\nbuild-backend = 'canary_backend'\nbackend-path = ['.']\n# {CODE!r}\n"
# What Python, pip, pytest, Jupyter or a notebook would execute.
_EXECUTED = """
canary_module.py canary_package/__init__.py canary_package/sub.py canary_package/__main__.py canary_extension.py
canary_backend.py setup.py conftest.py sitecustomize.py usercustomize.py __main__.py __init__.py ipython_config.py
jupyter_config.py jupyter_server_config.py lentiq_config.py
"""
# What would be taken for other modules if the notebook's folder came first.
_SHADOWS = """
json.py ast.py re.py tokenize.py parso.py pyflakes.py nbformat.py pathspec.py tomllib.py IPython/__init__.py
packaging/__init__.py pandas.py numpy/__init__.py yaml.py
"""


def files() -> dict[str, bytes]:
    """What lies beside a hostile notebook: path to bytes."""
    made = dict.fromkeys((_EXECUTED + _SHADOWS).split(), CODE.encode())
    made |= {
        "canary.pth": f"import os; {CODE}".replace("\n", ";").encode(),
        "canary.pkl": pickle.dumps(_Bomb()),
        "canary_module.ipynb": b'{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1,'
        b' "source": ["open(\'canary\', \'w\')"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        "canary_native.so": b"\x7fELF" + CODE.encode(),
        "canary_package/setup.py": CODE.encode(),
        "pyproject.toml": _PACKAGE.encode(),
        "canary_package/pyproject.toml": _PACKAGE.encode(),
        "setup.cfg": b"[metadata]\nversion = attr: canary_module.version\n",
        "requirements.txt": b"-e .\n./canary_package\n-r requirements.txt\n-c $(touch canary)\nsix; exec('1')\n",
        "environment.yml": b"dependencies: !!python/object/apply:os.system ['touch canary']\n",
        ".env": f"A=$(touch canary)\n{VARIABLE}=executed\n".encode(),
        ".lentiqignore": b"$(touch canary)\n[\n!\n",
    }
    return made


def lay_out(folder: Path) -> None:
    """Write the hostile files into a folder, over nothing that is there already."""
    for name, body in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(body)
