"""The parts of a workspace, made from settings when first asked for: the only place that knows every room.

A room is imported when its part is made: who only reads a notebook does not wait for the libraries of
Docker, SQL and registries.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import BadInput, Denied, NotFound
from ..interfaces import Builder, Executor, Registry, Store
from ..model import Project, Resources, parse_cpu, parse_memory
from .settings import Settings, load_settings

_PLATFORM = "linux/" + {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())

if TYPE_CHECKING:
    from ..images import Network
    from ..registry import Catalogue
    from .publishing import Publisher
    from .secrets import SecretStore


class Parts:
    """Registry, catalogue, store, executors, publisher.

    Parameters
    ----------
    settings : Settings, or None for `load_settings()`
    clock : callable giving the present as aware UTC
    """

    def __init__(
        self, settings: Settings | None = None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.settings = settings or load_settings()
        self._clock = clock
        self._registries: dict[str, Registry] = {}
        self._own_bases: set[str] = set()

    @cached_property
    def registry(self) -> Registry:
        return self._open_registry(self.settings.registry_location)

    def _open_registry(self, location: str) -> Registry:
        """The registry at a location; opened once, so that its connections, sign-in and certificates are kept."""
        from ..registry import open_registry

        if location not in self._registries:
            plain = location.split("/")[0] in self.settings.insecure_registries
            self._registries[location] = open_registry(
                location, plain_http=True if plain else None, ca_file=self.settings.certificate_file
            )
        return self._registries[location]

    @cached_property
    def catalogue(self) -> Catalogue:
        from ..registry import Catalogue

        return Catalogue(self.registry, clock=self._clock, cache=self.settings.folder / "cache" / "catalogue")

    @cached_property
    def store(self) -> Store:
        from ..store import open_store

        store = open_store(self.settings.database_url)
        try:
            store.project("default")
        except NotFound:
            store.save_project(Project(name="default", quota=self._machine()))
        return store

    def _machine(self) -> Resources:
        import psutil

        cpu, memory = self.settings.quota_cpu, self.settings.quota_memory
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return Resources(
            cpu_millicores=parse_cpu(cpu) if cpu else cores * 1000,
            memory_bytes=parse_memory(memory) if memory else psutil.virtual_memory().total,
        )

    @cached_property
    def secret_store(self) -> SecretStore:
        from .secrets import SecretStore

        return SecretStore(self.settings.folder / "secrets")

    @cached_property
    def executors(self) -> Mapping[str, Executor]:
        from ..executors import DockerExecutor, ProcessExecutor
        from ..images import find_interpreter, find_uv

        return {
            "process": ProcessExecutor(
                self.settings.folder / "process",
                self.registry,
                lambda python: find_interpreter(python, find_uv(None)),
                private=self.settings.folder,
                user=self.settings.job_user or None,
            ),
            "docker": DockerExecutor(self.registry),
        }

    def _builder(self, name: str | None) -> Builder:
        chosen = name or self.settings.builder
        if chosen == "docker":
            from ..images.docker import DockerBuilder

            return DockerBuilder(
                open_remote=self._remote, cache=self.settings.folder / "cache" / "layers", network=self.network
            )
        if chosen == "layers":
            return self._layers_builder()
        raise BadInput(f"There is no builder {chosen}.", "Choose layers or docker.")

    def _layers_builder(self, *, bare: bool = False) -> Builder:
        from ..images import LayersBuilder

        folder = self.settings.folder / "cache" / "layers"
        return LayersBuilder(cache=folder, open_remote=self._remote, bare=bare, network=self.network)

    @cached_property
    def network(self) -> Network:
        """How builders reach packages, by the settings."""
        from ..images import Network

        return Network(
            certificates=self.settings.certificate_file,
            index=self.settings.package_index,
            extra_indexes=tuple(self.settings.extra_package_indexes),
            proxy=self.settings.proxy,
            no_proxy=self.settings.no_proxy,
        )

    @cached_property
    def uv_variables(self) -> Mapping[str, str]:
        """What uv is told beside this process's environment; nothing where no setting asks for it."""
        given = self.settings
        if not (given.certificates or given.package_index or given.extra_package_indexes or given.proxy):
            return {}  # and looking at a notebook does not wait for the builders' libraries
        from ..images import uv_variables

        return uv_variables(self.network, given.folder / "cache")

    def _is_shared(self) -> bool:
        """Whether Docker can pull from the registry, and so other machines run what is in it."""
        return self.registry.pull_reference("any", "sha256:" + "0" * 64) is not None

    def _remote(self, reference: str) -> tuple[Registry, str, str]:
        from ..registry import parse_reference

        host, repository, tag = parse_reference(reference)
        return self._open_registry(host), repository, tag

    def _base(self, python: str) -> str:
        """The base image for Python `python`: the setting, the registry's own copy, Docker Hub's."""
        if self.settings.base:
            return self.settings.base.replace("{python}", python)
        official = f"python:{python}-slim"
        if not self._is_shared():
            return official
        own = f"{self.registry.location.split('/')[0]}/library/{official}"
        if own not in self._own_bases:
            registry, repository, tag = self._remote(own)
            try:
                registry.get_manifest(repository, tag)
            except (NotFound, Denied):
                return official
            self._own_bases.add(own)
        return own

    def _prover(self, builder: str) -> Executor:
        """Which executor proves an image: what Docker built may hold system packages, which only Docker has."""
        return self.executors["docker" if builder == "docker" and self._is_shared() else "process"]

    @cached_property
    def publisher(self) -> Publisher:
        from .choosing import Builders
        from .publishing import Publisher

        return Publisher(
            registry=self.registry,
            catalogue=self.catalogue,
            builders=Builders(
                named=self._builder,
                bare=lambda: self._layers_builder(bare=True),
                docker_answers=_docker_answers,
                shared=self._is_shared,
            ),
            executor=self._prover,
            base=self._base,
            cache=self.settings.folder / "cache",
            platform=_PLATFORM,
            runs=lambda platform: self._is_shared() and _docker_runs(platform),
            uv=self.uv_variables,
            author=self.settings.author,
            clock=self._clock,
            proof_limit_s=self.settings.proof_limit_s,
            large_bytes=self.settings.large_bytes,
        )

    def close(self) -> None:
        """Close the database if it was opened."""
        if "store" in self.__dict__:
            self.store.close()


def _docker_answers() -> bool:
    from ..images.docker_engine import docker_answers

    return docker_answers()


def _docker_runs(platform: str) -> bool:
    from ..images.docker_engine import docker_runs

    return docker_runs(platform)
