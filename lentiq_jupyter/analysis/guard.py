"""The secret guard: what must not be baked into an image. Few rules, each with next to no false alarms.

A finding names the kind of secret and its place, never a character of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model import Finding, Place, Severity

# Forms documented by their issuers; long enough that nothing else looks like them.
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("an AWS secret key", re.compile(r"(?i)aws_secret_access_key['\"\]]*\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a Slack token", re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{20,}")),
    ("a Slack webhook", re.compile(r"https://hooks\.slack\.com/services/T\w+/B\w+/\w{16,}")),
    ("an OpenAI key", re.compile(r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}")),
    ("an Anthropic key", re.compile(r"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{40,}")),
    ("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{34,}\b")),
    ("a Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("a Stripe key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}")),
    ("a PyPI token", re.compile(r"\bpypi-AgE[A-Za-z0-9_-]{50,}")),
    (
        "a password in a URL",
        re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>{}$%]{0,64}:(?P<word>[^\s:/@'\"<>{}$]{4,128})@[\w.-]+"),
    ),
)
# What documentation and examples put where a password would stand.
_PLACEHOLDER = re.compile(r"(?i)x{3,}|\*{2,}|\.{3,}|pass(word|wd)?|secret|token|changeme|example|your.*|my.*|pwd|user")
_SECRET_FILE = re.compile(
    r"(?i)(\.env(\.(?!example$|sample$|template$|dist$)[\w.-]+)?|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|_netrc|\.pypirc"
    r"|\.git-credentials|\.pgpass|credentials\.json|service[-_]account.*\.json|.*\.(p12|pfx|jks|kdbx))"
)


def guard_text(text: str, place: Place) -> list[Finding]:
    """Secrets in a text: one finding a kind, placed at the line of the first.

    Parameters
    ----------
    place : Place
        Where the text begins; its line counts on from there.
    """
    found = []
    for kind, rule in _RULES:
        for match in rule.finditer(text):
            if _PLACEHOLDER.fullmatch(match.groupdict().get("word") or "-"):
                continue
            line = place.line + text.count("\n", 0, match.start())
            where = f"Cell {place.cell + 1}" if place.cell is not None else f"{place.file}, line {line}"
            message = f"{where} holds {kind}. Take it out and read it from an environment variable."
            spot = Place(file=place.file, line=line, cell=place.cell)
            found.append(Finding(severity=Severity.ERROR, code="secret", message=message, place=spot))
            break
    return found


def is_secret_file(path: str) -> bool:
    """Whether a file is one that exists to hold secrets (``.env``, ``id_rsa``, ``.netrc``)."""
    return bool(_SECRET_FILE.fullmatch(path.rpartition("/")[2]))


def guard_files(paths: Iterable[tuple[str, Place]]) -> list[Finding]:
    """One finding for each file that exists to hold secrets."""
    return [
        Finding(
            severity=Severity.ERROR,
            code="secret",
            message=f"{path} holds secrets, so it must not go into a block. Read environment variables instead.",
            place=place,
        )
        for path, place in paths
        if is_secret_file(path)
    ]
