"""What users may write into a Dockerfile, and what is refused with the reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.images.instructions import base_of, check_dockerfile, check_line, with_named_end

DIGEST = "registry.example.com/tool@sha256:" + "0" * 64


@pytest.mark.parametrize(
    "line",
    [
        "RUN apt-get update && apt-get install --yes git",
        "run echo 'mixed \"quotes\"' $HOME | cat",
        "RUN one \\\n && two \\\n # a comment between\n && three",
        'RUN ["python3", "-c", "print(1 << 2)"]',
        "RUN bash -c 'cat <<< word'",
        'ENV LANG="C.UTF-8" TZ=Europe/Bucharest',
        "LABEL org.opencontainers.image.vendor=us",
        "USER nobody",
        f"COPY --from={DIGEST} --chown=1000:1000 /bin/tool /usr/bin/",
        "ADD https://example.com/model.bin /opt/model.bin",
        '  ADD ["https://example.com/a.bin", "/opt/"]',
    ],
)
def test_line_is_taken(line: str) -> None:
    check_line(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("FROM python:3.11", "FROM is not for a block, as the base image is named with --base, or made by a"),
        ('ENTRYPOINT ["sh"]', "ENTRYPOINT is not for a block, as a block starts its runner"),
        ("CMD sh", "CMD is not for a block, as a block starts its runner"),
        ("ONBUILD RUN id", "ONBUILD is not for a block, as nothing is built from a block"),
        ("HEALTHCHECK CMD id", "HEALTHCHECK is not for a block, as a task runs to its end"),
        ("VOLUME /data", "VOLUME is not for a block, as a task gets its folders when it starts"),
        ("WORKDIR /srv", "WORKDIR is not for a block, as a task works in a folder of its own"),
        ('SHELL ["bash"]', "SHELL is not for a block"),
        ("ARG X=1", "ARG is not for a block, as nobody gives it a value"),
        ("INCLUDE other", "INCLUDE is not for a block, as Docker does not know it"),
        ("", "it is empty"),
        ("# only a comment", "it is empty"),
        ("# before\nRUN id", "it is not one instruction"),
        ("RUN id\nUSER 0", "it is not one instruction"),
        ("RUN id\n\nENTRYPOINT sh", "it is not one instruction"),
        ("RUN id \\", r"it ends with \, as if something followed"),
        ("RUN id \\\n# comment", r"it ends with \, as if something followed"),
        ("RUN id \\\\", "builders read two backslashes at the end of a line differently"),
        ("# escape=`\nRUN id", "another escape character cannot be chosen"),
        ("RUN", "RUN says nothing"),
        ("RUN a\rUSER 0", "it holds characters that cannot be printed"),
        ("RUN a\u2028USER 0", "it holds characters that cannot be printed"),
        ("RUN " + "x" * 70_000, "a line of it is too long; continue it on another with \\."),
        ("RUN <<EOF", "here-documents are known to newer builders only"),
        ('RUN cat <<-"END"', "here-documents are known to newer builders only"),
        ("COPY <<EOF /x", "here-documents are known to newer builders only"),
        ("RUN --mount=type=cache,target=/c pip download x", "--mount is known to BuildKit only"),
        ("RUN --network=none id", "--network is known to BuildKit only"),
        ("LABEL io.lentiq.block={}", "labels that begin with io.lentiq are the block's own"),
        ("COPY tool /usr/bin/", "no files are at hand yet for COPY"),
        ("COPY --chown=0:0 . /", "no files are at hand yet for COPY"),
        ("ADD archive.tar /", "no files are at hand yet for ADD"),
        ("ADD https://example.com/a local /", "no files are at hand yet for ADD"),
        ("ADD 'https://unclosed /", "no files are at hand yet for ADD"),
        ("RUN pip download --index-url https://me:pw@host/simple x", "a user name with a password would stay"),
        ("ENV INDEX=https://me:pw@host/simple", "a user name with a password would stay"),
    ],
)
def test_line_is_refused_with_the_reason(line: str, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_line(line)
    assert f" cannot be taken: {reason}" in caught.value.message


@given(st.text(alphabet=st.sampled_from("\\\n #RUNFOM\"'x`\t<"), max_size=40))
def test_whatever_is_taken_is_one_instruction_and_ends(text: str) -> None:
    try:
        check_line(text)
    except BadInput:
        return
    plain = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    assert plain
    assert all(line.rstrip().endswith("\\") for line in plain[:-1])
    assert not plain[-1].rstrip().endswith("\\")


@pytest.mark.parametrize(
    ("text", "end", "name", "base"),
    [
        ("FROM debian:12\nRUN id\n", "FROM debian:12 AS lentiq-theirs\nRUN id\n", "lentiq-theirs", "debian:12"),
        ("FROM debian:12 AS mine\n", "FROM debian:12 AS mine\n", "mine", "debian:12"),
        (
            "# syntax=docker/dockerfile:1\nFROM golang AS go\nRUN id\nFROM --platform=linux/amd64 \\\n  debian:12\n"
            "COPY --from=go /x /x\n",
            "# syntax=docker/dockerfile:1\nFROM golang AS go\nRUN id\n"
            "FROM --platform=linux/amd64   debian:12 AS lentiq-theirs\nCOPY --from=go /x /x\n",
            "lentiq-theirs",
            "debian:12",
        ),
        ("FROM a AS one\nFROM One AS two\n", "FROM a AS one\nFROM One AS two\n", "two", "a"),
        ("ARG V=12\nFROM debian:${V}-slim as x\n", "ARG V=12\nFROM debian:${V}-slim as x\n", "x", "debian:12-slim"),
        ("FROM $NOBODY AS x\n", "FROM $NOBODY AS x\n", "x", ""),
    ],
)
def test_own_dockerfile_gets_a_named_end(text: str, end: str, name: str, base: str) -> None:
    check_dockerfile(text)
    assert with_named_end(text) == (end, name)
    assert base_of(text) == base


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RUN id\n", "Your Dockerfile cannot be taken: it does not begin with FROM."),
        ("", "Your Dockerfile cannot be taken: it does not begin with FROM."),
        ("FROM --platform=linux/amd64\n", "Your Dockerfile, line 1 cannot be taken: FROM names no image."),
        ("FROM a\n\nONBUILD RUN id\n", "Your Dockerfile, line 3 cannot be taken: ONBUILD would take part in the"),
        ("FROM a AS lentiq-base\n", "Your Dockerfile, line 1 cannot be taken: names of stages that begin with lentiq-"),
        ("FROM a\nCOPY . /\n", "Your Dockerfile, line 2 cannot be taken: no files are at hand yet for COPY"),
        ("FROM a\nRUN --mount=type=secret,id=x id\n", "Your Dockerfile, line 2 cannot be taken: --mount is known to"),
        ("# escape=`\nFROM a\n", "Your Dockerfile cannot be taken: another escape character cannot be chosen."),
        ("FROM a\nRUN id \\", "Your Dockerfile cannot be taken: it ends with \\, as if something followed."),
    ],
)
def test_own_dockerfile_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_dockerfile(text)
    assert caught.value.message.startswith(message)
    assert caught.value.hint == "Change it, or build and push it yourself and name the image with --base."
