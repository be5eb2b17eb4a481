"""Every address of the service on one page."""

from __future__ import annotations

from . import blocks, notebooks, projects, runs, status, workflows
from .route import Route

ROUTES: tuple[Route, ...] = (
    Route("GET", "status", status.get_status),
    Route("POST", "inspect", notebooks.inspect_notebook),
    Route("GET", "publishes", notebooks.list_publishes),
    Route("POST", "publishes", notebooks.start_publish, 202),
    Route("GET", "publishes/{id}", notebooks.get_publish),
    Route("DELETE", "publishes/{id}", notebooks.cancel_publish, 202),
    Route("GET", "blocks", blocks.list_blocks),
    Route("GET", "blocks/{name}", blocks.list_block_versions),
    Route("GET", "blocks/{name}/{version}", blocks.get_block),
    Route("DELETE", "blocks/{name}/{version}", blocks.remove_block, 204),
    Route("GET", "blocks/{name}/{version}/dockerfile", blocks.get_dockerfile),
    Route("GET", "projects", projects.list_projects),
    Route("PUT", "projects/{name}", projects.save_project),
    Route("GET", "workflows", workflows.list_workflows),
    Route("POST", "workflows/check", workflows.check_workflow),
    Route("GET", "workflows/{project}/{name}", workflows.get_workflow),
    Route("PUT", "workflows/{project}/{name}", workflows.save_workflow),
    Route("DELETE", "workflows/{project}/{name}", workflows.delete_workflow, 204),
    Route("POST", "workflows/{project}/{name}/start", workflows.start_workflow, 201),
    Route("POST", "workflows/{project}/{name}/pause", workflows.pause_workflow),
    Route("POST", "workflows/{project}/{name}/resume", workflows.resume_workflow),
    Route("GET", "runs", runs.list_runs),
    Route("POST", "runs", runs.run_block, 201),
    Route("GET", "runs/{id}", runs.get_run),
    Route("POST", "runs/{id}/cancel", runs.cancel_run),
    Route("POST", "runs/{id}/rerun", runs.rerun, 201),
    Route("GET", "runs/{id}/tasks/{task}/log", runs.get_log),
    Route("GET", "runs/{id}/tasks/{task}/notebook", runs.get_notebook),
)
