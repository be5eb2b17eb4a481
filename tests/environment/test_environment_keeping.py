"""What is kept in the cache folder: whole documents, whoever writes."""

from __future__ import annotations

import threading
from pathlib import Path

from lentiq_jupyter.environment.hashes import hashes_of, keep
from lentiq_jupyter.environment.keeping import read_json, write_json


def test_readers_never_see_half_a_document(tmp_path: Path):
    kept = tmp_path / "new" / "kept.json"
    documents = [{"who": number, "much": [number] * 20_000} for number in range(4)]
    write_json(kept, documents[0])
    writers = [threading.Thread(target=lambda one=one: [write_json(kept, one) for _ in range(10)]) for one in documents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert read_json(kept) in documents
    assert [path.name for path in kept.parent.iterdir()] == ["kept.json"]


def test_what_cannot_be_kept_is_done_without(tmp_path: Path):
    (tmp_path / "file").write_text("[1]")
    write_json(tmp_path / "file" / "below.json", {"a": 1})
    write_json(None, {"a": 1})
    assert [read_json(one) for one in (None, tmp_path / "none", tmp_path / "file")] == [{}, {}, {}]


def test_hashes_of_one_index_do_not_stand_for_another(tmp_path: Path, monkeypatch):
    asked = {"python": "python3", "python_version": "3.11", "cache": tmp_path}
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    keep(tmp_path, {"six": ("1.0", ("sha256:a",))})
    assert hashes_of({"six": "1.0"}, **asked).hashes == {"six": ("sha256:a",)}
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:8/simple")
    other = hashes_of({"six": "1.0"}, **asked)
    assert (other.hashes, other.reached) == ({}, False)
