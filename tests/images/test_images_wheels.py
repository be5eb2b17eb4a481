"""Lines of a lock: which apply, what they are kept under, which share a layer."""

from __future__ import annotations

import pytest

from lentiq_jupyter.errors import BadInput
from lentiq_jupyter.images.recipe import runner_lock
from lentiq_jupyter.images.wheels import Pin, key_of, pins, shared_out, words_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def lines(lock: str, python: str = "3.11", platform: str = "linux/amd64") -> list[str]:
    return [pin.line for pin in pins(lock, python, platform)]


def test_pins_are_sorted_by_name_without_markers_and_with_sorted_hashes() -> None:
    zope = "Zope.Event==5 \\\n    --hash=sha256:b \\\n    --hash=sha256:a\n"
    lock = f"# by hand\n{zope}six==1.17.0 ; python_version >= '3.9'\n"
    assert pins(lock, "3.11", "linux/amd64") == (
        Pin(name="six", line="six==1.17.0", version="1.17.0", fixed=True),
        Pin(name="zope-event", line="Zope.Event==5 --hash=sha256:a --hash=sha256:b", version="5", fixed=True),
    )


@pytest.mark.parametrize(
    ("marker", "python", "platform", "applies"),
    [
        ("sys_platform == 'win32'", "3.11", "linux/amd64", False),
        ("implementation_name == 'pypy'", "3.11", "linux/amd64", False),
        ("platform_machine == 'aarch64'", "3.11", "linux/amd64", False),
        ("platform_machine == 'aarch64'", "3.11", "linux/arm64", True),
        ("python_full_version < '3.10'", "3.9", "linux/amd64", True),
        ("python_full_version == '3.10.*'", "3.10", "linux/amd64", True),
        ("python_full_version >= '3.11'", "3.10", "linux/amd64", False),
        # Which patch the base has is not known: the package may be needed.
        ("python_full_version < '3.11.3'", "3.11", "linux/amd64", True),
        ("python_full_version >= '3.11.3'", "3.11", "linux/amd64", True),
    ],
)
def test_pin_applies_by_its_marker(marker: str, python: str, platform: str, applies: bool) -> None:
    assert lines(f"a==1 ; {marker}\n", python, platform) == (["a==1"] if applies else [])


def test_of_two_pins_for_patches_the_newest_counts() -> None:
    assert lines("a==1 ; python_full_version < '3.11.3'\na==2 ; python_full_version >= '3.11.3'\n") == ["a==2"]


@pytest.mark.parametrize("python", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_runner_has_each_package_once(python: str) -> None:
    found = pins(runner_lock(), python, "linux/amd64")
    assert {"nbclient", "pyzmq"} <= {pin.name for pin in found}
    assert "pywin32" not in {pin.name for pin in found}
    assert all(pin.fixed and "--hash=" in pin.line for pin in found)


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("a==1", True),
        ("a===1", True),
        ("a==1.*", False),
        ("a>=1", False),
        ("a", False),
        ("a @ file:///home/ann/a-1-py3-none-any.whl --hash=sha256:00", False),
        ("a @ https://example.com/a-1-py3-none-any.whl", False),
        ("a @ https://example.com/a-1-py3-none-any.whl#sha256=00", True),
        ("a @ https://example.com/a-1-py3-none-any.whl --hash=sha256:00", True),
        (f"a @ git+https://example.com/a.git@{COMMIT}", True),
        (f"a @ git+https://example.com/a.git@{COMMIT}#subdirectory=b", True),
        ("a @ git+https://example.com/a.git@main", False),
    ],
)
def test_only_lines_that_always_mean_the_same_files_are_fixed(line: str, fixed: bool) -> None:
    (pin,) = pins(line, "3.11", "linux/amd64")
    assert (pin.name, pin.fixed) == ("a", fixed)


@pytest.mark.parametrize("line", ["--index-url https://u:secret@example.com/simple", "-e ./a", "./a.whl", "a==1 --pre"])
def test_line_that_is_no_pin_is_refused_without_its_rest(line: str) -> None:
    with pytest.raises(BadInput, match="no pin") as caught:
        lines(line)
    assert "secret" not in str(caught.value)


def test_address_is_not_told() -> None:
    found = pins("b==2\na @ https://u:secret@example.com/a-1.whl#sha256=00\n", "3.11", "linux/amd64")
    assert words_of(found) == "a, b 2"


def test_key_tells_parts_apart() -> None:
    assert len({key_of("a", "b"), key_of("ab"), key_of("ab", ""), key_of("b", "a")}) == 4


def sizes(count: int) -> dict[str, int]:
    return {f"package-{number}": 1000 * number for number in range(count)}


def test_each_has_a_layer_where_there_is_room() -> None:
    assert shared_out(sizes(80), (), 80) == [(name,) for name in sorted(sizes(80))]


@pytest.mark.parametrize("count", [81, 150, 700])
def test_small_ones_share_layers_where_there_is_no_room(count: int) -> None:
    found = shared_out(sizes(count), (), 80)
    assert len(found) <= 80
    assert sorted(name for group in found for name in group) == sorted(sizes(count))
    assert {(f"package-{count - 1}",), (f"package-{count - 50}",)} <= set(found)


def test_one_package_more_changes_few_shared_layers() -> None:
    before = set(shared_out(sizes(150), (), 80))
    small = set(shared_out({**sizes(150), "another": 5}, (), 80))
    big = set(shared_out({**sizes(150), "another": 10**9}, (), 80))
    assert len(small - before) == 1
    assert len(big - before) == 2  # itself, and the one that took in what is no longer among the biggest


def test_some_stay_alone_whatever_their_size() -> None:
    found = shared_out(sizes(150), ("package-3", "package-7"), 80)
    assert {("package-3",), ("package-7",)} <= set(found)
    assert len(found) <= 80
