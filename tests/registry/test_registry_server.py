"""Sign-in, redirects, retries and failures: a real registry with passwords, and a small server that plays one."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from lentiq_jupyter.errors import Conflict, Denied, Unavailable
from lentiq_jupyter.registry import DistributionRegistry

SECRET = "open sesame"
HTPASSWD = "ana:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"  # bcrypt of SECRET
BODY = b"bytes of a blob"
DIGEST = "sha256:" + hashlib.sha256(BODY).hexdigest()


@pytest.fixture(scope="module")
def locked_host(serve_registry: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real registry that lets in Ana only."""
    passwords = tmp_path_factory.mktemp("locked") / "htpasswd"
    passwords.write_text(HTPASSWD)
    return serve_registry(deletes=False, auth={"htpasswd": {"realm": "test", "path": str(passwords)}})


def signed_in(folder: Path, host: str, user: str = "ana", password: str = SECRET) -> Path:
    packed = base64.b64encode(f"{user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": packed}}}))
    return folder


def test_docker_sign_in_opens_a_registry(locked_host: str, tmp_path: Path) -> None:
    registry = DistributionRegistry(locked_host, docker_config=signed_in(tmp_path, locked_host))
    assert registry.put_blob("clean", BODY, DIGEST) == len(BODY)
    with registry.open_blob("clean", DIGEST) as stream:
        assert stream.read() == BODY


def test_credential_helper_opens_a_registry(
    locked_host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    helper = tmp_path / "docker-credential-lentiqtest"
    answer = json.dumps({"ServerURL": locked_host, "Username": "ana", "Secret": SECRET})
    helper.write_text(f"#!/bin/sh\nread host\n[ \"$host\" = '{locked_host}' ] && echo '{answer}' || exit 1\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {locked_host: "lentiqtest"}}))
    with caplog.at_level(logging.DEBUG):
        registry = DistributionRegistry(locked_host, docker_config=tmp_path)
        registry.put_blob("helped", BODY, DIGEST)
        assert registry.has_blob("helped", DIGEST)
    assert SECRET not in caplog.text
    assert base64.b64encode(f"ana:{SECRET}".encode()).decode() not in caplog.text


def test_denial_names_registry_repository_and_right(locked_host: str, tmp_path: Path) -> None:
    with pytest.raises(Denied) as caught:
        DistributionRegistry(f"{locked_host}/team", docker_config=tmp_path).has_blob("clean", DIGEST)
    assert str(caught.value) == (
        f"Registry {locked_host} does not allow to pull team/clean. Sign in with `docker login {locked_host}`."
    )
    wrong = signed_in(tmp_path, locked_host, password="wrong")
    registry = DistributionRegistry(f"{locked_host}/team", docker_config=wrong)
    with pytest.raises(Denied) as caught:
        registry.put_manifest("clean", "1", "application/vnd.oci.image.manifest.v1+json", b"{}")
    assert str(caught.value) == (
        f"Registry {locked_host} does not allow to push team/clean. Ask its owner for that right, or sign in as "
        f"somebody else with `docker login {locked_host}`."
    )


def test_tag_stays_where_deleting_is_switched_off(locked_host: str, tmp_path: Path) -> None:
    registry = DistributionRegistry(locked_host, docker_config=signed_in(tmp_path, locked_host))
    registry.put_blob("kept", b"{}", "sha256:" + hashlib.sha256(b"{}").hexdigest())
    media_type = "application/vnd.oci.image.manifest.v1+json"
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest()}
    body = json.dumps({"schemaVersion": 2, "mediaType": media_type, "config": {**config, "size": 2}, "layers": []})
    digest = registry.put_manifest("kept", "1", media_type, body.encode())
    with pytest.raises(Denied, match="does not allow to delete in kept"):
        registry.delete_tag("kept", "1")
    assert registry.get_manifest("kept", "1")[0].digest == digest


@pytest.mark.registry
def test_layers_of_another_repository_are_mounted_not_sent(registry_host: str) -> None:
    registry = DistributionRegistry(f"{registry_host}/lentiq-test/mounting")
    body = hashlib.sha256(str(time.time_ns()).encode()).digest()
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    registry.put_blob("first", body, digest)
    assert registry.put_blob("second", body, digest, mount_from="lentiq-test/mounting/first") == 0
    assert registry.has_blob("second", digest)
    assert registry.put_blob("third", body, digest, mount_from="lentiq-test/mounting/nowhere") == len(body)


class Talker(BaseHTTPRequestHandler):
    """Answers from `replies`: path → function of the handler; writes down what it was sent."""

    protocol_version = "HTTP/1.1"
    replies: ClassVar[dict[str, Callable[[Talker], None]]]
    seen: ClassVar[list[tuple[str, str]]]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.seen.append((self.path, self.headers.get("Authorization", "")))
        self.replies.get(path, lambda one: one.say(404))(self)

    do_HEAD = do_GET  # noqa: N815  # the name http.server looks for

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture
def talk() -> Iterator[Callable[..., type[Talker]]]:
    """Starts a server with replies; its handler class has `host`, `seen` and `replies`."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(context: ssl.SSLContext | None = None) -> type[Talker]:
        handler = type("Handler", (Talker,), {"replies": {}, "seen": []})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # broken handshakes are meant
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        running.append((server, thread))
        handler.host = f"127.0.0.1:{server.server_port}"
        return handler

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


TAGS = "/v2/clean/tags/list"


def test_bearer_token_is_fetched_for_the_scope_and_kept(talk: Callable[..., type[Talker]], tmp_path: Path) -> None:
    server = talk()
    challenge = f'Bearer realm="http://{server.host}/token",service="reg",scope="repository:clean:pull"'
    basic = "Basic " + base64.b64encode(f"ana:{SECRET}".encode()).decode()

    def tags(one: Talker) -> None:
        if one.headers.get("Authorization") == "Bearer T":
            one.say(200, b'{"tags": ["1"]}')
        else:
            one.say(401, WWW_Authenticate=challenge)

    def token(one: Talker) -> None:
        right = one.headers.get("Authorization") == basic
        one.say(200 if right else 401, b'{"token": "T", "expires_in": 300}')

    server.replies.update({TAGS: tags, "/token": token})
    registry = DistributionRegistry(server.host, docker_config=signed_in(tmp_path, server.host))
    assert [registry.tags("clean"), registry.tags("clean")] == [["1"], ["1"]]
    assert server.seen == [
        (f"{TAGS}?n=1000", ""),
        ("/token?service=reg&scope=repository%3Aclean%3Apull", basic),
        (f"{TAGS}?n=1000", "Bearer T"),
        (f"{TAGS}?n=1000", "Bearer T"),
    ]
    wrong = signed_in(tmp_path, server.host, password="wrong")
    with pytest.raises(Denied, match="does not accept the stored sign-in"):
        DistributionRegistry(server.host, docker_config=wrong).tags("clean")


def test_expired_token_is_fetched_anew(talk: Callable[..., type[Talker]]) -> None:
    server = talk()
    valid = iter(("T1", "T2"))
    current = {"token": ""}

    def tags(one: Talker) -> None:
        if current["token"] and one.headers.get("Authorization") == f"Bearer {current['token']}":
            current["token"] = ""  # good for one request
            one.say(200, b'{"tags": ["1"]}')
        else:
            one.say(401, WWW_Authenticate=f'Bearer realm="http://{server.host}/token"')

    def token(one: Talker) -> None:
        current["token"] = next(valid)
        one.say(200, json.dumps({"access_token": current["token"], "expires_in": 300}).encode())

    server.replies.update({TAGS: tags, "/token": token})
    registry = DistributionRegistry(server.host)
    assert [registry.tags("clean"), registry.tags("clean")] == [["1"], ["1"]]


def test_no_credentials_follow_a_redirect_to_another_host(talk: Callable[..., type[Talker]], tmp_path: Path) -> None:
    server, storage = talk(), talk()

    def blob(one: Talker) -> None:
        if one.headers.get("Authorization"):
            one.say(307, Location=f"http://{storage.host}/bucket/blob")
        else:
            one.say(401, WWW_Authenticate='Basic realm="test"')

    server.replies[f"/v2/clean/blobs/{DIGEST}"] = blob
    storage.replies["/bucket/blob"] = lambda one: one.say(200, BODY)
    registry = DistributionRegistry(server.host, docker_config=signed_in(tmp_path, server.host))
    with registry.open_blob("clean", DIGEST) as stream:
        assert stream.read() == BODY
    assert storage.seen == [("/bucket/blob", "")]


def test_challenge_of_another_host_gets_no_credentials(talk: Callable[..., type[Talker]], tmp_path: Path) -> None:
    server, storage = talk(), talk()
    server.replies[f"/v2/clean/blobs/{DIGEST}"] = lambda one: one.say(307, Location=f"http://{storage.host}/blob")
    storage.replies["/blob"] = lambda one: one.say(401, WWW_Authenticate='Basic realm="phish"')
    registry = DistributionRegistry(server.host, docker_config=signed_in(tmp_path, server.host))
    with pytest.raises(Denied), registry.open_blob("clean", DIGEST):
        pass
    assert storage.seen == [("/blob", "")]


def test_blob_other_than_its_digest_is_noticed(talk: Callable[..., type[Talker]]) -> None:
    server = talk()
    server.replies[f"/v2/clean/blobs/{DIGEST}"] = lambda one: one.say(200, b"other bytes")
    with (
        DistributionRegistry(server.host).open_blob("clean", DIGEST) as stream,
        pytest.raises(Unavailable, match="arrived damaged"),
    ):
        stream.read()


def test_busy_registry_is_asked_again(talk: Callable[..., type[Talker]]) -> None:
    server = talk()
    answers = iter((503, 429, 200))
    server.replies[TAGS] = lambda one: one.say(next(answers), b'{"tags": ["1"]}', Retry_After="0")
    assert DistributionRegistry(server.host).tags("clean") == ["1"]
    server.replies[TAGS] = lambda one: one.say(500, b'{"errors": [{"message": "disk\\nfull"}]}')
    with pytest.raises(Unavailable, match="answered 500 when asked to pull clean: disk full"):
        DistributionRegistry(server.host).tags("clean")


def test_pages_are_followed_on_the_registry_itself(talk: Callable[..., type[Talker]]) -> None:
    server = talk()

    def tags(one: Talker) -> None:
        if "last=1" in one.path:
            one.say(200, b'{"tags": ["2"]}')
        else:
            one.say(200, b'{"tags": ["1"]}', Link=f'<http://elsewhere.invalid{TAGS}?n=1&last=1>; rel="next"')

    server.replies[TAGS] = tags
    assert DistributionRegistry(server.host).tags("clean") == ["1", "2"]


def test_registry_without_a_list_says_so(talk: Callable[..., type[Talker]]) -> None:
    with pytest.raises(Denied, match="does not list its repositories"):
        DistributionRegistry(talk().host).repositories()


def test_page_that_is_no_registry_is_said_plainly(talk: Callable[..., type[Talker]]) -> None:
    server = talk()
    server.replies[TAGS] = lambda one: one.say(200, b"<html>welcome</html>")
    with pytest.raises(Unavailable, match="is no registry"):
        DistributionRegistry(server.host).tags("clean")


def test_unreachable_registry_says_what_to_do() -> None:
    with socket.socket() as one:  # bound, but nobody listens
        one.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{one.getsockname()[1]}"
    with pytest.raises(Unavailable) as caught:
        DistributionRegistry(host).put_blob("clean", BODY, DIGEST)
    assert str(caught.value) == (
        f"Registry {host} does not answer: nothing listens there. Start it, or check host and port."
    )
    with pytest.raises(Unavailable, match=r"There is no registry registry\.invalid: the name is unknown"):
        DistributionRegistry("registry.invalid").tags("clean")


def test_encryption_is_kept_to_and_its_faults_are_named(talk: Callable[..., type[Talker]], tmp_path: Path) -> None:
    plain = talk()
    with pytest.raises(Unavailable, match=f"does not speak HTTPS.*write http://{plain.host}"):
        DistributionRegistry(f"https://{plain.host}").tags("clean")
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program makes the certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = talk(context)
    server.replies[TAGS] = lambda one: one.say(200, b'{"tags": ["1"]}')
    with pytest.raises(Unavailable, match=r"certificate of registry .* is not trusted"):
        DistributionRegistry(f"https://{server.host}").tags("clean")
    trusting = DistributionRegistry(f"https://{server.host}", ca_file=tmp_path / "cert.pem")
    assert trusting.tags("clean") == ["1"]


@pytest.mark.registry
def test_file_that_changes_while_it_is_sent_is_a_conflict(registry_host: str, tmp_path: Path) -> None:
    source = tmp_path / "growing"
    source.write_bytes(b"x" * 2_000_000)

    def grow(_: int) -> None:
        with source.open("ab") as stream:
            stream.write(b"y" * 2_000_000)

    digest = "sha256:" + hashlib.sha256(b"x" * 2_000_000).hexdigest()
    with pytest.raises(Conflict, match="other bytes"):
        DistributionRegistry(f"{registry_host}/lentiq-test").put_blob("growing", source, digest, report=grow)
