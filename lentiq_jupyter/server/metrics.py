"""``metrics``: figures for a monitoring system."""

from __future__ import annotations

from .call import Call


def get_metrics(call: Call) -> str:
    """Figures in the text format of Prometheus."""
    return call.service.metrics()
