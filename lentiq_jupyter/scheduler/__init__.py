"""Decides what starts when: triggers, dependencies, admission, and the service that acts on them."""

from __future__ import annotations

from .admission import Admission, Claim, Verdict, admit
from .check import check_workflow
from .graph import dependencies, find_cycle, references, resolve_inputs
from .lease import LEASE
from .misfire import Answer, DueDecision, decide_due
from .proposal import propose
from .service import Scheduler
from .starts import new_run
from .triggers import clock_change, first_start, next_start, preview, schedule_faults, starts_between

__all__ = [
    "LEASE",
    "Scheduler",
    "new_run",
    "Admission",
    "Claim",
    "Verdict",
    "admit",
    "check_workflow",
    "dependencies",
    "find_cycle",
    "references",
    "resolve_inputs",
    "Answer",
    "DueDecision",
    "decide_due",
    "clock_change",
    "first_start",
    "next_start",
    "preview",
    "propose",
    "schedule_faults",
    "starts_between",
]
