"""All settings of the service, in one class and one configuration file.

The same file serves the server extension, the scheduler, the command line and the magics:
``lentiq_config.py`` or ``.json`` on Jupyter's configuration path, with lines like
``c.Settings.registry = "registry.example.org/team"``. Environment variables are read here and nowhere else.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jupyter_core.paths import jupyter_config_path, jupyter_data_dir
from traitlets import Any, Enum, Float, Int, List, TraitError, Unicode
from traitlets.config import Config, Configurable
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from ..errors import BadInput
from ..model import parse_memory

if TYPE_CHECKING:
    from .channels import Channel

ENVIRONMENT = {
    "LENTIQ_HOME": "home",
    "LENTIQ_REGISTRY": "registry",
    "LENTIQ_DATABASE": "database",
    "LENTIQ_DATABASE_PASSWORD_FILE": "database_password_file",
    "LENTIQ_EXECUTOR": "executor",
    "LENTIQ_BASE": "base",
}


def _user() -> str:
    name = os.environ.get("JUPYTERHUB_USER")
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in passwd
        return str(os.getuid())


class Settings(Configurable):
    """Where things are kept, and which part does what."""

    home = Unicode(
        str(Path(jupyter_data_dir()) / "lentiq"),
        help="Folder of everything the embedded default keeps: layout registry, database, caches, results of runs.",
    ).tag(config=True)
    registry = Unicode(
        "",
        help="Where blocks live: a folder (an OCI image layout) or host[:port][/prefix]. Empty: <home>/registry.",
    ).tag(config=True)
    insecure_registries = List(
        Unicode(),
        help="Registries (host:port) that may be spoken to without TLS. Loopback addresses always may.",
    ).tag(config=True)
    database = Unicode(
        "",
        help="SQLAlchemy URL of the state database. Empty: SQLite in <home>/lentiq.sqlite.",
    ).tag(config=True)
    database_password_file = Unicode(
        "",
        help="File that holds the password of the user whom `database` names, so that the URL needs none.",
    ).tag(config=True)
    executor = Enum(
        ["process", "docker"],
        default_value="process",
        help="What runs tasks: child processes, or containers of the local Docker Engine.",
    ).tag(config=True)
    job_user = Unicode(
        "",
        help="System user that tasks of the process executor become, where the scheduler runs as root. It must be able "
        "to read this installation's Python. Empty: they stay the scheduler's user, without its privileges.",
    ).tag(config=True)
    builder = Enum(
        ["layers", "docker"],
        default_value="layers",
        help="What builds images: packed layers without Docker, or the Dockerfile through the Docker Engine.",
    ).tag(config=True)
    proof_limit_s = Float(
        600.0,
        min=1.0,
        help="Seconds that a proving run may take. A notebook whose last execution took longer, or that runs longer "
        "when it is tried, is proven by its imports. Tasks have no limit.",
    ).tag(config=True)
    large_file = Unicode(
        "50Mi",
        help="Size above which a file goes into a block only if the user says so (--include, --exclude), as in 50Mi.",
    ).tag(config=True)
    base = Unicode(
        "",
        help="Base image, {python} stands for X.Y. Empty: python:{python}-slim, from the block registry's own "
        "library/ if it is there, else from Docker Hub.",
    ).tag(config=True)
    certificates = Unicode(
        "",
        help="File of certificate authorities (PEM) to trust beside the usual ones: for registries, package indexes "
        "and git, in both builders. It never goes into an image.",
    ).tag(config=True)
    package_index = Unicode(
        "",
        help="Package index in place of PyPI, as in https://host/simple or name=https://host/simple. User name and "
        "password go into ~/.netrc, or UV_INDEX_<NAME>_USERNAME and _PASSWORD. It never goes into an image.",
    ).tag(config=True)
    extra_package_indexes = List(
        Unicode(),
        help="Package indexes that are asked first, written as package_index is.",
    ).tag(config=True)
    proxy = Unicode(
        "",
        help="Proxy for HTTP and HTTPS on the way to packages and, in Docker's builds, to whatever they fetch. Empty: "
        "what HTTP_PROXY and HTTPS_PROXY say. It never goes into an image.",
    ).tag(config=True)
    no_proxy = Unicode(
        "", help="Hosts to reach without the proxy, with commas between. Empty: what NO_PROXY says."
    ).tag(config=True)
    pool = Unicode("default", help="Name of this data pool; executors mark with it what belongs to it.").tag(
        config=True
    )
    tick_s = Float(30.0, min=0.05, help="Seconds between two looks of the scheduler for due workflows.").tag(
        config=True
    )
    notify = Any(
        [],
        help="Whom to tell of what: a list of dictionaries with `url` (an address in apprise's notation, as in "
        "mailtos://user:password@mail.example.org?to=team@example.org or jsons://host/hook) or `url_file` (a file "
        "that holds one), `on` (of failed, succeeded, pending, slow, with commas between; failed if not given) and, to "
        "narrow it, `project` and `workflow`. Needs the extra lentiq-jupyter[notify]. Addresses are never shown.",
    ).tag(config=True)
    notify_pending_s = Float(
        3600.0, min=1.0, help="Seconds that a task is PENDING before those are told who asked for `pending`."
    ).tag(config=True)
    public_url = Unicode(
        "", help="Address of this Jupyter server as people reach it, for links in notifications. Empty: no links."
    ).tag(config=True)
    keep_days = Float(
        90.0, min=0.0, help="Days that ended runs and their results are kept at least. 0 keeps them for ever."
    ).tag(config=True)
    keep_runs = Int(
        100,
        min=0,
        help="Newest ended runs of each workflow (and, together, of runs outside workflows) that are kept however old.",
    ).tag(config=True)
    quota_cpu = Unicode(
        "", help="CPU quota of the project `default` when it is made, as in 4 or 500m. Empty: this machine's cores."
    ).tag(config=True)
    quota_memory = Unicode(
        "", help="Memory quota of the project `default` when it is made, as in 8Gi. Empty: this machine's memory."
    ).tag(config=True)
    author = Unicode(_user(), help="Who publishes. Default: the hub's user name, else the system's.").tag(config=True)

    @property
    def channels(self) -> tuple[Channel, ...]:
        """`notify`, read.

        Raises
        ------
        BadInput
            If it is not written as its help says.
        """
        from .channels import read_channels

        return read_channels(self.notify)

    @property
    def large_bytes(self) -> int:
        """`large_file` in bytes.

        Raises
        ------
        BadInput
            If it is not a size.
        """
        return parse_memory(self.large_file)

    @property
    def certificate_file(self) -> Path | None:
        """`certificates` as an absolute path; None where none is set.

        Raises
        ------
        BadInput
            If there is no such file.
        """
        if not self.certificates:
            return None
        path = Path(self.certificates).expanduser().absolute()
        if not path.is_file():
            raise BadInput(f"There is no file of certificates {path}.", "Correct the setting `certificates`.")
        return path

    @property
    def folder(self) -> Path:
        """`home` as an absolute path."""
        return Path(self.home).expanduser().absolute()

    @property
    def registry_location(self) -> str:
        """`registry`, or the layout folder inside `home`."""
        return self.registry or str(self.folder / "registry")

    @property
    def database_url(self) -> str:
        """`database` with its password, or the SQLite file inside `home`.

        Raises
        ------
        BadInput
            If `database_password_file` cannot be read, or `database` has no place for a password.
        """
        url = self.database or f"sqlite:///{self.folder / 'lentiq.sqlite'}"
        if not self.database_password_file:
            return url
        path = Path(self.database_password_file).expanduser()
        try:
            password = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise BadInput(
                f"The password of the database cannot be read from {path}.", "Correct `database_password_file`."
            ) from error
        scheme, _, rest = url.partition("://")
        user, at, place = rest.partition("@")
        if not at or not user or ":" in user:
            raise BadInput(
                "A file holds the password of the database, but its URL names no user, or a password as well.",
                "Write `database` as in postgresql+psycopg://user@host/name.",
            )
        return f"{scheme}://{user}:{quote(password, safe='')}@{place}"


def config_file() -> Config:
    """The configuration file's content; the first folder of Jupyter's configuration path that has one wins.

    Raises
    ------
    BadInput
        If the file cannot be read as configuration.
    """
    for folder in jupyter_config_path():
        for loader, name in ((PyFileConfigLoader, "lentiq_config.py"), (JSONFileConfigLoader, "lentiq_config.json")):
            try:
                return loader(name, path=folder).load_config()
            except ConfigFileNotFound:
                continue
            except (SyntaxError, ValueError, NameError) as error:
                raise BadInput(f"{Path(folder) / name} is not a configuration file: {error}.", "Correct it.") from error
    return Config()


def load_settings(config: Config | None = None, **given: str | float | None) -> Settings:
    """Settings from, strongest first: `given` words (None: not given), environment variables, `config`, the file.

    Raises
    ------
    BadInput
        If a value is not allowed.
    """
    merged = config_file()
    if config is not None:
        merged.merge(config)
    words: dict[str, str | float] = {
        trait: os.environ[name] for name, trait in ENVIRONMENT.items() if os.environ.get(name)
    }
    words.update({trait: value for trait, value in given.items() if value is not None})
    try:
        return Settings(config=merged, **words)
    except TraitError as error:
        raise BadInput(f"A setting is not allowed: {error}") from error
