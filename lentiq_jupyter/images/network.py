"""The way to packages: certificates, index and proxy, for whoever installs, and for nobody afterwards."""

from __future__ import annotations

import ensurepip
import hashlib
import netrc
import re
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import certifi

from ..errors import BadInput, Unavailable
from ..model import record
from .disk import disk_errors, work_folder

_INDEX = re.compile(r"(?:([A-Za-z0-9._-]+)=)?(https?://[!-~]+)")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")


@record
class Network:
    """How package installers reach what they need; empty means: as they do by themselves.

    Parameters
    ----------
    certificates : Path or None
        Certificate authorities (PEM) to trust beside the usual ones.
    index : str
        The package index, ``[name=]https://…``, without user name and password.
    extra_indexes : tuple of str
        Indexes that are asked before it, written alike.
    proxy : str
        Proxy for HTTP and HTTPS. What the environment says counts where it is empty.
    no_proxy : str
        Hosts to reach without it, with commas between.
    """

    certificates: Path | None = None
    index: str = ""
    extra_indexes: tuple[str, ...] = ()
    proxy: str = ""
    no_proxy: str = ""

    def __post_init__(self) -> None:
        for one in (self.index, *self.extra_indexes):
            if one:
                split_index(one)

    @property
    def indexes(self) -> tuple[str, ...]:
        """All indexes that are set."""
        return tuple(one for one in (self.index, *self.extra_indexes) if one)


def split_index(text: str) -> tuple[str, SplitResult]:
    """Name ("" for none) and address of an index.

    Raises
    ------
    BadInput
        If it is not written as one, or holds a user name or password.
    """
    found = _INDEX.fullmatch(text)
    address = urlsplit(found[2]) if found else None
    if found is None or address is None or not address.hostname:
        raise BadInput("A package index is not written as an address.", "Write it as https://host/simple.")
    if "@" in address.netloc:
        raise BadInput(
            f"The package index at {address.hostname} is given with a user name or password.",
            "Leave them out, and put them into ~/.netrc.",
        )
    return found[1] or "", address


def uv_variables(network: Network, cache: Path) -> dict[str, str]:
    """What to set for uv, beside its own environment; certificates are brought together in `cache`."""
    found = proxies(network, {})
    if network.index:
        found["UV_DEFAULT_INDEX"] = network.index
    if network.extra_indexes:
        found["UV_INDEX"] = " ".join(network.extra_indexes)
    if network.certificates:
        bundle = str(_bundle_file(network.certificates, cache))
        found |= {"SSL_CERT_FILE": bundle, "GIT_SSL_CAINFO": bundle}
    return found


def proxies(network: Network, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for proxies in both spellings: of the settings, else of `environment`."""
    found: dict[str, str] = {}
    for name in (*_PROXIES, "NO_PROXY"):
        value = network.no_proxy if name == "NO_PROXY" else network.proxy
        value = value or environment.get(name) or environment.get(name.lower()) or ""
        if value:
            found |= {name: value, name.lower(): value}
    return found


def container_proxies(network: Network, environment: Mapping[str, str]) -> dict[str, str]:
    """`proxies` as far as they lead anywhere from inside a container: this machine's loopback does not."""
    found = proxies(network, environment)
    return {
        name: value
        for name, value in found.items()
        if name.upper() == "NO_PROXY" or not _LOOPBACK.fullmatch(urlsplit(value).hostname or "")
    }


@record
class PipWay:
    """What leads pip, and git where it starts that: variables, and files by name in the folder that these name.

    ``netrc``, if it is among the files, holds passwords.
    """

    variables: Mapping[str, str]
    files: Mapping[str, bytes]


def pip_way(network: Network, folder: str, environment: Mapping[str, str]) -> PipWay | None:
    """How pip in a container finds its way, its files lying in `folder`; None where nothing is set.

    Variables, because a base image may have some of its own, and they count more than any file of pip's.
    """
    if not network.indexes and network.certificates is None:
        return None
    indexes = [split_index(one) for one in network.indexes]
    addresses = [address.geturl() for _, address in indexes]
    variables, files = {}, {}
    if network.index:
        variables["PIP_INDEX_URL"] = addresses.pop(0)
    if addresses:
        variables["PIP_EXTRA_INDEX_URL"] = " ".join(addresses)
    plain = " ".join(address.netloc for _, address in indexes if address.scheme == "http")
    if plain:
        variables["PIP_TRUSTED_HOST"] = plain
    if network.certificates:
        files["certificates.pem"] = _bundle(network.certificates)
        names = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO")
        variables |= dict.fromkeys(names, f"{folder}/certificates.pem")
    secrets = "".join(_credentials(indexes, environment))
    if secrets:
        files["netrc"] = secrets.encode()
        variables["NETRC"] = f"{folder}/netrc"
    return PipWay(variables=variables, files=files)


def pip_wheel() -> bytes | None:
    """The wheel of pip that comes with Python on this host; None where its distribution left it out."""
    # Debian keeps it apart, and tells by a variable where.
    apart = sysconfig.get_config_var("WHEEL_PKG_DIR")
    folders = [Path(ensurepip.__file__).parent / "_bundled", *([Path(apart)] if apart else [])]
    found = [path for folder in folders for path in sorted(folder.glob("pip-*.whl"))]
    return found[-1].read_bytes() if found else None


def _credentials(indexes: list[tuple[str, SplitResult]], environment: Mapping[str, str]) -> Iterator[str]:
    """Lines of a netrc file for these indexes: what uv would take from its variables, or from the user's own file."""
    place = Path(environment.get("NETRC") or Path("~/.netrc").expanduser())
    try:
        kept = netrc.netrc(place) if place.is_file() else None
    except (netrc.NetrcParseError, OSError):
        kept = None  # uv does without it, too
    for name, address in indexes:
        word = re.sub(r"[^A-Z0-9]", "_", name.upper())
        user = environment.get(f"UV_INDEX_{word}_USERNAME") if name else None
        password = environment.get(f"UV_INDEX_{word}_PASSWORD") if name else None
        host = address.hostname or ""
        if user is None and password is None and kept is not None:
            user, _, password = kept.authenticators(host) or (None, None, None)
        if user or password:
            yield f"machine {host} login {_quoted(user or '')} password {_quoted(password or '')}\n"


def _quoted(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _bundle(given: Path) -> bytes:
    """The usual certificate authorities with those of a file.

    Raises
    ------
    Unavailable
        If it cannot be read.
    """
    try:
        return Path(certifi.where()).read_bytes().rstrip() + b"\n\n" + given.expanduser().read_bytes()
    except OSError as error:
        raise Unavailable(f"Certificates cannot be read from {given}.", "Check the setting `certificates`.") from error


def _bundle_file(given: Path, cache: Path) -> Path:
    body = _bundle(given)
    place = cache / f"certificates-{hashlib.sha256(body).hexdigest()[:16]}.pem"
    if not place.is_file():
        with work_folder(cache) as folder, disk_errors(place):
            (folder / "certificates").write_bytes(body)
            (folder / "certificates").replace(place)
    return place
