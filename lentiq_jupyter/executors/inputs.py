"""How input values travel to a job: as one JSON object in its environment, for every executor."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..errors import BadInput
from ..model import Json

# A single string of the environment may have 128 KiB on Linux (MAX_ARG_STRLEN).
INPUTS_LIMIT_BYTES = 120 * 1024


def inputs_text(inputs: Mapping[str, Json]) -> str:
    """The JSON that goes into the job's environment.

    Raises
    ------
    BadInput
        If it is larger than an environment variable may be, or a text in it is none (half a surrogate pair).
    """
    text = json.dumps(inputs, ensure_ascii=False)
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise BadInput(f"A text among the inputs is none: {error.reason}.", "Correct the values.") from error
    if size > INPUTS_LIMIT_BYTES:
        raise BadInput(
            f"The inputs have {size} bytes; at most {INPUTS_LIMIT_BYTES} are passed by value.",
            "Write large data to a file and give its path.",
        )
    return text
