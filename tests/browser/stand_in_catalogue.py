"""A catalogue that lives in the browser test, in place of the server's block routes."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.sync_api import Page, Route

from lentiq_jupyter.model import (
    Block,
    BlockDiff,
    BlockKind,
    BlockQuery,
    BlockSpec,
    BlockUse,
    Change,
    ImageRequest,
    Input,
    InputType,
    Json,
    Output,
    PinnedPackage,
    Provenance,
    Verdict,
    Verification,
    decode,
    encode,
)
from lentiq_jupyter.workspace.cataloguing import matching

NOW = datetime.now(UTC)
MB = 1_000_000
PACKAGES = tuple(
    PinnedPackage(name=name, version=version, witness=witness)
    for name, version, witness in (
        ("ipykernel", "6.29.5", "rule"),
        ("matplotlib", "3.9.2", "kernel"),
        ("numpy", "1.26.4", "dependency"),
        ("openpyxl", "3.1.5", "loaded in the kernel"),
        ("pandas", "2.2.3", "kernel"),
        *((f"dependency-{number:02}", f"1.{number}", "dependency") for number in range(40)),
    )
)
CLEAN = BlockSpec(
    name="clean-sales",
    description="Reads the month's sales of one country, drops what is broken, and writes one clean table.",
    inputs=(
        Input(name="country", default="RO", description="Two letters, as in ISO 3166."),
        Input(name="year", type=InputType.INT, required=True, description="Of the sales."),
        Input(name="rate", type=InputType.FLOAT, default=0.19),
        Input(name="options", type=InputType.JSON, default={"drop": ["refunds", "tests"], "keep_empty": False}),
        Input(name="WAREHOUSE_TOKEN", required=True, secret=True, description="To read the warehouse."),
    ),
    outputs=(Output(name="table", description="Path of the clean table."), Output(name="rows")),
    python="3.11",
    base="python:3.11-slim@sha256:" + "9" * 64,
    notebook="clean-sales.ipynb",
    notebook_sha256="c" * 64,
    packages=PACKAGES,
)
SCORE = BlockSpec(
    name="score-image",
    kind=BlockKind.IMAGE,
    description="A model server's batch mode.",
    inputs=(Input(name="country", default="RO"), Input(name="threshold", type=InputType.FLOAT, default=0.5)),
    outputs=(Output(name="score", source="/out/score.json"), Output(name="code", source="exit-code")),
    base="ghcr.io/acme/score@sha256:" + "7" * 64,
    command=("--country", "${{ inputs.country }}", "--strict"),
    environment={"THRESHOLD": "${{ inputs.threshold }}"},
)
RAN = Verification(verdict=Verdict.RUN, evidence="Ran with its defaults in 3.1 s, without network.")


def block(spec: BlockSpec, version: str, hours: float, **more: object) -> Block:
    digest = f"sha256:{abs(hash((spec.name, version))):064x}"[:71]
    fields = {"image": f"{spec.name}@{digest}", "digest": digest, "image_id": digest, "author": "ana", "size": 61 * MB}
    return Block(spec=spec, version=version, created=NOW - timedelta(hours=hours), **{**fields, **more})


CLEANS = (
    block(
        CLEAN,
        "4",
        2,
        verification=RAN,
        size=64 * MB,
        provenance=Provenance(
            commit="4be1f0c8d2" * 4,
            modified=True,
            source="https://github.com/acme/sales-notebooks",
            tool="lentiq-jupyter 0.4.0",
        ),
    ),
    block(CLEAN, "3", 50, author="Ana Pop", deprecated="It counts refunds twice: use version 4.", verification=RAN),
    block(
        CLEAN,
        "2",
        24 * 20,
        author="mihai",
        provenance=Provenance(commit="9" * 40, source="git@github.com:acme/sales-notebooks.git"),
        verification=Verification(verdict=Verdict.IMPORT, evidence="All imports succeed; it needs data to run."),
    ),
    block(CLEAN, "1", 24 * 200, complete=False),
)
OLD_REPORT = block(
    BlockSpec(name="report-2024", description="The yearly report.", inputs=(Input(name="total", required=True),)),
    "7",
    24 * 400,
    author="mihai",
    deprecated="The year is over. Use report, which takes the year as an input and knows the new tax rates as well.",
)
BARE = block(BlockSpec(name="bare-metal", description="Without its base."), "1", 5, author="", complete=False)

README = """# Clean sales

Reads the **month's sales**, see [the handbook](https://example.org/handbook?a=1&b=2), and *writes one table*.

| column | type |
| --- | --- |
| day | date |
| amount | decimal |

```python
frame = pandas.read_excel(path)
```

1. drop refunds
2. drop tests

<script>document.title = 'taken over'</script>
<img src="https://tracker.example/pixel.png" alt="a chart" onerror="document.title = 'taken over'">
<button data-commandlinker-command="application:reset-layout">Press me</button>
<div style="position: fixed; inset: 0" class="lq-danger" id="main">covers everything</div>
[relative](other.md) [script](javascript:alert(1)) <a href="/lab/api/settings">settings</a>
"""
CELLS = """nbdiff clean-sales@2 clean-sales@4
--- clean-sales@2
+++ clean-sales@4
## modified /cells/0/source:
@@ -1,4 +1,4 @@
   country = "RO"
-  rate = 0.2
+  rate = 0.19
   year: int
## inserted before /cells/2:
+  markdown cell:
+    source:
+      ## Refunds
## deleted /cells/5:
-  code cell:
-    source:
-      frame.plot()
"""


def diff(old: Block, new: Block) -> BlockDiff:
    if {old.version, new.version} == {"3", "1"}:
        return BlockDiff(old=old, new=new, shared_layers=57, shared_bytes=61 * MB)
    return BlockDiff(
        old=old,
        new=new,
        cells=CELLS,
        inputs=(Change(name="rate", old="float = 0.2", new="float = 0.19"), Change(name="year", new="int, required")),
        outputs=(Change(name="plot", old="the sales as a picture"),),
        packages=(
            Change(name="matplotlib", old="3.8.0", new="3.9.2"),
            Change(name="openpyxl", new="3.1.5"),
            Change(name="xlrd", old="2.0.1"),
        ),
        files=(Change(name="cleaning/rules.py", old="2.1 kB", new="2.4 kB"),),
        settings=(Change(name="memory", old="1Gi", new="2Gi"),),
        shared_layers=55,
        shared_bytes=58 * MB,
    )


class Catalogue:
    """Answers for all routes below ``lentiq/blocks``; remembers what it was asked."""

    def __init__(self, *blocks: Block) -> None:
        self.blocks = list(blocks)
        self.users = [
            BlockUse(project="default", workflow="nightly-sales", task="clean", version="4"),
            BlockUse(project="default", workflow="nightly-sales", task="clean-again", version="3"),
            BlockUse(project="finance", workflow="month-end", task="clean", version="3"),
        ]
        self.hidden_users: list[BlockUse] = []
        self.asked: list[tuple[str, str, Json]] = []
        self.failing: dict[str, Json] | None = None
        self.refusing: dict[str, Json] | None = None

    def serve(self, page: Page) -> None:
        page.route(re.compile(r"/lentiq/blocks"), self._answer)

    def _answer(self, route: Route) -> None:
        address = urlsplit(route.request.url)
        words = [unquote(word) for word in address.path.split("/lentiq/blocks")[1].split("/")[1:]]
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = json.loads(route.request.post_data) if route.request.post_data else None
        verb = route.request.method
        self.asked.append((verb, "/".join(words) + (f"?{address.query}" if address.query else ""), body))
        if self.failing:
            route.fulfill(status=503, json={"error": self.failing})
            return
        status, answer = self._find(verb, words, query, body)
        route.fulfill(status=status, json=answer) if answer is not None else route.fulfill(status=status)

    def _find(self, verb: str, words: list[str], query: dict[str, str], body: Json) -> tuple[int, Json]:
        match verb, words:
            case "GET", []:
                asked = BlockQuery(**{**query, "deprecated": query.get("deprecated") != "false"})
                newest = {one.spec.name: one for one in reversed(self.blocks)}
                found = matching(sorted(newest.values(), key=lambda one: one.spec.name), asked)
                return 200, {"blocks": [encode(one) for one in found]}
            case "POST", []:
                if self.refusing:
                    return 404, {"error": self.refusing}
                return 201, encode(self._make(decode(ImageRequest, body)))
            case "GET", ["diff"]:
                return 200, encode(diff(self._block(*query["old"].split("@")), self._block(*query["new"].split("@"))))
            case "GET", [name, "users"]:
                users = self.users if name == CLEAN.name else []
                return 200, {"users": [encode(one) for one in users]}
            case "GET", [name]:
                return 200, {"blocks": [encode(one) for one in self.blocks if one.spec.name == name]}
            case "GET", [name, version]:
                return 200, encode(self._block(name, version))
            case "GET", [name, _, "readme"]:
                return 200, {"readme": README if name == CLEAN.name else ""}
            case "GET", [_, _, "sbom"]:
                return 200, {"bomFormat": "CycloneDX", "components": []}
            case "PUT", [name, version, "deprecation"]:
                return 200, encode(self._replace(self._block(name, version), deprecated=body["reason"]))
            case "DELETE", [name, version]:
                return self._remove(name, version, query.get("force") == "true")
        raise AssertionError((verb, words))

    def _block(self, name: str, version: str) -> Block:
        return next(one for one in self.blocks if (one.spec.name, one.version) == (name, version))

    def _replace(self, old: Block, **change: object) -> Block:
        new = dataclasses.replace(old, **change)
        self.blocks[self.blocks.index(old)] = new
        return new

    def _remove(self, name: str, version: str, force: bool) -> tuple[int, Json]:
        used = [one for one in (*self.users, *self.hidden_users) if one.version == version and name == CLEAN.name]
        if used and not force:
            message = f"{name}@{version} is used by {', '.join(one.workflow for one in used)}."
            return 409, {"error": {"kind": "Conflict", "message": message, "hint": "", "faults": [], "log": ""}}
        self.blocks.remove(self._block(name, version))
        return 204, None

    def _make(self, request: ImageRequest) -> Block:
        spec = BlockSpec(
            name=request.name,
            kind=BlockKind.IMAGE,
            description=request.description,
            inputs=request.inputs,
            outputs=request.outputs,
            base=request.image,
            command=request.command,
            environment=request.environment,
        )
        made = block(spec, "1", 0)
        self.blocks.insert(0, made)
        return made


def rich() -> Catalogue:
    """A block of several versions, one of an image, one deprecated, one without its base."""
    return Catalogue(*CLEANS, block(SCORE, "2", 30), OLD_REPORT, BARE)


def huge(count: int = 1000) -> Catalogue:
    return Catalogue(
        *(
            block(
                dataclasses.replace(CLEAN, name=f"block-{number:04}", packages=PACKAGES[:12]), "1", number, author="ana"
            )
            for number in range(count)
        )
    )
