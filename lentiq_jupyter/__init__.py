"""Notebooks to reusable container blocks, blocks to scheduled workflows.

Imports nothing at the top: this file also runs inside images, next to the runner.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__", "load_ipython_extension", "output"]


def output(name: str, value: object) -> None:
    """Give the block's output `name` its value.

    In a notebook the value is also shown, so that working interactively and running as a task look
    the same. Called twice for one name, the last value counts.

    Parameters
    ----------
    name : str
        An identifier.
    value : object
        A JSON document; NumPy scalars and arrays are converted by their ``tolist``.

    Raises
    ------
    BadInput
        If the name is no identifier or the value is not JSON or larger than 256 KiB.
    """
    from .runner.output import publish_output

    publish_output(name, value)


def load_ipython_extension(ipython: object) -> None:
    """``%load_ext lentiq_jupyter``: register the ``%lentiq`` magic."""
    from .magics import register

    register(ipython)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "lentiq-jupyter"}]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from .server import LentiqExtension

    return [{"module": "lentiq_jupyter.server", "app": LentiqExtension}]
