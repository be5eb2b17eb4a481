"""The setting `notify`: who is told of what, by which address. Addresses hold passwords and tokens: none is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import BadInput
from ..model import record
from ..scheduler.notices import Event, Notice

_KEYS = ("url", "url_file", "on", "project", "workflow")
_HINT = "Write the setting `notify` as its help says."
# What follows :// is a host in these; in most others it is a token.
_WITH_HOST = {
    *("http", "https", "json", "jsons", "xml", "xmls", "form", "forms"),
    *("mailto", "mailtos", "gotify", "gotifys", "mmost", "mmosts"),
}


@record
class Channel:
    """One address and what it is told: of `events`, in all projects and workflows unless one is named."""

    url: str = field(repr=False)
    events: frozenset[Event]
    project: str | None = None
    workflow: str | None = None

    @property
    def shown(self) -> str:
        """As much of the address as anybody may see: ``mailtos://mail.example.org``, ``slack://…``."""
        try:
            parts = urlsplit(self.url)
            host = parts.hostname or ""
        except ValueError:
            return "…"
        return f"{parts.scheme}://{host if parts.scheme in _WITH_HOST else '…'}"

    def wants(self, notice: Notice) -> bool:
        """Whether it is to be told of that."""
        return (
            notice.event in self.events
            and self.project in (None, notice.project)
            and self.workflow in (None, notice.workflow)
        )


def read_channels(setting: object) -> tuple[Channel, ...]:
    """The channels that the setting `notify` describes.

    Raises
    ------
    BadInput
        If it is not written as it should be. The message names the entry by number and never its address.
    """
    if not isinstance(setting, Sequence) or isinstance(setting, (str, bytes)):
        raise BadInput("The setting `notify` is not a list.", _HINT)
    return tuple(_channel(number, entry) for number, entry in enumerate(setting, 1))


def _channel(number: int, entry: object) -> Channel:
    where = f"Entry {number} of the setting `notify`"
    if not isinstance(entry, Mapping):
        raise BadInput(f"{where} is not a dictionary.", _HINT)
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise BadInput(f"{where} has the unknown key {unknown[0][:40]}; known are {', '.join(_KEYS)}.", _HINT)
    if ("url" in entry) == ("url_file" in entry):
        raise BadInput(f"{where} needs either url or url_file.", _HINT)
    url = _text(where, entry, "url") if "url" in entry else _read(where, _text(where, entry, "url_file"))
    if "://" not in url:
        raise BadInput(f"{where} has an address without ://.", _HINT)
    return Channel(
        url=url,
        events=_events(where, entry.get("on", "failed")),
        project=_text(where, entry, "project") if entry.get("project") else None,
        workflow=_text(where, entry, "workflow") if entry.get("workflow") else None,
    )


def _text(where: str, entry: Mapping[str, object], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{where}: {key} is not a text.", _HINT)
    return value.strip()


def _read(where: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise BadInput(f"{where}: the file {path} cannot be read.", "Correct its url_file, or its rights.") from error


def _events(where: str, given: object) -> frozenset[Event]:
    words = given.split(",") if isinstance(given, str) else given
    if not isinstance(words, Sequence) or not words:
        raise BadInput(f"{where}: `on` is neither a text nor a list.", _HINT)
    found = set()
    for word in words:
        try:
            found.add(Event(str(word).strip()))
        except ValueError as error:
            known = ", ".join(str(one) for one in Event)
            raise BadInput(f"{where}: `on` names {str(word).strip()[:40]!r}; known are {known}.", _HINT) from error
    return frozenset(found)
