"""The results folder of one run: small files, each replaced whole, so that readers never see half of one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from ..model import ENV_RESULTS, RESULT_ERROR, RESULT_NOTEBOOK, RESULT_OUTPUTS, RESULT_PROGRESS, RESULT_USAGE, Json

MASK = "***"
SHORTEST_SECRET = 4  # shorter ones are found in every text


class Results:
    """Writes `RESULT_*` files into a folder.

    Parameters
    ----------
    secrets : values that stand as ``***`` in everything that is written; very short ones are left as they are
    """

    def __init__(self, folder: Path, secrets: tuple[str, ...] = ()) -> None:
        self.folder = folder
        # The longest first: one may be a part of another.
        self._secrets = sorted((one for one in secrets if len(one) >= SHORTEST_SECRET), key=len, reverse=True)

    def masked(self, text: str) -> str:
        """`text` without the secrets."""
        for one in self._secrets:
            text = text.replace(one, MASK)
        return text

    def _clean(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.masked(value)
        if isinstance(value, list):
            return [self._clean(one) for one in value]  # type: ignore[arg-type]  # items of JSON are JSON
        if isinstance(value, dict):
            return {self.masked(name): self._clean(one) for name, one in value.items()}  # type: ignore[arg-type]
        return value

    def write(self, name: str, text: str) -> None:
        """Replace the file `name` by `text`, a JSON document."""
        if self._secrets:
            text = json.dumps(self._clean(json.loads(text)), ensure_ascii=False, indent=1)
        path = self.folder / name
        partial = path.with_name(f".{name}.partial")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)

    def notebook(self, text: str) -> None:
        self.write(RESULT_NOTEBOOK, text)

    def progress(self, done: int, total: int, cell: int | None) -> None:
        """Code cells done of all; `cell` is the index of the running one among all cells."""
        self.write(RESULT_PROGRESS, json.dumps({"done": done, "total": total, "cell": cell}))

    def outputs(self, values: dict[str, Json]) -> None:
        self.write(RESULT_OUTPUTS, json.dumps(values, ensure_ascii=False))

    def usage(self, peak_memory_bytes: int, cpu_s: float) -> None:
        """Memory at most, and processor time in all, so far."""
        self.write(RESULT_USAGE, json.dumps({"peak_memory_bytes": peak_memory_bytes, "cpu_s": round(cpu_s, 3)}))

    def error(self, ename: str, evalue: str, cell: int | None, traceback: str, own_cell: int | None = None) -> None:
        """What ended the run; `cell` counts the cells of the executed notebook, `own_cell` those of the block's."""
        document = {
            "ename": ename,
            "evalue": evalue[:2000],
            "cell": cell,
            "own_cell": own_cell,
            "traceback": traceback[-8000:],
        }
        self.write(RESULT_ERROR, json.dumps(document, ensure_ascii=False))


def is_writable(folder: str) -> bool:
    """Whether a file can be made there; rights alone do not tell (a read-only mount, a superuser)."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def open_results(secrets: tuple[str, ...] = ()) -> Results:
    """The folder that ``LENTIQ_RESULTS`` names; a temporary one where that is missing or read-only."""
    named = os.environ.get(ENV_RESULTS)
    if named and is_writable(named):
        return Results(Path(named), secrets)
    return Results(Path(tempfile.mkdtemp(prefix="lentiq-results-")), secrets)
