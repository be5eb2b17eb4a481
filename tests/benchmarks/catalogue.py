"""Seconds to list and to search a registry with many blocks.

The blocks are registered here, in a real registry, without layers of their own. Measured are the first list of a
new cache, lists of the same process, the first list of a new process with a warm cache, and searches.

    python tests/benchmarks/catalogue.py --registry 127.0.0.1:5000 [--blocks 1000] [--rounds 5] [--location HOST/PREFIX]

`--location` takes blocks that an earlier run left.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lentiq_jupyter.model import BlockKind, BlockQuery, BlockSpec, Descriptor, Image, Input, PinnedPackage
from lentiq_jupyter.registry import Catalogue
from lentiq_jupyter.workspace import Workspace, load_settings

FRESH = """
import time
from lentiq_jupyter.workspace import Workspace, load_settings
space = Workspace(load_settings())
began = time.perf_counter()
space.blocks()
print(time.perf_counter() - began)
"""


def fill(catalogue: Catalogue, count: int) -> None:
    """Register blocks with the inputs and packages of ordinary ones."""

    def one(number: int) -> None:
        spec = BlockSpec(
            name=f"block-{number:04}",
            kind=BlockKind.NOTEBOOK,
            description=f"Cleans the table of region {number}",
            inputs=tuple(Input(name=f"input_{part}", default="x") for part in range(4)),
            packages=tuple(
                PinnedPackage(name=f"package-{part}", version="1.0", witness="kernel") for part in range(40)
            ),
        )
        catalogue.register(described(catalogue, spec), spec, author=f"user-{number % 10}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(count)))


def described(catalogue: Catalogue, spec: BlockSpec) -> Image:
    """An image of that description and nothing else."""
    import hashlib
    import json

    from lentiq_jupyter.model import LABEL_BASE_LAYERS, LABEL_SPEC, encode

    labels = {LABEL_SPEC: json.dumps(encode(spec)), LABEL_BASE_LAYERS: "0"}
    body = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": labels}, "rootfs": {}}).encode()
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    catalogue.registry.put_blob(spec.name, body, digest)
    config = Descriptor(media_type="application/vnd.oci.image.config.v1+json", digest=digest, size=len(body))
    return Image(
        repository=spec.name, config=config, layers=(), base_layers=0, complete=True, bytes_sent=0, bytes_total=0
    )


def timed(what: str, act: Callable[[], object], rounds: int) -> None:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    low, middle, high = (round(1000 * one) for one in (min(taken), statistics.median(taken), max(taken)))
    print(f"{what}: {middle} ms (of {rounds}: {low} to {high})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--blocks", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--location")
    given = parser.parse_args()
    location = given.location or f"{given.registry}/lentiq-bench/{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory(prefix="lentiq-benchmark-") as home:
        os.environ.update(LENTIQ_HOME=home, LENTIQ_REGISTRY=location)
        if not given.location:
            began = time.perf_counter()
            fill(Workspace(load_settings()).catalogue, given.blocks)
            print(f"{given.blocks} blocks registered at {location} in {time.perf_counter() - began:.1f} s")
        space = Workspace(load_settings())
        timed("first list, nothing cached", space.blocks, 1)
        timed("list, same process", space.blocks, given.rounds)
        words = [BlockQuery(words="region 77"), BlockQuery(owner="user-3"), BlockQuery(input="input_2")]
        for query in words:
            timed(f"search {query.words or query.owner or query.input!r}", lambda: space.blocks(query), given.rounds)  # noqa: B023
        fresh = [float(subprocess.check_output([sys.executable, "-c", FRESH])) for _ in range(given.rounds)]
        print(f"first list of a new process, warm cache: {statistics.median(fresh) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
