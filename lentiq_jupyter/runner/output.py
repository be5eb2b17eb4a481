"""`lentiq_jupyter.output`: how a notebook gives a named value to whoever runs it."""

from __future__ import annotations

import json
import sys

from ..errors import BadInput
from ..model import Json, check_identifier

OUTPUT_MIME = "application/vnd.lentiq.output+json"
LIMIT_BYTES = 256 * 1024


def publish_output(name: str, value: object) -> None:
    """See `lentiq_jupyter.output`."""
    check_identifier(name, "output name")
    document = _document(name, value)
    shown = f"{name} = {json.dumps(document, ensure_ascii=False)}"
    # Only a kernel has loaded IPython already; a plain script gets the line of text.
    loaded = sys.modules.get("IPython")
    if loaded is not None and loaded.get_ipython() is not None:
        from IPython.display import publish_display_data

        publish_display_data({OUTPUT_MIME: {"name": name, "value": document}, "text/plain": shown})
    else:
        print(shown)


def _document(name: str, value: object) -> Json:
    def convert(item: object) -> object:
        tolist = getattr(item, "tolist", None)
        if tolist is None:
            raise TypeError(f"{type(item).__name__} is not JSON")
        return tolist()

    try:
        text = json.dumps(value, default=convert, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"Output {name} is not a JSON document: {error}.", "Convert it to plain values first."
        ) from error
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise BadInput(
            f"Output {name} has {size} bytes; at most {LIMIT_BYTES} are passed by value.",
            "Write large data to a file and give its path.",
        )
    document: Json = json.loads(text)
    return document
