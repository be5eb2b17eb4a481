"""Rights by bearer tokens: a real registry that trusts a token service, and says pull, push and delete apart."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from lentiq_jupyter.errors import Denied
from lentiq_jupyter.registry import DistributionRegistry, claims
from lentiq_jupyter.registry.content import OCI_MANIFEST, digest_of
from lentiq_jupyter.registry.referrers import EMPTY, bare_manifest

RIGHTS = {"ana": {"pull", "push", "delete"}, "dan": {"pull", "push"}, "eva": {"pull"}}
SERVICE, ISSUER, PASSWORD = "test-registry", "test-issuer", "open sesame"
BODY = b"bytes of a blob"


def packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class TokenService(BaseHTTPRequestHandler):
    """Gives each user those rights they have (distribution.github.io/distribution/spec/auth/jwt)."""

    folder: ClassVar[Path]
    asked: ClassVar[list[tuple[str, list[str]]]]

    def do_GET(self) -> None:
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(given).decode().partition(":") if kind == "Basic" else ("", "", "")
        scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
        self.asked.append((user, scopes))
        allowed = RIGHTS.get(user, set()) if password == PASSWORD else set()
        if user and password != PASSWORD:
            self.send_error(401)
            return
        access = []
        for scope in scopes:
            sort, name, actions = scope.split(":")
            access.append({"type": sort, "name": name, "actions": sorted(allowed & set(actions.split(",")))})
        body = json.dumps({"token": self.sign(user, access), "expires_in": 300}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def sign(self, user: str, access: list[dict[str, object]]) -> str:
        certificate = "".join((self.folder / "cert.pem").read_text().splitlines()[1:-1])
        now = int(time.time())
        head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        claim = {"iss": ISSUER, "sub": user, "aud": SERVICE, "exp": now + 300, "nbf": now - 5, "iat": now,
                 "jti": uuid.uuid4().hex, "access": access}  # fmt: skip
        text = ".".join(packed(json.dumps(one).encode()) for one in (head, claim))
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.folder / "key.pem")]
        return f"{text}.{packed(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)}"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture(scope="module")
def guarded(
    serve_registry: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, type[TokenService]]]:
    """A real registry that asks for tokens, and their service."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program signs tokens")
    folder = tmp_path_factory.mktemp("tokens")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens",
         "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    handler = type("Handler", (TokenService,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings = {
        "realm": f"http://127.0.0.1:{server.server_port}/token",
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": str(folder / "cert.pem"),
    }
    yield serve_registry(auth={"token": settings}), handler
    server.shutdown()
    thread.join()
    server.server_close()


def registry_of(host: str, user: str, folder: Path, password: str = PASSWORD) -> DistributionRegistry:
    folder = folder / user
    folder.mkdir(exist_ok=True)
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": secret}} if user else {}}))
    return DistributionRegistry(f"{host}/team", docker_config=folder)


def test_each_right_is_asked_for_and_its_lack_is_named(guarded: tuple[str, type[TokenService]], tmp_path: Path) -> None:
    host, service = guarded
    ana, eva, nobody = (registry_of(host, user, tmp_path) for user in ("ana", "eva", ""))
    for body in (BODY, EMPTY):
        ana.put_blob("clean", body, digest_of(body))
    ana.put_manifest("clean", "1", OCI_MANIFEST, bare_manifest({}))
    assert eva.has_blob("clean", digest_of(BODY))
    assert ("eva", ["repository:team/clean:pull"]) in service.asked
    assert ("ana", ["repository:team/clean:pull,push"]) in service.asked

    hint = f"Ask its owner for that right, or sign in as somebody else with `docker login {host}`."
    with pytest.raises(Denied) as caught:
        eva.put_blob("clean", b"other", "sha256:" + hashlib.sha256(b"other").hexdigest())
    assert str(caught.value) == f"Registry {host} does not allow to push team/clean. {hint}"
    with pytest.raises(Denied) as caught:
        eva.delete_tag("clean", "1")
    assert str(caught.value) == f"Registry {host} does not allow to delete in team/clean. {hint}"
    with pytest.raises(Denied) as caught:
        nobody.tags("clean")
    assert str(caught.value) == (
        f"Registry {host} does not allow to pull team/clean. Sign in with `docker login {host}`."
    )
    with pytest.raises(Denied, match="does not accept the stored sign-in"):
        registry_of(host, "dan", tmp_path, password="wrong").tags("clean")
    ana.delete_tag("clean", "1")
    assert ana.tags("clean") == []


def test_who_may_push_but_not_delete_registers_without_claims(
    guarded: tuple[str, type[TokenService]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SETTLE_S", 0.05)
    dan = registry_of(guarded[0], "dan", tmp_path)
    dan.put_blob("mine", EMPTY, digest_of(EMPTY))
    dan.put_manifest("mine", "1", OCI_MANIFEST, bare_manifest({}), new=True)
    assert dan.tags("mine") == ["1"]
