"""Needs that no import shows: one case a family of rules, and what must not trigger it."""

from __future__ import annotations

import ast
import json

import pytest
from packaging.utils import canonicalize_name

from lentiq_jupyter.analysis import analyse
from lentiq_jupyter.analysis.code import Code, parse
from lentiq_jupyter.analysis.hidden import brought, hidden_of, programs_of, rules
from lentiq_jupyter.analysis.names import names_of
from lentiq_jupyter.analysis.shell import Command
from lentiq_jupyter.analysis.uses import uses_of
from lentiq_jupyter.model import ImportFact, Place

PLACE = Place(file="nb.ipynb", line=1, cell=0)


def hidden(text: str, *, magics: tuple[str, ...] = (), shell: tuple[str, ...] = ()) -> set[str]:
    code = Code(file="nb.ipynb", text=text, tree=parse(text), cell=0)
    modules = [
        module
        for node in ast.walk(code.tree)
        for module in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    facts = [ImportFact(module=module, place=PLACE) for module in modules]
    commands = [Command(text=line, place=PLACE) for line in shell]
    found = hidden_of(uses_of([code], names_of([code])), facts, [(one, PLACE) for one in magics], commands)
    return {need.distribution for need in found}


PD, XR, GPD, NX = (
    "import pandas as pd\n",
    "import xarray as xr\n",
    "import geopandas as gpd\n",
    "import networkx as nx\n",
)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        (PD + "pd.read_parquet('a.parquet')", "pyarrow"),
        (PD + "pd.read_parquet('a', engine='fastparquet')", "fastparquet pyarrow"),
        (PD + "pd.read_csv('a', dtype_backend='pyarrow')", "pyarrow"),
        (PD + "s.astype('int64[pyarrow]')", "pyarrow"),
        (PD + "pd.read_excel('a.xlsx')", "openpyxl"),
        (PD + "name = 'a.xls'\npd.read_excel(name)", "xlrd"),
        (PD + "pd.read_excel('https://x.org/a.xls?raw=1')", "xlrd"),
        (PD + "pd.read_excel('a.xlsb')", "pyxlsb"),
        (PD + "pd.read_excel('a.ods')", "odfpy"),
        (PD + "pd.read_excel('a', engine='calamine')", "python-calamine"),
        (PD + "with pd.ExcelWriter('a.xlsx', engine='xlsxwriter') as w:\n    df.to_excel(w)", "xlsxwriter"),
        (PD + "df.to_excel(f'{name}.xlsx')", "openpyxl"),
        (PD + "with pd.ExcelWriter(path) as w:\n    df.to_excel(w)", "openpyxl"),
        (PD + "pd.read_html(page)", "lxml"),
        (PD + "pd.read_hdf('a.h5')", "tables"),
        (PD + "df.to_markdown()", "tabulate"),
        (PD + "df = pd.read_csv('a')\ndf.head().style.format('{}')", "jinja2"),
        (PD + "load(x).style.format('{}')", "jinja2"),
        (PD + "df.style.background_gradient()", "jinja2 matplotlib"),
        (PD + "pd.read_csv('a.csv.zst')", "zstandard"),
        (PD + "pd.read_sql('select 1', connection)", "sqlalchemy"),
        (PD + "df.x.plot.bar()", "matplotlib"),
        ("import dask.array\nx.compute().plot()", "matplotlib numpy"),
        (PD + "df.plot(kind='kde')", "matplotlib scipy"),
        (PD + "df.hist()", "matplotlib"),
        (PD + "s.interpolate(method='cubic')", "scipy"),
        (PD + "df.corr(method='kendall')", "scipy"),
        (PD + "s.rolling(3, win_type='gaussian')", "scipy"),
        (PD + "df.query('a > 1', engine='numexpr')", "numexpr"),
        (XR + "xr.open_dataset('a.nc')", "netcdf4"),
        (XR + "xr.open_dataset(path, engine='h5netcdf')", "h5netcdf"),
        (XR + "xr.open_mfdataset('*.nc', engine='zarr')", "dask zarr"),
        (XR + "ds = xr.open_dataset(p, engine='scipy', chunks={})", "dask scipy"),
        (XR + "xr.tutorial.open_dataset('rasm')", "netcdf4 pooch"),
        (XR + "ds = xr.Dataset()\nds.interp(x=1)\nds.a.plot()", "scipy matplotlib"),
        (GPD + "g.plot(column='a', scheme='quantiles')", "mapclassify matplotlib"),
        (GPD + "g.explore()", "folium mapclassify matplotlib"),
        ("from dask.distributed import Client", "distributed"),
        ("from dask import dataframe as dd", "pandas pyarrow"),
        ("import dask\nx.visualize()", "graphviz"),
        ("from dask.diagnostics import visualize\nvisualize(p)", "bokeh"),
        ("import joblib\njoblib.parallel_backend('dask')", "dask distributed"),
        ("import polars as pl\npl.read_excel('a.xlsx')", "fastexcel"),
        ("import pyspark\ndf.toPandas()", "pandas"),
        ("display(spark.table('a'))", "pyspark"),
    ],
)
def test_tables_need_their_engines(text, needs):
    assert hidden(text) == set(needs.split())


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        (NX + "nx.draw(g)", "matplotlib"),
        (NX + "nx.pagerank(g)", "scipy"),
        (NX + "nx.nx_agraph.graphviz_layout(g)", "pygraphviz"),
        ("from networkx.drawing.nx_pydot import graphviz_layout\ngraphviz_layout(g)", "pydot"),
        ("import seaborn as sns\nsns.clustermap(d)", "scipy"),
        ("from sklearn.metrics import ConfusionMatrixDisplay", "matplotlib"),
        ("import xgboost as xgb\nxgb.plot_importance(m)", "matplotlib"),
        ("import xgboost as xgb\nxgb.to_graphviz(m)", "graphviz"),
        ("import statsmodels.api as sm\nsm.qqplot(r)", "matplotlib"),
        ("import plotly.graph_objects as go\nfig = go.Figure()\nfig.write_image('a.png')", "kaleido"),
        ("import plotly.graph_objects as go\nfig = go.Figure()\nfig.show()", "nbformat"),
        ("import plotly.express as px\npx.scatter(d, trendline='ols')", "pandas statsmodels"),
        ("from plotly.graph_objects import FigureWidget", "anywidget"),
        ("import altair as alt\nchart.save('a.png')", "vl-convert-python"),
        ("import holoviews as hv\nhv.extension('matplotlib')", "matplotlib"),
        ("import hvplot.pandas\ndf.hvplot.scatter(rasterize=True)", "datashader"),
        ("import optuna\noptuna.visualization.plot_slice(s)", "plotly"),
        ("import sympy\nsympy.plot(x)", "matplotlib"),
    ],
)
def test_drawing_needs_its_back_ends(text, needs):
    assert hidden(text) == set(needs.split())


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("import tensorflow as tf\ntf.keras.utils.plot_model(m)", "pydot"),
        ("import tensorflow as tf\ntf.keras.callbacks.TensorBoard('a')", "tensorboard"),
        ("from keras.models import Sequential", "tensorflow"),
        ("from torch.utils.tensorboard import SummaryWriter", "tensorboard"),
        ("from tensorflow.keras.preprocessing.image import load_img\nload_img('a.png')", "pillow"),
        ("from transformers import pipeline\npipeline('ner')", "torch"),
        ("from transformers import Trainer", "accelerate torch"),
        (
            "import torch\nfrom transformers import AutoModel\nAutoModel.from_pretrained('a', device_map='auto')",
            "accelerate",
        ),
        ("import torch, transformers\ntransformers.BitsAndBytesConfig(load_in_4bit=True)", "bitsandbytes accelerate"),
        ("import evaluate\nevaluate.load('wer')", "jiwer"),
        ("from langchain.vectorstores import FAISS", "faiss-cpu"),
        ("from sklearn.datasets import fetch_openml\nfetch_openml('adult')", "pandas"),
        ("from xgboost import XGBClassifier", "scikit-learn"),
        ("import gymnasium as gym\ngym.make('LunarLander-v2')", "box2d-py"),
        ("from scipy.misc import imread\nimread('a')", "pillow"),
        ("import imageio\nimageio.mimsave('a.mp4', frames)", "imageio-ffmpeg"),
    ],
)
def test_learning_needs_its_back_ends(text, needs):
    assert hidden(text) == set(needs.split())


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("from sqlalchemy import create_engine\ncreate_engine('postgresql://u:p@h/d')", "psycopg2-binary"),
        ("from sqlalchemy import create_engine\nurl = f'mysql+pymysql://{user}@h/d'\ncreate_engine(url)", "pymysql"),
        (PD + "base = 's3://bucket'\npd.read_csv(base + '/a.csv')", "s3fs"),
        (PD + "paths = {'a': 'gs://b/a.csv'}\npd.read_csv(paths['a'])", "gcsfs"),
        ("import fsspec\nfsspec.filesystem('abfs')", "adlfs"),
        ("import fsspec\nfsspec.open(item.assets['a'].href)", "aiohttp"),
        ("from bs4 import BeautifulSoup\nBeautifulSoup(page, 'lxml')", "lxml"),
        ("from azure.common.client_factory import get_client_from_cli_profile as g\ng(x)", "azure-cli-core"),
    ],
)
def test_addresses_and_parsers_need_their_drivers(text, needs):
    assert hidden(text) == set(needs.split())


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("%matplotlib widget", "matplotlib ipympl"),
        ("%lprun -f f f()", "line-profiler"),
        ("from tqdm.notebook import tqdm", "ipywidgets"),
        ("from tqdm import tqdm_notebook", "ipywidgets"),
        ("from huggingface_hub import notebook_login\nnotebook_login()", "ipywidgets"),
        ("import pkg_resources\npkg_resources.get_distribution('nni').version", "nni"),
    ],
)
def test_notebook_parts_need_their_packages(text, needs):
    assert hidden(text) == set(needs.split())


def test_cell_magics_and_programs_need_their_packages():
    assert hidden("", magics=("cython", "time"), shell=("cd x && dvc pull", "python -m spacy download en", "ls")) == {
        "cython",
        "dvc",
        "spacy",
    }


@pytest.mark.parametrize(
    "text",
    [
        "import matplotlib.pyplot as plt\nimport pandas\nplt.style.use('x')",
        PD + "with plt.style.context('x'): pass",
        PD + "pd.read_csv('a.csv').head()",
        PD + "def read_excel(x): ...\nread_excel('a.xlsx')",
        PD + "import plotly.graph_objects as go\nfig = go.Figure()\nfig.plot()",
        "import polars as pl\nimport pandas\npl.read_parquet('a')",
        PD + "import sqlite3\npd.read_sql('q', sqlite3.connect('d'))",
        PD + "print('see s3://bucket and postgresql://host')",
        PD + "s3_input = TrainingInput('s3://bucket/a')",
        PD + "open('s3://bucket/a')",
        PD + "df.hvplot.hist()",
        "import numpy as np\nnp.interp(x, a, b)",
        "import seaborn as sns\n%matplotlib inline",
        "import matplotlib\nfrom sklearn.datasets import load_sample_image\nload_sample_image('a')",
        "from tqdm.auto import tqdm",
        "import pkg_resources as p\ntry:\n    p.get_distribution('x')\nexcept Exception:\n    pass",
        "import torch\nfrom transformers import AutoModel\nAutoModel.from_pretrained('a')",
        "spark = make()\nspark.table('a')",
    ],
)
def test_what_only_looks_like_a_need_is_none(text):
    assert hidden(text) == set()


def test_an_extra_on_an_install_line_answers_a_need():
    text = "import gymnasium as gym\ngym.make('LunarLander-v2')"
    assert hidden(text, shell=("pip install 'gymnasium[box2d]'",)) == set()


def test_what_others_always_bring_is_no_need_of_its_own():
    text = "import torch\nx = torch.ones(1)\nx.numpy()\n"
    assert hidden(text) == {"numpy"}
    assert hidden(text + "import geopandas") == set()


def test_what_is_imported_is_no_hidden_need():
    text = PD + "pd.read_parquet('a')\ndf.plot()\n"
    assert hidden(text + "import pyarrow, matplotlib.pyplot") == set()


def test_programs_are_the_first_words_of_each_command():
    assert programs_of("A=1 sudo /usr/bin/dvc pull | tee x && python3 -m pytest -q; ") == ["dvc", "tee", "-m pytest"]


def test_every_rule_names_normalised_distributions():
    needs = {need for words in rules().values() for held in words.values() for rule in held for need in rule.needs}
    assert {need for need in needs | set(brought()) if canonicalize_name(need) != need} == set()
    assert all(rule.needs or rule.named for words in rules().values() for held in words.values() for rule in held)


def test_what_no_one_calls_in_a_local_module_needs_nothing(tmp_path):
    module = (
        "import pandas as pd\ndef load(p):\n    return pd.read_hdf(p)\ndef other(p):\n    return pd.read_parquet(p)\n"
    )
    (tmp_path / "mine.py").write_text(module)
    cell = {"cell_type": "code", "source": "import mine\nmine.load('a')", "metadata": {}, "outputs": []}
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell | {"execution_count": None}]}
    (tmp_path / "nb.ipynb").write_text(json.dumps(notebook))
    found = analyse(tmp_path / "nb.ipynb").hidden
    assert [(one.distribution, one.because, one.place.file) for one in found] == [("tables", "read_hdf", "mine.py")]
