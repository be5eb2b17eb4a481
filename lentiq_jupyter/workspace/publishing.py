"""The way of one notebook: facts, lock, recipe, image, proof, registration."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import nbformat

from ..analysis import analyse
from ..environment import python_of, resolve
from ..errors import Conflict, LentiqError, NotebookError, NotFound, SecretFound
from ..images import make_recipe
from ..interfaces import Builder, Executor, Registry
from ..model import (
    DEFAULT_RESOURCES,
    Block,
    BlockSpec,
    Facts,
    Finding,
    Image,
    Inspection,
    LiveKernel,
    PinnedPackage,
    PublishRequest,
    PublishResult,
    Reporter,
    Severity,
    Step,
    Verification,
    slug,
)
from ..registry import Catalogue
from .verifying import verify


class Publisher:
    """Makes blocks of notebooks; everything it needs is handed in.

    Parameters
    ----------
    builder : callable from a builder's name (None: the setting) to a Builder
    executor : callable from a builder's name to the Executor that proves its images
    base : callable from ``X.Y`` to the base image's reference
    """

    def __init__(
        self,
        *,
        registry: Registry,
        catalogue: Catalogue,
        builder: Callable[[str | None], Builder],
        executor: Callable[[str], Executor],
        base: Callable[[str], str],
        cache: Path,
        platform: str,
        author: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._builder = builder
        self._executor = executor
        self._base = base
        self._cache = cache
        self._platform = platform
        self._author = author
        self._clock = clock

    def inspect(
        self,
        path: Path,
        *,
        kernel: str | None = None,
        no_kernel: bool = False,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
        live: LiveKernel | None = None,
        report: Reporter | None = None,
    ) -> Inspection:
        """Facts and lock of one notebook; see `Service.inspect`."""
        report = report or Reporter()
        report.say(Step.ANALYSE, f"reading {path.name}")
        facts = analyse(path)
        python = None if no_kernel else python_of(kernel, facts.kernel)
        report.say(Step.RESOLVE, f"asking {python}" if python else "asking the package index; no kernel is asked")
        found = resolve(facts, python=python, add=add, remove=remove, cache=self._cache / "hashes", report=report)
        report.say(Step.RESOLVE, f"{len(found.lock.packages)} packages for Python {found.lock.python}")
        notes = tuple(Finding(severity=Severity.WARNING, code="environment", message=note) for note in found.notes)
        return Inspection(
            facts=dataclasses.replace(facts, findings=facts.findings + notes),
            lock=found.lock,
            python_executable=str(python) if python else None,
            unresolved=found.unresolved,
        )

    def publish(self, request: PublishRequest, report: Reporter) -> PublishResult:
        """See `Service.publish`. Nothing is visible in the registry before the last step."""
        seconds: dict[str, float] = {}
        path = Path(request.path).absolute()
        with _timed(seconds, Step.RESOLVE):
            inspection = self.inspect(
                path,
                kernel=request.kernel,
                no_kernel=request.no_kernel,
                add=request.add,
                remove=request.remove,
                live=request.live,
                report=report,
            )
        _refuse(inspection, request)
        lock = inspection.lock
        assert lock is not None  # noqa: S101  inspect always resolves; this tells the type checker
        base = request.base or self._base(lock.python)
        with tempfile.TemporaryDirectory(prefix="lentiq-publish-") as folder:
            notebook, digest = _clean(path, Path(folder))
            files = {path.name: notebook}
            for fact in inspection.facts.files:
                if fact.path not in request.exclude_files:
                    files[fact.path] = path.parent / fact.path
            spec = _spec(request, inspection, base, digest)
            with _timed(seconds, Step.BUILD):
                recipe, sources = make_recipe(
                    spec,
                    base=base,
                    platform=self._platform,
                    python=lock.python,
                    lock=lock,
                    files=files,
                    notebook=path.name,
                )
                builder = self._builder(request.builder)
                image = builder.build(recipe, sources, self._registry, report)
        same = self._unchanged(spec.name, request.version, image)
        if same is not None:
            report.say(Step.REGISTER, f"nothing changed since {same.reference}")
            return _result(same, image, seconds, (f"unchanged: the same as {same.reference}",))
        verification = Verification()
        if request.verify:
            with _timed(seconds, Step.VERIFY):
                verification = self._verify(spec, image, builder.name, report)
        with _timed(seconds, Step.REGISTER):
            report.say(Step.REGISTER, f"registering {spec.name} in {self._registry.location}")
            block = self._catalogue.register(
                image, spec, version=request.version, author=self._author, verification=verification
            )
        notes = tuple(f"{finding.message}" for finding in inspection.facts.findings)
        if not image.complete:
            notes += (
                f"Base image {base} cannot be reached: the block has no base layers and runs with the process "
                "executor only. Publish again where it can be reached.",
            )
        return _result(block, image, seconds, notes)

    def _unchanged(self, name: str, version: str | None, image: Image) -> Block | None:
        try:
            newest = self._catalogue.block(name, None)
        except NotFound:
            return None
        if newest.image_id != image.config.digest or newest.complete != image.complete:
            if version and any(one.version == version for one in self._catalogue.versions(name)):
                raise Conflict(f"{name}@{version} exists already.", "Versions never change; take another.")
            return None
        return newest if version in (None, newest.version) else None

    def _verify(self, spec: BlockSpec, image: Image, builder: str, report: Reporter) -> Verification:
        media_type, body = self._catalogue.manifest(image)
        digest = self._registry.put_manifest(image.repository, None, media_type, body)
        now = self._clock()
        candidate = Block(
            spec=spec,
            version="0",
            image=f"{image.repository}@{digest}",
            digest=digest,
            image_id=image.config.digest,
            created=now,
            complete=image.complete,
        )
        job_name = f"lentiq-verify-{secrets.token_hex(5)}"
        return verify(candidate, self._executor(builder), job_name=job_name, now=now, report=report)


@contextmanager
def _timed(seconds: dict[str, float], step: Step) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        seconds[str(step)] = round(seconds.get(str(step), 0.0) + time.monotonic() - began, 3)


def _refuse(inspection: Inspection, request: PublishRequest) -> None:
    """Stop a publish that analysis found an error for."""
    errors = [one for one in inspection.facts.findings if one.severity is Severity.ERROR]
    if errors:
        kind: type[LentiqError] = SecretFound if errors[0].code == "secret" else NotebookError
        raise kind(" ".join(one.message for one in errors))
    missing = [name for name in inspection.unresolved if name not in request.remove]
    if missing:
        raise NotebookError(
            f"No package is known for {', '.join(missing)}.",
            "Install it in the kernel, add it with --add NAME, or leave it out with --remove NAME.",
        )


def _clean(path: Path, folder: Path) -> tuple[Path, str]:
    """A copy without outputs and counts: they are no part of what runs, may hold secrets, and change every time."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    copy = folder / "notebook.ipynb"
    text = nbformat.writes(notebook)
    copy.write_text(text, encoding="utf-8")
    return copy, hashlib.sha256(copy.read_bytes()).hexdigest()


def _spec(request: PublishRequest, inspection: Inspection, base: str, digest: str) -> BlockSpec:
    facts: Facts = inspection.facts
    lock = inspection.lock
    assert lock is not None  # noqa: S101  see publish
    return BlockSpec(
        name=request.name or slug(facts.notebook),
        description=request.description,
        inputs=facts.inputs if request.inputs is None else request.inputs,
        outputs=facts.outputs,
        resources=request.resources or DEFAULT_RESOURCES,
        python=lock.python,
        base=base,
        notebook=facts.notebook,
        notebook_sha256=digest,
        packages=tuple(
            PinnedPackage(name=one.name, version=one.version, witness=str(one.witness)) for one in lock.packages
        ),
    )


def _result(block: Block, image: Image, seconds: dict[str, float], notes: tuple[str, ...]) -> PublishResult:
    return PublishResult(
        block=block, bytes_sent=image.bytes_sent, bytes_total=image.bytes_total, seconds=seconds, notes=notes
    )
