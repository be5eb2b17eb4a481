"""Data and models that code fetches when it runs, and addresses that it only shows."""

from __future__ import annotations

import json

import pytest

from lentiq_jupyter.analysis import analyse


def fetched(folder, *cells: str) -> list[str]:
    path = folder / "nb.ipynb"
    made = [
        {"cell_type": "code", "source": text, "metadata": {}, "outputs": [], "execution_count": None} for text in cells
    ]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": made}))
    return [f"{need.kind} {need.name}" for need in analyse(path).data]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("import pandas as pd\npd.read_csv('https://user:secret@x.org:80/a.csv?token=1')", ["url https://x.org"]),
        ("import pandas as pd\nroot = 's3://b'\npd.read_csv(f'{root}/a.csv')", ["url s3://b"]),
        ("import requests\nrequests.get(f'https://api.x.org/{name}')", ["url https://api.x.org"]),
        ("import requests\nrequests.get(address)", ["url unknown"]),
        ("import requests\nwith requests.Session() as s:\n    s.get('https://x.org/a')", ["url https://x.org"]),
        (
            "from urllib.request import urlopen\ndef f(u):\n    return urlopen(u)\nf('http://x.org')",
            ["url http://x.org"],
        ),
        ("import yfinance as yf\nyf.download('A')", ["url https://query1.finance.yahoo.com"]),
        ("import openai\nopenai.OpenAI()", ["url https://api.openai.com"]),
        ("!wget -q https://x.org/a.zip", ["url https://x.org"]),
        ("!git clone https://github.com/a/b", ["url https://github.com"]),
        ("import nltk\nnltk.download(['punkt', 'wordnet'])", ["nltk punkt", "nltk wordnet"]),
        ("from nltk.corpus import stopwords\nstopwords.words('english')", ["nltk stopwords"]),
        ("import nltk\nnltk.corpus.wordnet.synsets('a')", ["nltk wordnet"]),
        ("from nltk import word_tokenize\nword_tokenize('a')", ["nltk punkt"]),
        ("import spacy\nspacy.load('en_core_web_sm')", ["spacy en_core_web_sm"]),
        ("!python -m spacy download de_core_news_md", ["spacy de_core_news_md"]),
        ("import transformers as t\nname = 'bert-base'\nt.AutoModel.from_pretrained(name)", ["model bert-base"]),
        ("from transformers import pipeline\npipeline('ner', model='a/b')", ["model a/b"]),
        ("from transformers import pipeline\npipeline('ner')", ["model the default of a pipeline"]),
        ("!gsutil cp gs://$BUCKET/a . && curl 'https://{region}-x.org/a'", ["url gs://*", "url https://*-x.org"]),
        (
            "from sentence_transformers import SentenceTransformer as S\nS('all-MiniLM-L6-v2')",
            ["model all-MiniLM-L6-v2"],
        ),
        ("from datasets import load_dataset\nload_dataset('imdb')", ["dataset imdb"]),
        ("from sklearn.datasets import fetch_openml\nfetch_openml('adult')", ["dataset adult"]),
        ("from sklearn import datasets\ndatasets.fetch_covtype()", ["dataset fetch_covtype"]),
        ("import seaborn as sns\nsns.load_dataset('tips')", ["dataset tips"]),
        ("import tensorflow as tf\ntf.keras.datasets.mnist.load_data()", ["dataset mnist"]),
        ("import tensorflow as tf\ntf.keras.applications.VGG16()", ["model VGG16"]),
        ("import tensorflow_datasets as tfds\ntfds.load('mnist')", ["dataset mnist"]),
        ("from torchvision import datasets\ndatasets.MNIST('.', download=True)", ["dataset MNIST"]),
        ("from torchvision import models\nmodels.resnet18(weights='DEFAULT')", ["model resnet18"]),
        ("import torch\ntorch.hub.load('a/b', 'c')", ["model a/b"]),
        ("import gensim.downloader as api\napi.load('glove-twitter-25')", ["model glove-twitter-25"]),
        ("import statsmodels.api as sm\nsm.datasets.get_rdataset('Guerry')", ["dataset Guerry"]),
    ],
)
def test_what_is_fetched_at_run_time_is_told(tmp_path, text, data):
    assert fetched(tmp_path, text) == data


@pytest.mark.parametrize(
    "text",
    [
        "# https://x.org/a.csv",
        "'''See https://x.org'''",
        "print('https://x.org')",
        "from IPython.display import IFrame\nIFrame('https://x.org', 1, 1)",
        "homepage = 'https://x.org'",
        "import pandas as pd\npd.read_csv('a.csv')",
        "import requests\nrequests.get('http://localhost:8000/health')",
        "from sqlalchemy import create_engine\ncreate_engine('sqlite:///a.db')",
        "from sklearn.datasets import load_iris\nload_iris()",
        "import transformers as t\nt.AutoModel.from_pretrained('./mine')",
        "import tensorflow as tf\ntf.keras.applications.VGG16(weights=None)",
        "from torchvision import models\nmodels.resnet18()",
        "from transformers import pipeline\npipeline('ner', model=model)",
        "data = {}\ndata.get('https://x.org')",
        "!pip install git+https://github.com/a/b",
        "import util\nutil.load_data()",
    ],
)
def test_what_is_only_shown_or_at_hand_is_not_fetched(tmp_path, text):
    assert fetched(tmp_path, text) == []


@pytest.mark.parametrize(
    ("source", "imports"),
    [
        (
            "driver = '''\nimport pyspark\nprint({{1: 2}}, '{name}')\n'''.format(name='a')\nexec(driver)",
            [("pyspark", 5)],
        ),
        ("!cd x && python -c 'import torch; print(torch.__version__)'", [("torch", 1)]),
        ("%%bash\nls\npython3 - <<'EOF'\nfor x in y:\n    import torch\nEOF\necho import numpy", [("torch", 3)]),
        ("text = 'import torch'\nprint(text)", []),
        ("exec(text)", []),
    ],
)
def test_text_that_is_run_is_read_like_a_cell(tmp_path, source, imports):
    path = tmp_path / "nb.ipynb"
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}))
    assert [(one.module, one.place.line) for one in analyse(path).imports] == imports
