"""Values of secrets, by project: the only place that keeps them.

Plain files that only their owner can read. Keyrings ask for a desktop session, which a server that runs
the scheduler at night does not have.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..errors import BadInput, NotFound, Unavailable
from ..model import check_identifier, check_name

LIMIT_BYTES = 64 * 2**10


class SecretStore:
    """Secrets under ``<folder>/<project>/<name>``; folders have mode 0700, files 0600.

    All methods raise Unavailable if the disk refuses, BadInput for a name that is none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def set(self, name: str, value: str, project: str) -> None:
        """Keep or replace a value, whole or not at all.

        Raises
        ------
        BadInput
            If it is empty, larger than 64 KiB, or holds a NUL, which no environment variable can.
        """
        path = self._path(name, project)
        body = value.encode()
        if not body or len(body) > LIMIT_BYTES or b"\0" in body:
            raise BadInput(f"The value of {name} is empty, too long or no text.", "Give between 1 byte and 64 KiB.")
        try:
            for folder in (self._folder, path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(body)
                os.replace(partial, path)
            except OSError:
                os.unlink(partial)
                raise
        except OSError as error:
            raise Unavailable(f"Secret {name} cannot be kept ({error.strerror}).", f"Look at {path.parent}.") from error

    def value(self, name: str, project: str) -> str:
        """The value of one secret. Raises NotFound."""
        try:
            return self._path(name, project).read_bytes().decode()
        except FileNotFoundError as error:
            raise NotFound(f"Secret {name} of project {project} is not set.", _how(name, project)) from error
        except OSError as error:
            raise Unavailable(f"Secret {name} cannot be read ({error.strerror}).", "Look at its rights.") from error

    def names(self, project: str) -> tuple[str, ...]:
        """Names of the secrets a project has, sorted."""
        check_name(project, "project name")
        try:
            return tuple(sorted(one for one in os.listdir(self._folder / project) if not one.startswith(".")))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(
                f"The secrets of {project} cannot be listed ({error.strerror}).", "Look there."
            ) from error

    def remove(self, name: str, project: str) -> None:
        """Forget one secret. Raises NotFound."""
        try:
            self._path(name, project).unlink()
        except FileNotFoundError as error:
            raise NotFound(f"Secret {name} of project {project} is not set.", "See lentiq secret list.") from error
        except OSError as error:
            raise Unavailable(f"Secret {name} cannot be removed ({error.strerror}).", "Look at its rights.") from error

    def _path(self, name: str, project: str) -> Path:
        return self._folder / check_name(project, "project name") / check_identifier(name, "secret name")


def _how(name: str, project: str) -> str:
    where = "" if project == "default" else f" --project {project}"
    return f"Set it with: lentiq secret set {name}{where}"
