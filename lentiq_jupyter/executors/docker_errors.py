"""Errors of the Docker engine as errors of this package, and how to leave what it streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from docker.errors import APIError, DockerException
from urllib3.exceptions import HTTPError

from ..errors import BadInput, Denied, LentiqError, NotFound, Unavailable

_MESSAGES = {
    "denied": ("denied", "unauthorized", "authentication required", "no basic auth"),
    "platform": ("no matching manifest", "does not match the specified platform"),
    "missing": ("not found", "manifest unknown", "does not exist", "name unknown"),
}


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Errors of the engine as errors of this package. Those of the connection are OSErrors.

    Raises
    ------
    Unavailable
        ``Docker could not <what>: …``.
    """
    try:
        yield
    except APIError as error:
        raise Unavailable(f"Docker could not {what}: {error.explanation}.", "Try again.") from error
    except (DockerException, OSError, HTTPError) as error:
        raise Unavailable(
            f"Docker could not {what}: no Docker Engine answers.", "Start Docker, or use --executor process."
        ) from error


def refused(reference: str, explanation: str, again: str) -> LentiqError:
    """What a pull that failed means.

    Parameters
    ----------
    again : str
        What to do where the image is not there.
    """
    text = explanation.lower()
    if any(word in text for word in _MESSAGES["denied"]):
        return Denied(f"Docker may not pull {reference}: {explanation}.", "Sign in with docker login.")
    if any(word in text for word in _MESSAGES["platform"]):
        return BadInput(
            f"{reference} is made for other machines than Docker's: {explanation}.", "Make it for this platform, too."
        )
    if any(word in text for word in _MESSAGES["missing"]):
        return NotFound(f"Docker does not find {reference}.", again)
    return Unavailable(f"Docker could not pull {reference}: {explanation}.", "Try again.")


def hang_up(stream: Any) -> None:
    """End a stream of the engine, however far it was read."""
    # What the connection is made of differs between transports, and an ended one has none.
    with suppress(DockerException, OSError, HTTPError, AttributeError):
        stream.close()
