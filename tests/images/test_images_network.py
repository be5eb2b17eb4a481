"""Certificates, index, credentials and proxy lead both builders to packages, and stay nowhere."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.server
import io
import ipaddress
import json
import shutil
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from conftest_images import open_server

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.images import LayersBuilder, Network
from lentiq_jupyter.images.docker import DockerBuilder
from lentiq_jupyter.images.dockerfile import LABEL_BUILD
from lentiq_jupyter.images.network import container_proxies, pip_way, pip_wheel, proxies, uv_variables
from lentiq_jupyter.model import Image, Reporter
from lentiq_jupyter.registry import DistributionRegistry

PASSWORD, PROXY_PASSWORD = "hunter2-of-the-index", "hunter2-of-the-proxy"
WHEEL = "ours-1.0-py3-none-any.whl"


def wheel() -> bytes:
    """A package that no public index has."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in {
            "ours.py": "x = 1\n",
            "ours-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: ours\nVersion: 1.0\n",
            "ours-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "ours-1.0.dist-info/RECORD": "ours.py,,\n",
        }.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return made.getvalue()


class Index(http.server.BaseHTTPRequestHandler):
    """A package index that answers only who knows the password."""

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(f"reader:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            self._answer(401, b"", "text/plain")
        elif self.path == "/simple/ours/":
            digest = hashlib.sha256(wheel()).hexdigest()
            self._answer(200, f'<a href="/files/{WHEEL}#sha256={digest}">{WHEEL}</a>'.encode(), "text/html")
        elif self.path == f"/files/{WHEEL}":
            self._answer(200, wheel(), "application/octet-stream")
        else:
            self._answer(404, b"", "text/plain")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="ours"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> str:
    """This machine, as containers see it."""
    client = docker.from_env()
    try:
        config = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
        # An engine that has just made its bridge does not name the gateway; it takes the first address.
        return config.get("Gateway") or str(ipaddress.ip_network(config["Subnet"])[1])
    finally:
        client.close()


@pytest.fixture
def network(gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """The way to a package index with a certificate and a password of its own, beside a proxy with a password."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program makes the certificate")
    # An authority and what it signs: uv takes no authority for a server's own certificate.
    (tmp_path / "names").write_text(f"subjectAltName=IP:{gateway}\n")
    new = ["-newkey", "rsa:2048", "-nodes", "-subj"]
    for command in (
        ["req", "-x509", *new, "/CN=ours", "-keyout", "ca.key", "-out", "cert.pem"],
        ["req", *new, "/CN=index", "-keyout", "key.pem", "-out", "index.csr"],
        ["x509", "-req", "-in", "index.csr", "-CA", "cert.pem", "-CAkey", "ca.key", "-CAcreateserial",
         "-extfile", "names", "-out", "index.pem"],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], check=True, capture_output=True, cwd=tmp_path)
    try:
        server = http.server.ThreadingHTTPServer((gateway, 0), Index)
    except OSError:
        pytest.skip("the engine is on another machine")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "index.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    (tmp_path / "netrc").write_text(f"machine {gateway} login reader password {PASSWORD}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield Network(
        certificates=tmp_path / "cert.pem",
        index=f"https://{gateway}:{server.server_port}/simple",
        proxy=f"http://me:{PROXY_PASSWORD}@{gateway}:9",
        no_proxy=gateway,
    )
    server.shutdown()
    thread.join()
    server.server_close()


def everything_in(registry: DistributionRegistry, image: Image) -> bytes:
    """Configuration with its history, and every byte of every layer above the base."""
    found = []
    for blob in (image.config, *image.layers[image.base_layers :]):
        with registry.open_blob(image.repository, blob.digest) as stream:
            body = stream.read()
        found.append(gzip.decompress(body) if blob is not image.config else body)
    return b"\0".join(found)


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["layers", "docker"])
def test_way_to_packages_is_gone_when_they_are_in(
    kind, network, recipe_of, registry_host, server, tmp_path, gateway
) -> None:
    lock = f"ours==1.0 --hash=sha256:{hashlib.sha256(wheel()).hexdigest()}\n"
    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.11-slim", requirements=lock)
    recipe = replace(recipe, runner_requirements=lock)
    builder = (
        LayersBuilder(cache=tmp_path / "cache", open_remote=open_server, network=network)
        if kind == "layers"
        else DockerBuilder(open_remote=open_server, network=network)
    )
    image = builder.build(recipe, sources, server, Reporter())
    found = everything_in(server, image)
    assert b"ours-1.0.dist-info" in found
    certificate = (tmp_path / "cert.pem").read_text().splitlines()[3]
    for secret in (PASSWORD, PROXY_PASSWORD, certificate, network.index, gateway, "PIP_INDEX_URL", "netrc"):
        assert secret.encode() not in found, secret
    client = docker.from_env()
    try:
        marked = [image.labels.get(LABEL_BUILD) for image in client.images.list(all=True)]
    finally:
        client.close()
    assert [one for one in marked if one] == []


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.slow
def test_failed_build_leaves_no_password_in_the_engine(network, recipe_of, registry_host, server) -> None:
    lock = f"ours==1.0 --hash=sha256:{'0' * 64}\n"
    recipe, sources = recipe_of(base=f"{registry_host}/library/python:3.11-slim", requirements=lock)
    recipe = replace(recipe, runner_requirements=lock)
    with pytest.raises(Exception, match="docker build failed") as caught:
        DockerBuilder(open_remote=open_server, network=network).build(recipe, sources, server, Reporter())
    assert PASSWORD not in str(caught.value) + caught.value.log
    client = docker.from_env()
    try:
        marked = [image.labels.get(LABEL_BUILD) for image in client.images.list(all=True)]
    finally:
        client.close()
    assert [one for one in marked if one] == []


def test_named_index_takes_its_credentials_from_uvs_variables(tmp_path) -> None:
    network = Network(index="our-own=https://packages.example.com/simple", extra_indexes=("http://more.example.com/s",))
    variables = {
        "UV_INDEX_OUR_OWN_USERNAME": "me",
        "UV_INDEX_OUR_OWN_PASSWORD": 'a"b\\c',
        "NETRC": str(tmp_path / "none"),
    }
    way = pip_way(network, "/build", variables)
    assert way is not None
    assert (dict(way.variables), dict(way.files)) == (
        {
            "PIP_INDEX_URL": "https://packages.example.com/simple",
            "PIP_EXTRA_INDEX_URL": "http://more.example.com/s",
            "PIP_TRUSTED_HOST": "more.example.com",
            "NETRC": "/build/netrc",
        },
        {"netrc": b'machine packages.example.com login "me" password "a\\"b\\\\c"\n'},
    )


def test_nothing_set_is_nothing_said(tmp_path) -> None:
    assert pip_way(Network(), "/build", {}) is None
    assert uv_variables(Network(), tmp_path) == {}
    assert proxies(Network(), {}) == {}


def test_proxy_of_the_environment_counts_where_none_is_set() -> None:
    given = {"https_proxy": "http://proxy:1", "HTTP_PROXY": "http://127.0.0.1:2", "NO_PROXY": "a"}
    assert proxies(Network(), given) == {
        "HTTP_PROXY": "http://127.0.0.1:2",
        "http_proxy": "http://127.0.0.1:2",
        "HTTPS_PROXY": "http://proxy:1",
        "https_proxy": "http://proxy:1",
        "NO_PROXY": "a",
        "no_proxy": "a",
    }
    assert set(container_proxies(Network(), given)) == {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"}


def test_index_with_a_password_is_refused() -> None:
    with pytest.raises(BadInput, match=r"packages\.example\.com is given with a user name or password"):
        Network(index="https://me:pw@packages.example.com/simple")


def test_this_hosts_pip_is_a_wheel() -> None:
    body = pip_wheel()
    assert body is not None
    assert "pip/__main__.py" in zipfile.ZipFile(io.BytesIO(body)).namelist()


def test_bundle_is_written_once(tmp_path) -> None:
    (tmp_path / "ours.pem").write_text("ours")
    network = Network(certificates=tmp_path / "ours.pem")
    one, two = (uv_variables(network, tmp_path / "cache") for _ in range(2))
    assert one == two
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [Path(one["SSL_CERT_FILE"]).name]
    assert json.dumps(one).count("certificates-") == 2
