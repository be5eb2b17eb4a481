"""Recipe to Dockerfile text, whatever users write into names and descriptions."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace

import docker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.images import dockerfile
from lentiq_jupyter.images.dockerfile import quote
from lentiq_jupyter.images.settings import labels
from lentiq_jupyter.model import BlockSpec, Recipe, encode

RECIPE = Recipe(
    spec=BlockSpec(name="clean-sales", description='Says "hi" for $5'),
    base="registry.example.com/python:3.11-slim",
    platform="linux/amd64",
    python="3.11",
    requirements="six==1.17.0 --hash=sha256:aa\n",
    runner_requirements="nbclient==0.11.0 \\\n    --hash=sha256:bb\n",
    files=(),
    notebook="sales.ipynb",
    system_packages=("libgl1", "libglib2.0-0"),
)
TEXT = r"""# The block clean-sales, as plain Docker makes it: in a folder with this file, block/ and lentiq/, run
#     docker build --tag clean-sales .
# /opt/lentiq/runner starts notebooks, /opt/lentiq/env is what this one runs in, /opt/lentiq/block is the block itself.
FROM --platform=linux/amd64 registry.example.com/python:3.11-slim
USER 0:0
# Here already, so that pip leaves no compiled files of its own in the layers.
ENV PYTHONDONTWRITEBYTECODE="1"
RUN apt-get -o Acquire::Retries=3 update \
 && DEBIAN_FRONTEND=noninteractive \
    apt-get -o Acquire::Retries=3 install --yes --no-install-recommends libgl1 libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/* /var/log/apt /var/log/*.log

# A base may have its Python where PATH does not lead, or no pip: then --build-arg names them.
ARG LENTIQ_PYTHON=python3.11
ARG LENTIQ_PIP="-m pip"
COPY block/runner.lock pip.wh[l] /opt/lentiq/build/
RUN "$LENTIQ_PYTHON" -m venv --without-pip /opt/lentiq/runner \
 && "$LENTIQ_PYTHON" $LENTIQ_PIP --python /opt/lentiq/runner/bin/python install --no-cache-dir --no-compile --no-deps \
    --require-hashes --requirement /opt/lentiq/build/runner.lock

COPY block/requirements.lock /opt/lentiq/build/
RUN "$LENTIQ_PYTHON" -m venv --without-pip /opt/lentiq/env \
 && "$LENTIQ_PYTHON" $LENTIQ_PIP --python /opt/lentiq/env/bin/python install --no-cache-dir --no-compile --no-deps \
    --require-hashes --requirement /opt/lentiq/build/requirements.lock

COPY lentiq/ /opt/lentiq/runner/lentiq/
COPY block/ /opt/lentiq/block/
COPY Dockerfile /opt/lentiq/block/
RUN rm -rf /opt/lentiq/build && mkdir -p /lentiq/results && chown 1000:1000 /lentiq/results

ENV HOME="/tmp" \
    LENTIQ_RESULTS="/lentiq/results" \
    PYTHONDONTWRITEBYTECODE="1" \
    PYTHONPATH="/opt/lentiq/runner/lentiq"
LABEL io.lentiq.block="{\"base\":\"\",\"command\":[],\"description\":\"Says \\\"hi\\\" for \$5\",""" + (
    r"""\"environment\":{},\"inputs\":[],\"kind\":\"notebook\",\"name\":\"clean-sales\",\"notebook\":\"\",\"notebook_sha256\":\"\",\"outputs\":[],"""
    r"""\"packages\":[],\"python\":\"\",\"resources\":{\"cpu_millicores\":500,\"memory_bytes\":1073741824}}" \
    org.opencontainers.image.description="Says \"hi\" for \$5" \
    org.opencontainers.image.title="clean-sales"
WORKDIR /opt/lentiq/block
USER 1000:1000
ENTRYPOINT ["/opt/lentiq/runner/bin/python", "-m", "lentiq_jupyter.runner"]
"""
)
HOSTILE = [
    'a"\nUSER 0\nRUN id',
    "a\\",
    'a\\"',
    "$HOME ${HOME} $(id) `id`",
    "a\r\nUSER 0",
    "# comment\n# escape=`",
    "<<EOF\nEOF",
    "'single' \\n \\\\n",
    "\u2028USER 0\x85USER 0\x0bUSER 0\x7f\x00",
    "\ud800 é 漢 \U0001f600",
    "x" * 80_000,
    "# \\" * 4_000,
    "\\" * 15_000,
    " " * 25_000 + "x",
    '"' * 15_000,
    "#" * 25_000,
]


def instructions(text: str) -> list[str]:
    """What Docker sees: comments dropped, also inside of continued lines, and continued lines joined."""
    joined, found = "", []
    for line in text.split("\n"):
        assert len(line.encode()) < 65_536
        if line.lstrip().startswith("#") or not line.strip():
            continue
        joined += line
        if joined.endswith("\\"):
            joined = joined[:-1]
            continue
        found.append(joined)
        joined = ""
    assert not joined
    return found


def values(instruction: str) -> dict[str, str]:
    """The pairs of a LABEL, unquoted as Docker does it."""
    pairs = re.findall(r'([\w.-]+)="((?:\\.|[^"\\$])*)"', instruction)
    rebuilt = "LABEL " + "     ".join(f'{name}="{value}"' for name, value in pairs)
    assert rebuilt == instruction
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}


def described(text: str) -> Recipe:
    return replace(RECIPE, spec=replace(RECIPE.spec, description=text))


def test_dockerfile_of_one_recipe() -> None:
    assert dockerfile(RECIPE) == TEXT


def test_without_system_packages_nothing_is_installed_by_apt() -> None:
    assert "apt-get" not in dockerfile(replace(RECIPE, system_packages=()))


def test_lock_without_hashes_is_not_held_to_them() -> None:
    text = dockerfile(replace(RECIPE, requirements="six==1.17.0\n"))
    assert "    --requirement /opt/lentiq/build/requirements.lock\n" in text


def test_lock_with_some_hashes_is_installed_without_any() -> None:
    text = dockerfile(replace(RECIPE, requirements="a==1 --hash=sha256:aa\nb @ git+https://example.com/b@c0ffee\n"))
    assert r" && sed -E 's/ *--hash=[^ ]+//g; s/ *\\$//' /opt/lentiq/build/requirements.lock | " in text
    assert "    --requirement /dev/stdin\n" in text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_description_stays_inside_its_label(text: str) -> None:
    _holds(text)


@given(st.text())
def test_any_description_stays_inside_its_label(text: str) -> None:
    _holds(text)


def _holds(text: str) -> None:
    recipe = described(text)
    found, plain = instructions(dockerfile(recipe)), instructions(dockerfile(described("plain")))
    place = next(number for number, line in enumerate(plain) if line.startswith("LABEL"))
    assert found[:place] + found[place + 1 :] == plain[:place] + plain[place + 1 :]
    assert values(found[place]) == labels(recipe.spec)
    assert json.loads(values(found[place])["io.lentiq.block"]) == encode(recipe.spec)


def test_label_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="line break"):
        quote("a\nb")


@pytest.mark.parametrize(
    "fields",
    [{"base": "a\nUSER 0"}, {"platform": "linux/amd64 x"}, {"python": "3.11 x"}, {"system_packages": ("a;b",)}],
)
def test_recipe_that_nobody_checked_makes_no_dockerfile(fields) -> None:
    with pytest.raises(BadInput):
        dockerfile(replace(RECIPE, **fields))


def test_description_too_long_for_a_label_is_refused() -> None:
    with pytest.raises(BadInput, match="description of block clean-sales is too long"):
        dockerfile(described("x" * 300_000))


@pytest.mark.docker
@pytest.mark.registry
def test_docker_reads_hostile_labels_as_they_were_written(tmp_path, registry_host: str) -> None:
    text = "\n".join(one[:300] for one in HOSTILE) + "x" * 66_000
    recipe = described(text)
    label = dockerfile(recipe)
    label = label[label.index("LABEL") : label.index("WORKDIR")]
    (tmp_path / "Dockerfile").write_text(f"FROM {registry_host}/library/busybox:latest\n{label}", encoding="utf-8")
    client = docker.from_env()
    tag = f"lentiq-test:{uuid.uuid4().hex[:12]}"
    try:
        image, _ = client.images.build(path=str(tmp_path), tag=tag, rm=True)
        assert {name: image.labels[name] for name in labels(recipe.spec)} == labels(recipe.spec)
        client.images.remove(tag)
    finally:
        client.close()
