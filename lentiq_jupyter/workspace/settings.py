"""All settings of the service, in one class and one configuration file.

The same file serves the server extension, the scheduler, the command line and the magics:
``lentiq_config.py`` or ``.json`` on Jupyter's configuration path, with lines like
``c.Settings.registry = "registry.example.org/team"``. Environment variables are read here and nowhere else.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from jupyter_core.paths import jupyter_config_path, jupyter_data_dir
from traitlets import Enum, Float, List, TraitError, Unicode
from traitlets.config import Config, Configurable
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from ..errors import BadInput
from ..model import parse_memory

ENVIRONMENT = {
    "LENTIQ_HOME": "home",
    "LENTIQ_REGISTRY": "registry",
    "LENTIQ_DATABASE": "database",
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
    executor = Enum(
        ["process", "docker"],
        default_value="process",
        help="What runs tasks: child processes, or containers of the local Docker Engine.",
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
    pool = Unicode("default", help="Name of this data pool; executors mark with it what belongs to it.").tag(
        config=True
    )
    tick_s = Float(30.0, min=0.05, help="Seconds between two looks of the scheduler for due workflows.").tag(
        config=True
    )
    quota_cpu = Unicode(
        "", help="CPU quota of the project `default` when it is made, as in 4 or 500m. Empty: this machine's cores."
    ).tag(config=True)
    quota_memory = Unicode(
        "", help="Memory quota of the project `default` when it is made, as in 8Gi. Empty: this machine's memory."
    ).tag(config=True)
    author = Unicode(_user(), help="Who publishes. Default: the hub's user name, else the system's.").tag(config=True)

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
    def folder(self) -> Path:
        """`home` as an absolute path."""
        return Path(self.home).expanduser().absolute()

    @property
    def registry_location(self) -> str:
        """`registry`, or the layout folder inside `home`."""
        return self.registry or str(self.folder / "registry")

    @property
    def database_url(self) -> str:
        """`database`, or the SQLite file inside `home`."""
        return self.database or f"sqlite:///{self.folder / 'lentiq.sqlite'}"


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
