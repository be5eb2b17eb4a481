"""Every error this package raises, so that faces translate one tree and nothing else.

    LentiqError                      exit  status  retry
    ├── BadInput                     2     400     no     the caller's words are off
    │   └── Invalid                  2     422     no     a document has faults; all of them are listed
    ├── NotFound                     3     404     no
    ├── Conflict                     4     409     yes    somebody else was faster, or it exists already
    │   └── LeaseLost                4     409     no     another scheduler took over; this one must not act
    ├── Denied                       5     403     no     credentials or rights are missing
    ├── NeverFits                    6     422     no     a task larger than its project's quota
    ├── SecretFound                  7     422     no     a secret would have been baked into an image
    ├── NotebookError                8     422     no     the notebook cannot become a block as it is
    ├── BuildFailed                  9     502     no     an image could not be built or proven
    ├── Unavailable                  10    503     yes    a service, a file or a disk does not answer
    └── Cancelled                    130   409     no     the user stopped it

Runs inside containers too: standard library only.
"""

from __future__ import annotations

__all__ = [
    "BadInput",
    "BuildFailed",
    "Cancelled",
    "Conflict",
    "Denied",
    "Invalid",
    "LeaseLost",
    "LentiqError",
    "NeverFits",
    "NotFound",
    "NotebookError",
    "SecretFound",
    "Unavailable",
]


class LentiqError(Exception):
    """Root of all errors of this package.

    Parameters
    ----------
    message : str
        One sentence a user reads: what is wrong.
    hint : str
        What to do next. Appended to the text of the error; "" means the message says it already.
    """

    exit_code = 1
    status = 500
    retry = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadInput(LentiqError):
    """The caller's words are off: a name, a value, an option."""

    exit_code = 2
    status = 400


class Invalid(BadInput):
    """A document has faults; `faults` lists every one of them.

    Parameters
    ----------
    message : str
        What kind of document, named.
    faults : tuple of str
        One sentence a fault, each beginning with where it is (``tasks.train.cpu: …``).
    """

    status = 422

    def __init__(self, message: str, faults: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint)
        # BaseException pickles by calling the class with `args`.
        self.args = (message, faults, hint)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        listed = "; ".join(self.faults)
        return f"{self.message}{': ' + listed if listed else ''} {self.hint}".strip()


class NotFound(LentiqError):
    """A notebook, block, workflow, run, task or project of that name does not exist."""

    exit_code = 3
    status = 404


class Conflict(LentiqError):
    """The thing exists already, or changed since it was read."""

    exit_code = 4
    status = 409
    retry = True


class LeaseLost(Conflict):
    """Another scheduler has taken the lease since: nothing was written, and this one stops acting at once."""

    retry = False


class Denied(LentiqError):
    """Credentials are missing or do not allow this."""

    exit_code = 5
    status = 403


class NeverFits(LentiqError):
    """A task asks for more than its project's quota, so that waiting cannot help."""

    exit_code = 6
    status = 422


class SecretFound(LentiqError):
    """Something that looks like a secret would have gone into an image."""

    exit_code = 7
    status = 422


class NotebookError(LentiqError):
    """The notebook cannot become a block as it is: not Python, broken, no kernel."""

    exit_code = 8
    status = 422


class BuildFailed(LentiqError):
    """An image could not be built, or the built block did not run.

    Parameters
    ----------
    log : str
        The last lines of what the builder or the run printed; "" when there are none.
    """

    exit_code = 9
    status = 502

    def __init__(self, message: str, hint: str = "", log: str = "") -> None:
        super().__init__(message, hint)
        self.args = (message, hint, log)
        self.log = log


class Unavailable(LentiqError):
    """A registry, a Docker engine, a database, a disk does not answer."""

    exit_code = 10
    status = 503
    retry = True


class Cancelled(LentiqError):
    """The user stopped it."""

    exit_code = 130
    status = 409
