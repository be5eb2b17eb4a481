"""The way of one notebook: facts, lock, recipe, image, proof, registration."""

from __future__ import annotations

import os.path
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..analysis import large_file
from ..environment import Providers
from ..errors import Conflict, LentiqError, NotebookError, NotFound, SecretFound, Unavailable
from ..images import base_of, make_recipe
from ..interfaces import Executor, Registry
from ..model import (
    DEFAULT_RESOURCES,
    Block,
    BlockSpec,
    Descriptor,
    Facts,
    Image,
    Input,
    Inspection,
    PinnedPackage,
    PublishRequest,
    PublishResult,
    Reporter,
    Severity,
    Step,
    Verdict,
    Verification,
    slug,
)
from ..registry import Catalogue
from ..registry.unreached import publishing
from ..scratch import scratch_folder
from . import sbom
from .choosing import Builders, Choice, for_docker_only, own_dockerfile, wanted_system
from .inspecting import inspect_notebook
from .packing import pack_notebook
from .provenance import ask_provenance
from .proving import Prover
from .repairing import Repairs
from .verifying import Proof, prove, verification_of, wishes

WORK = "lentiq-publish-"


class Publisher:
    """Makes blocks of notebooks; everything it needs is handed in.

    Parameters
    ----------
    builders : Builders
    executor : callable from a builder's name to the Executor that proves its images
    base : callable from ``X.Y`` to the base image's reference
    platform : str
        This machine's OCI platform.
    runs : callable that says whether Docker runs images of another platform from this registry
    uv : mapping
        What uv is told beside this process's environment.
    proof_limit_s : float
        Seconds that a proof may take.
    large_bytes : int
        Size above which a file goes in only where the request says so.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        catalogue: Catalogue,
        builders: Builders,
        executor: Callable[[str], Executor],
        base: Callable[[str], str],
        cache: Path,
        platform: str,
        runs: Callable[[str], bool],
        uv: Mapping[str, str],
        author: str,
        clock: Callable[[], datetime],
        proof_limit_s: float,
        large_bytes: int,
    ) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._builders = builders
        self._executor = executor
        self._base = base
        self._cache = cache
        self._platform = platform
        self._runs = runs
        self._uv = uv
        self._author = author
        self._clock = clock
        self._proof_limit_s = proof_limit_s
        self._large_bytes = large_bytes

    def publish(self, request: PublishRequest, report: Reporter) -> PublishResult:
        """See `Service.publish`. Nothing is visible in the registry before the last step."""
        with publishing(self._registry):
            return self._publish(request, report)

    def _publish(self, request: PublishRequest, report: Reporter) -> PublishResult:
        seconds: dict[str, float] = {}
        path = Path(request.path).absolute()
        provenance = ask_provenance(path)
        newest = self._newest_of(request.name or slug(path.name))
        prover: Prover | None = None
        unproven = self._unproven(request)
        packages: dict[str, str] = {}
        while True:
            with _timed(seconds, Step.RESOLVE):
                inspection = inspect_notebook(
                    path,
                    cache=self._cache,
                    proof_limit_s=self._proof_limit_s,
                    kernel=request.kernel,
                    no_kernel=request.no_kernel,
                    add=request.add,
                    remove=request.remove,
                    live=request.live,
                    repairs=packages,
                    inputs=request.inputs,
                    secrets=request.secrets,
                    hashes=True,
                    large_bytes=self._large_bytes,
                    platform=request.platform,
                    uv=self._uv,
                    report=report,
                )
            _refuse(inspection, request)
            if prover is None:
                python = inspection.python_executable
                repairs = Repairs(request, Providers(Path(python) if python else None))
                packages = repairs.packages
                prover = Prover(request, repairs, report)
            with _timed(seconds, Step.BUILD):
                built = self._build(path, request, inspection, repairs.system, report)
            same = self._unchanged(newest(), request.version, built.image)
            if same is not None and not (request.verify and not unproven and same.verification.verdict is Verdict.NONE):
                report.say(Step.REGISTER, f"nothing changed since {same.reference}")
                return _result(same, built.image, seconds, (f"unchanged: the same as {same.reference}",))
            if unproven or not request.verify:
                verification = Verification(evidence=unproven)
                break
            with _timed(seconds, Step.VERIFY):
                proof = prover.prove(self._attempt(built, request, inspection, report), inspection, built.choice.system)
            if proof is not None:
                why = prover.mode(inspection)[1]
                lacking = built.choice.lacking
                verification = verification_of(proof, why, self._clock(), repairs.sentences, lacking)
                break
        with _timed(seconds, Step.REGISTER), ThreadPoolExecutor(1) as beside:
            # The list of packages goes its way while the version is settled: nobody waits for it.
            sent = beside.submit(self._send_list, built, inspection)
            attached: list[Future[tuple[str, ...]]] = []
            report.say(Step.REGISTER, f"registering {built.spec.name} in {self._registry.location}")
            block = self._catalogue.register(
                built.image,
                built.spec,
                version=request.version,
                author=self._author,
                verification=verification,
                provenance=provenance(),
                visible=lambda one: attached.append(beside.submit(self._attach_list, built.spec.name, one, sent)),
            )
            notes = tuple(note for one in attached for note in one.result())
        notes += (*(finding.message for finding in inspection.facts.findings), *built.choice.notes, *repairs.sentences)
        if unproven:
            notes += (f"Not proven: {unproven}.",)
        if not built.image.complete and not built.choice.lacking:
            notes += (
                f"Base image {built.spec.base} cannot be reached: the block has no base layers and runs with the "
                "process executor only. Publish again where it can be reached.",
            )
        return _result(block, built.image, seconds, notes)

    def _build(
        self,
        path: Path,
        request: PublishRequest,
        inspection: Inspection,
        repaired: Mapping[str, str],
        report: Reporter,
    ) -> _Built:
        needs = wanted_system(inspection.system, request, repaired)
        given = for_docker_only(request)
        choice = self._builders.choose(request.builder, needs, given)
        try:
            return self._build_with(choice, path, request, inspection, report)
        except Unavailable as error:
            choice = self._builders.instead(choice, request.builder, needs, error, given)
            return self._build_with(choice, path, request, inspection, report)

    def _build_with(
        self, choice: Choice, path: Path, request: PublishRequest, inspection: Inspection, report: Reporter
    ) -> _Built:
        lock = inspection.lock
        assert lock is not None  # noqa: S101  inspect always resolves; this tells the type checker
        own = own_dockerfile(request)
        base = base_of(own) or "dockerfile" if own else request.base or self._base(lock.python)
        for note in choice.notes:
            report.say(Step.BUILD, note)
        with scratch_folder(WORK) as folder:
            notebook, digest = pack_notebook(path, folder, request.secrets)
            files = {path.name: notebook}
            excluded = {os.path.normpath(name) for name in request.exclude_files}
            for fact in inspection.facts.files:
                if fact.path not in excluded:
                    files[fact.path] = path.parent / fact.path
            spec = _spec(request, inspection, base, digest)
            recipe, sources = make_recipe(
                spec,
                base=base,
                platform=request.platform or self._platform,
                python=lock.python,
                lock=lock,
                files=files,
                notebook=path.name,
                system_packages=choice.system,
                dockerfile_lines=request.dockerfile_lines,
                dockerfile=own,
            )
            return _Built(spec, choice, choice.builder.build(recipe, sources, self._registry, report))

    def _unproven(self, request: PublishRequest) -> str:
        """Why the block cannot be proven here, whatever it holds; "" if it can."""
        if not request.verify or request.platform in (None, self._platform) or self._runs(str(request.platform)):
            return ""
        return f"it is made for {request.platform}, which nothing runs here"

    def _send_list(self, built: _Built, inspection: Inspection) -> bytes:
        """The list of packages, in the registry already."""
        assert inspection.lock is not None  # noqa: S101  see publish
        body = sbom.document(built.spec, built.image.config.digest, inspection.lock, built.choice.system)
        return sbom.send(self._registry, built.spec.name, body)

    def _attach_list(self, name: str, manifest: Descriptor, sent: Future[bytes]) -> tuple[str, ...]:
        """Add the list of packages to a registered block; a sentence where that fails, for the block stands."""
        try:
            sbom.attach(self._registry, name, manifest, sent.result())
        except LentiqError as error:
            return (f"The list of packages is not attached to the block: {error}",)
        return ()

    def _newest_of(self, name: str) -> Callable[[], Block | None]:
        """What gives the newest version of a block, None if there is none; looked for while the image is built."""

        def look() -> Block | None:
            try:
                return self._catalogue.block(name, None)
            except NotFound:
                return None

        pool = ThreadPoolExecutor(1, thread_name_prefix="lentiq-newest")
        found = pool.submit(look)
        pool.shutdown(wait=False)
        return found.result

    def _unchanged(self, newest: Block | None, version: str | None, image: Image) -> Block | None:
        if newest is None:
            return None
        name = newest.spec.name
        if newest.image_id != image.config.digest or newest.complete != image.complete:
            if version and any(one.version == version for one in self._catalogue.versions(name)):
                raise Conflict(f"{name}@{version} exists already.", "Versions never change; take another.")
            return None
        return newest if version in (None, newest.version) else None

    def _attempt(
        self, built: _Built, request: PublishRequest, inspection: Inspection, report: Reporter
    ) -> Callable[[str], Proof]:
        """What starts the built block in a mode and says how it went."""
        image = built.image
        media_type, body = self._catalogue.manifest(image)
        digest = self._registry.put_manifest(image.repository, None, media_type, body)
        candidate = Block(
            spec=built.spec,
            version="0",
            image=f"{image.repository}@{digest}",
            digest=digest,
            image_id=image.config.digest,
            created=self._clock(),
            complete=image.complete,
        )

        # Another platform's programs run in Docker, if at all.
        foreign = request.platform not in (None, self._platform)
        executor = self._executor("docker" if foreign else built.choice.builder.name)

        def attempt(mode: str) -> Proof:
            return prove(
                candidate,
                executor,
                mode=mode,
                imports=wishes(inspection.facts.imports),
                job_name=f"lentiq-verify-{secrets.token_hex(5)}",
                limit_s=self._proof_limit_s,
                report=report,
            )

        return attempt


class _Built(NamedTuple):
    spec: BlockSpec
    choice: Choice
    image: Image


@contextmanager
def _timed(seconds: dict[str, float], step: Step) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        seconds[str(step)] = round(seconds.get(str(step), 0.0) + time.monotonic() - began, 3)


_WHY_UNRESOLVED = frozenset(("credentials", "local-install", "missing-module"))


def _refuse(inspection: Inspection, request: PublishRequest) -> None:
    """Stop a publish that analysis found an error for."""
    # A secret that becomes an input is taken out of the copy that is packed.
    taken = {one.place for one in inspection.facts.secrets if one.name and one.name in request.secrets}
    errors = [
        one
        for one in inspection.facts.findings
        if one.severity is Severity.ERROR
        and not (one.code == "secret" and one.place and (one.place in taken or one.place.file in request.exclude_files))
    ]
    if errors:
        kind: type[LentiqError] = SecretFound if errors[0].code == "secret" else NotebookError
        raise kind(" ".join(one.message for one in errors))
    decided = {os.path.normpath(path) for path in (*request.include_files, *request.exclude_files)}
    undecided = [fact for fact in inspection.facts.files if fact.large and fact.path not in decided]
    if undecided:
        raise NotebookError(" ".join(map(large_file, undecided)), "Decide on each of these files, then publish again.")
    missing = [name for name in inspection.unresolved if name not in request.remove]
    if missing:
        # Where a package is known but cannot go in, these say why and what to do.
        reasons = [one.message for one in inspection.facts.findings if one.code in _WHY_UNRESOLVED]
        raise NotebookError(
            " ".join([f"No package can be taken for {', '.join(missing)}.", *reasons]),
            "Install it in the kernel, add it with --add NAME, or leave it out with --remove NAME.",
        )


def _spec(request: PublishRequest, inspection: Inspection, base: str, digest: str) -> BlockSpec:
    facts: Facts = inspection.facts
    lock = inspection.lock
    assert lock is not None  # noqa: S101  see publish
    return BlockSpec(
        name=request.name or slug(facts.notebook),
        description=request.description,
        inputs=_inputs(facts.inputs if request.inputs is None else request.inputs, request.secrets),
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


def _inputs(chosen: tuple[Input, ...], secrets: tuple[str, ...]) -> tuple[Input, ...]:
    """The chosen inputs, with one for each secret that was taken out of a cell."""
    made = {one.name: one for one in chosen}
    for name in secrets:
        description = made[name].description if name in made else "was a literal in the notebook"
        made[name] = Input(name=name, required=True, secret=True, description=description)
    return tuple(made.values())


def _result(block: Block, image: Image, seconds: dict[str, float], notes: tuple[str, ...]) -> PublishResult:
    return PublishResult(
        block=block, bytes_sent=image.bytes_sent, bytes_total=image.bytes_total, seconds=seconds, notes=notes
    )
