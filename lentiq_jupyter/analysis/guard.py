"""What a secret looks like: the forms that issuers document, and files that exist to hold secrets.

Few rules, each with next to no false alarms. What is found here may hold the secret itself: it stays
inside this room, and only kinds and places leave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

from ..model import record


@record
class Rule:
    """One form. It is only tried on texts that hold one of the `hints`, because that is cheap to tell."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    source: str = "cell"


@record
class Sighting:
    """A secret in a text: what it looks like, "cell" or "url", and where, in characters. `value` is the secret."""

    kind: str
    source: str
    start: int
    value: str = field(repr=False)


def _rule(kind: str, hints: str, pattern: str, source: str = "cell") -> Rule:
    return Rule(kind=kind, hints=tuple(hints.split()), pattern=re.compile(pattern), source=source)


# Forms documented by their issuers; long enough that nothing else looks like them.
_RULES: tuple[Rule, ...] = (
    _rule("a private key", "PRIVATE", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    _rule("an AWS access key", "AKIA ASIA", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    _rule(
        "an AWS secret key",
        "ecret_access_key SECRET_ACCESS_KEY",
        r"(?i)aws_secret_access_key['\"\]]*\s*[=:]\s*['\"]?(?P<word>[A-Za-z0-9/+]{40})\b",
    ),
    _rule("a GitHub token", "gh github_pat_", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})"),
    _rule("a GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    _rule("a Slack token", "xox", r"\bxox[abposr]-[A-Za-z0-9-]{20,}"),
    _rule("a Slack webhook", "hooks.slack.com", r"https://hooks\.slack\.com/services/T\w+/B\w+/\w{16,}"),
    _rule("a Discord webhook", "/api/webhooks/", r"https://discord(?:app)?\.com/api/webhooks/\d{15,}/[\w-]{40,}"),
    _rule(
        "an OpenAI key",
        "T3BlbkFJ",
        r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}",
    ),
    _rule("an Anthropic key", "sk-ant-", r"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{40,}"),
    _rule("an OpenRouter key", "sk-or-v1-", r"\bsk-or-v1-[0-9a-f]{64}\b"),
    _rule("a Groq key", "gsk_", r"\bgsk_[A-Za-z0-9]{50,}"),
    _rule("a Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{34,}\b"),
    _rule("a Replicate token", "r8_", r"\br8_[A-Za-z0-9]{37}\b"),
    _rule("a LangSmith key", "lsv2_", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b"),
    _rule("a Google API key", "AIza", r"\bAIza[A-Za-z0-9_-]{35}\b"),
    _rule("a Google client secret", "GOCSPX-", r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    _rule("a Google access token", "ya29.", r"\bya29\.[A-Za-z0-9_-]{50,}"),
    _rule("a Stripe key", "k_live_", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    _rule("a SendGrid key", "SG.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _rule("a Databricks token", "dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    _rule("an npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _rule("a PyPI token", "pypi-AgE", r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    _rule("a Telegram bot token", ":AA", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    _rule("a Mapbox secret token", "sk.eyJ", r"\bsk\.eyJ[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{20,}"),
    _rule("an Azure storage key", "AccountKey=", r"AccountKey=(?P<word>[A-Za-z0-9+/]{86}==)"),
    _rule(
        "a Kaggle key",
        '"key"',
        r'"username"\s*:\s*"[^"\n]+"\s*,\s*"key"\s*:\s*"(?P<word>[0-9a-f]{32})"',
    ),
    _rule(
        "a signed token",
        "eyJ",
        r"(?<![\w.])eyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}",
    ),
    _rule(
        "a password in a URL",
        "://",
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>{}$%]{0,64}:(?P<word>[^\s:/@'\"<>{}$]{4,128})@[\w.-]+",
        "url",
    ),
    # GitHub and others take a token alone where the user's name stands.
    _rule("a token in a URL", "://", r"\bhttps?://(?P<word>[A-Za-z0-9_-]{20,255})@[\w.-]+", "url"),
    _rule(
        "a token in a URL",
        "= %3D",
        r"(?i)[?&](?:(?:access|auth|api|refresh|id|private)?[_-]?token|api[_-]?key|subscription[_-]key|sig|signature"
        r"|X-Amz-Signature|X-Goog-Signature|client_secret|password|passwd|pwd)=(?P<word>[A-Za-z0-9%._~+/=-]{16,512})",
        "url",
    ),
)
# What documentation and examples put where a secret would stand.
_PLACEHOLDER = re.compile(
    r"(?i)x{3,}|\*{2,}|\.{3,}|…|_{4,}|pass(word|wd)?|pwd|secret|token|change.?me|example|place.?holder|dummy|redacted"
    r"|\b(your|my|some|the|insert|enter|replace|put|fake|test|sample|todo|here|key|user)(?=[^a-z]|\b)|your|[<{$>]"
)
_URL_PLACEHOLDER = re.compile(
    r"(?i)x{3,}|\*{2,}|\.{3,}|pass(word|wd)?|secret|token|changeme|example|your.*|my.*|pwd|user"
)
_SECRET_FILE = re.compile(
    r"(?i)(\.env(\.(?!example$|sample$|template$|dist$)[\w.-]+)?|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|_netrc|\.pypirc"
    r"|\.git-credentials|\.pgpass|\.htpasswd|\.npmrc|\.dockercfg|credentials\.json|kaggle\.json|client_secrets?[\w.-]*"
    r"\.json|service[-_]account.*\.json|secrets?\.(toml|ya?ml|json|env)|.*\.(p12|pfx|jks|kdbx|ppk))"
)


def sightings(text: str) -> Iterator[Sighting]:
    """Every secret in a text that has a form of its own."""
    for rule in _RULES:
        if not any(hint in text for hint in rule.hints):
            continue
        for match in rule.pattern.finditer(text):
            word = match.groupdict().get("word")
            if word is not None and (_URL_PLACEHOLDER.fullmatch(word) or not _is_url_word(rule, word)):
                continue
            if "EXAMPLE" in match[0].upper() or (rule.kind != "a private key" and len(set(word or match[0])) < 4):
                continue
            yield Sighting(kind=rule.kind, source=rule.source, start=match.start(), value=word or match[0])


def _is_url_word(rule: Rule, word: str) -> bool:
    """In a query or a user's place, a word counts as a token only if it looks made by a machine."""
    return rule.kind != "a token in a URL" or looks_random(word)


def looks_random(text: str) -> bool:
    """Whether a text could be a key: long enough, letters and digits mixed, of no known words."""
    if not 16 <= len(text) <= 2048 or not re.fullmatch(r"[\w\-+/=.:~%!@#^&]+", text):
        return False
    if not (re.search(r"\d", text) and re.search(r"[A-Za-z]", text)) or len(set(text)) < 8:
        return False
    # Words joined by signs are names of files and models; keys have long runs without them.
    longest = max(len(part) for part in re.split(r"[-_/.:]", text))
    return (longest >= 12 or bool(re.fullmatch(r"[0-9a-fA-F-]{32,}", text))) and not _PLACEHOLDER.search(text)


def is_placeholder(text: str) -> bool:
    """Whether a text stands where a secret is to be put by the reader."""
    return bool(_PLACEHOLDER.search(text))


def is_secret_file(path: str) -> bool:
    """Whether a file is one that exists to hold secrets (``.env``, ``id_rsa``, ``.netrc``)."""
    name = path.rpartition("/")[2]
    return bool(_SECRET_FILE.fullmatch(name)) or path.endswith((".aws/credentials", ".docker/config.json"))
