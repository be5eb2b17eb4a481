"""`Client`: every use case over HTTP, with the names, records and errors of `interfaces.Service`."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Optional

from ..errors import BadInput, Cancelled
from ..model import (
    Block,
    BlockDiff,
    BlockQuery,
    BlockUse,
    Check,
    Drift,
    ImageRequest,
    Inspection,
    Json,
    LiveKernel,
    ProgressEvent,
    Project,
    PublishRequest,
    PublishResult,
    Reporter,
    RequestedStart,
    Resources,
    Run,
    Workflow,
    decode,
    encode,
    split_reference,
)
from .transport import Transport, to_error

POLL_S = 0.3


class Client:
    """A `Service` that lives in a Jupyter server.

    Parameters
    ----------
    url : str
        The service's address, as ``http://localhost:8888/lentiq`` (in a kernel: ``LENTIQ_API_URL``).
    token : str
        The server's token, or the kernels' own (``LENTIQ_API_TOKEN``).
    timeout_s : float
        Seconds without any byte after which the service counts as out of reach.
    """

    def __init__(self, url: str, token: str = "", *, timeout_s: float = 60.0) -> None:
        self._http = Transport(url, token, timeout_s)

    def __repr__(self) -> str:
        return f"Client({self._http.url!r})"

    def status(self) -> dict[str, Json]:
        """See `Service.status`; besides, ``root`` (the server's root folder) and ``user``."""
        found: dict[str, Json] = self._http.json("GET", "status")
        return found

    def metrics(self) -> str:
        """See `Service.metrics`."""
        return self._http.send("GET", "metrics").decode()

    # ---- notebooks and blocks ----------------------------------------------------------------------------------------

    def inspect(
        self,
        path: str,
        *,
        kernel: Optional[str] = None,
        no_kernel: bool = False,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
        live: Optional[LiveKernel] = None,
    ) -> Inspection:
        """See `Service.inspect`. Raises BadInput for a notebook outside the server's root folder."""
        body: Json = {
            "path": self._below_root(path),
            "kernel": kernel,
            "no_kernel": no_kernel,
            "add": list(add),
            "remove": list(remove),
            "live": encode(live),
        }
        return decode(Inspection, self._http.json("POST", "inspect", body=body))

    def publish(self, request: PublishRequest, report: Optional[Reporter] = None) -> PublishResult:
        """See `Service.publish`. Interrupting (or cancelling `report`) stops the publish on the server too."""
        report = report or Reporter()
        sent = encode(dataclasses.replace(request, path=self._below_root(request.path)))
        job = str(self._http.json("POST", "publishes", body=sent)["id"])
        try:
            return self._follow(job, report)
        except (KeyboardInterrupt, Cancelled) as error:
            self._http.send("DELETE", "publishes", job)
            if isinstance(error, Cancelled):
                raise
            raise Cancelled("Stopped as asked.", "Nothing was registered.") from None

    def _follow(self, job: str, report: Reporter) -> PublishResult:
        seen: list[Any] = []
        while True:
            found = self._http.json("GET", "publishes", job)
            events = found["events"]
            # The last event seen may have been replaced by its newer self.
            begin = len(seen) - 1 if seen and events[len(seen) - 1] != seen[-1] else len(seen)
            for one in events[begin:]:
                event = decode(ProgressEvent, one)
                report.say(event.step, event.message, event.done, event.total)
            seen = events
            if found["error"] is not None:
                raise to_error(found["error"])
            if found["result"] is not None:
                return decode(PublishResult, found["result"])
            report.check()
            time.sleep(POLL_S)

    def _below_root(self, path: str) -> str:
        """`path` as the server's file browser shows it: relative to its root folder."""
        root = os.path.realpath(str(self.status()["root"]))
        if not os.path.isdir(root):  # the server's files are not this machine's
            return path
        found = os.path.relpath(os.path.realpath(path), root)
        if found.split(os.sep)[0] == os.pardir:
            raise BadInput(f"{path} is not below the Jupyter server's root folder {root}.", "Move it there.")
        return found.replace(os.sep, "/")

    def blocks(self, query: BlockQuery = BlockQuery()) -> list[Block]:  # noqa: B008  # frozen
        """See `Service.blocks`."""
        asked = {name: value for name, value in dataclasses.asdict(query).items() if value != ""}
        return [decode(Block, one) for one in self._http.json("GET", "blocks", query=asked)["blocks"]]

    def block_versions(self, name: str) -> list[Block]:
        """See `Service.block_versions`."""
        return [decode(Block, one) for one in self._http.json("GET", "blocks", name)["blocks"]]

    def block(self, reference: str) -> Block:
        """See `Service.block`."""
        name, version = split_reference(reference)
        if version is None:
            return self.block_versions(name)[0]
        return decode(Block, self._http.json("GET", "blocks", name, version))

    def dockerfile(self, reference: str) -> str:
        """See `Service.dockerfile`."""
        return str(self._http.json("GET", "blocks", *self._pinned(reference), "dockerfile")["dockerfile"])

    def readme(self, reference: str) -> str:
        """See `Service.readme`."""
        return str(self._http.json("GET", "blocks", *self._pinned(reference), "readme")["readme"])

    def sbom(self, reference: str) -> dict[str, Json]:
        """See `Service.sbom`."""
        found: dict[str, Json] = self._http.json("GET", "blocks", *self._pinned(reference), "sbom")
        return found

    def drift(
        self, path: str, *, packages: bool = False, kernel: Optional[str] = None, live: Optional[LiveKernel] = None
    ) -> Drift:
        """See `Service.drift`. Raises BadInput for a notebook outside the server's root folder."""
        body: Json = {"path": self._below_root(path), "packages": packages, "kernel": kernel, "live": encode(live)}
        return decode(Drift, self._http.json("POST", "drift", body=body))

    def diff_blocks(self, old: str, new: str) -> BlockDiff:
        """See `Service.diff_blocks`."""
        return decode(BlockDiff, self._http.json("GET", "blocks", "diff", query={"old": old, "new": new}))

    def block_users(self, reference: str) -> list[BlockUse]:
        """See `Service.block_users`."""
        name, version = split_reference(reference)
        where = (name,) if version is None else (name, version)
        return [decode(BlockUse, one) for one in self._http.json("GET", "blocks", *where, "users")["users"]]

    def deprecate_block(self, reference: str, reason: Optional[str]) -> Block:
        """See `Service.deprecate_block`."""
        where = ("blocks", *_one_version(reference), "deprecation")
        return decode(Block, self._http.json("PUT", *where, body={"reason": reason}))

    def remove_block(self, reference: str, *, force: bool = False) -> None:
        """See `Service.remove_block`."""
        self._http.send("DELETE", "blocks", *_one_version(reference), query={"force": True} if force else None)

    def propose_resources(self, reference: str) -> Optional[Resources]:
        """See `Service.propose_resources`."""
        found = self._http.json("GET", "blocks", *self._pinned(reference), "resources")["resources"]
        return None if found is None else decode(Resources, found)

    def block_from_image(self, request: ImageRequest) -> Block:
        """See `Service.block_from_image`."""
        return decode(Block, self._http.json("POST", "blocks", body=encode(request)))

    def _pinned(self, reference: str) -> tuple[str, str]:
        name, version = split_reference(reference)
        return name, version or self.block(name).version

    # ---- projects and workflows --------------------------------------------------------------------------------------

    def save_project(self, project: Project) -> Project:
        """See `Service.save_project`."""
        return decode(Project, self._http.json("PUT", "projects", project.name, body=encode(project)))

    def projects(self) -> list[dict[str, Json]]:
        """See `Service.projects`."""
        return list(self._http.json("GET", "projects")["projects"])

    def workflow_text(self, workflow: Workflow, base: Optional[str] = None) -> str:
        """See `Service.workflow_text`."""
        body: Json = {"workflow": encode(workflow), "base": base}
        return str(self._http.json("POST", "workflows", "text", body=body)["text"])

    def read_workflow(self, text: str, project: str = "default") -> Workflow:
        """See `Service.read_workflow`."""
        return decode(Workflow, self._http.json("POST", "workflows", "read", body={"text": text, "project": project}))

    def check_workflow(self, workflow: Workflow) -> Check:
        """See `Service.check_workflow`."""
        return decode(Check, self._http.json("POST", "workflows", "check", body=encode(workflow)))

    def save_workflow(self, workflow: Workflow) -> Workflow:
        """See `Service.save_workflow`."""
        where = ("workflows", workflow.project, workflow.name)
        return decode(Workflow, self._http.json("PUT", *where, body=encode(workflow)))

    def workflows(self, project: Optional[str] = None) -> list[dict[str, Json]]:
        """See `Service.workflows`."""
        return list(self._http.json("GET", "workflows", query={"project": project})["workflows"])

    def workflow(self, name: str, project: str = "default") -> Workflow:
        """See `Service.workflow`."""
        return decode(Workflow, self._http.json("GET", "workflows", project, name))

    def delete_workflow(self, name: str, project: str = "default") -> None:
        """See `Service.delete_workflow`."""
        self._http.send("DELETE", "workflows", project, name)

    def pause_workflow(self, name: str, project: str = "default", *, paused: bool = True) -> Workflow:
        """See `Service.pause_workflow`."""
        verb = "pause" if paused else "resume"
        return decode(Workflow, self._http.json("POST", "workflows", project, name, verb))

    def start_workflow(
        self, name: str, project: str = "default", *, inputs: Optional[Mapping[str, Mapping[str, Json]]] = None
    ) -> Run:
        """See `Service.start_workflow`."""
        body: Json = {"inputs": encode({task: dict(values) for task, values in (inputs or {}).items()})}
        return decode(Run, self._http.json("POST", "workflows", project, name, "start", body=body))

    def backfill_workflow(
        self, name: str, project: str = "default", *, first: datetime, last: datetime, preview: bool = False
    ) -> list[RequestedStart]:
        """See `Service.backfill_workflow`."""
        body: Json = {"first": encode(first), "last": encode(last), "preview": preview}
        return _starts(self._http.json("POST", "workflows", project, name, "backfill", body=body))

    def withdraw_backfill(self, name: str, project: str = "default") -> int:
        """See `Service.withdraw_backfill`."""
        return int(self._http.json("DELETE", "workflows", project, name, "backfill")["withdrawn"])

    def requested_starts(self, name: str, project: str = "default") -> list[RequestedStart]:
        """See `Service.requested_starts`."""
        return _starts(self._http.json("GET", "workflows", project, name, "backfill"))

    # ---- runs --------------------------------------------------------------------------------------------------------

    def run_block(
        self,
        reference: str,
        inputs: Mapping[str, Json],
        *,
        resources: Optional[Resources] = None,
        project: str = "default",
    ) -> Run:
        """See `Service.run_block`."""
        body: Json = {
            "block": reference,
            "inputs": encode(inputs),
            "resources": encode(resources),
            "project": project,
        }
        return decode(Run, self._http.json("POST", "runs", body=body))

    def runs(self, *, project: Optional[str] = None, workflow: Optional[str] = None, limit: int = 100) -> list[Run]:
        """See `Service.runs`."""
        query = {"project": project, "workflow": workflow, "limit": limit}
        return [decode(Run, one) for one in self._http.json("GET", "runs", query=query)["runs"]]

    def run(self, run_id: str) -> Run:
        """See `Service.run`."""
        return decode(Run, self._http.json("GET", "runs", run_id))

    def cancel_run(self, run_id: str, task: Optional[str] = None) -> Run:
        """See `Service.cancel_run`."""
        return decode(Run, self._http.json("POST", "runs", run_id, "cancel", body={"task": task}))

    def rerun(self, run_id: str, *, from_failed: bool = False) -> Run:
        """See `Service.rerun`."""
        return decode(Run, self._http.json("POST", "runs", run_id, "rerun", body={"from_failed": from_failed}))

    def log(self, run_id: str, task: str, offset: int = 0) -> str:
        """See `Service.log`."""
        where = ("runs", run_id, "tasks", task, "log")
        return str(self._http.json("GET", *where, query={"offset": offset})["text"])

    def notebook(self, run_id: str, task: str) -> bytes:
        """See `Service.notebook`."""
        return self._http.send("GET", "runs", run_id, "tasks", task, "notebook")


def _starts(document: Mapping[str, Any]) -> list[RequestedStart]:
    return [decode(RequestedStart, one) for one in document["starts"]]


def _one_version(reference: str) -> tuple[str, str]:
    """Name and version. Raises BadInput without a version: what is newest may be another one a moment later."""
    name, version = split_reference(reference)
    if version is None:
        raise BadInput(f"{reference} names no version.", f"Write {reference}@VERSION.")
    return name, version
