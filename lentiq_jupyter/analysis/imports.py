"""Import statements and their like in one piece of code."""

from __future__ import annotations

import ast

from ..model import Place, record
from .code import Code, every
from .names import Names

_ABSENCE = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))
# Packages that many distributions share: what is imported from them says which one.
_SHARED_NAMES = """
airflow.providers airflow.providers.apache airflow.providers.cncf airflow.providers.common
airflow.providers.microsoft autogluon azure azure.ai azure.cognitiveservices azure.core azure.keyvault
azure.mgmt azure.monitor azure.search azure.storage azureml azureml.contrib azureml.pipeline azureml.train
azureml.training backports databricks eolearn flask.ext flytekitplugins google google.ai google.analytics
google.cloud jaraco llama_index llama_index.agent llama_index.embeddings llama_index.graph_stores
llama_index.llms llama_index.packs llama_index.readers llama_index.retrievers llama_index.tools
llama_index.vector_stores mpl_toolkits nvidia odc openinference openinference.instrumentation opentelemetry
opentelemetry.exporter opentelemetry.exporter.otlp opentelemetry.instrumentation phoenix pyannote qiskit
qiskit.providers ruamel scikits snowflake sphinxcontrib zope
"""
_SHARED = frozenset(_SHARED_NAMES.split())

_Range = tuple[int, int, frozenset[str]]


@record
class Import:
    """One import as written. `module` is the dotted name ("" in ``from . import x``), `level` its leading dots.

    `names` are the names taken from it, which may be submodules. `giver` is the module that an earlier
    import took the first name of `module` from, "" where there is none.
    """

    module: str
    place: Place
    level: int = 0
    names: tuple[str, ...] = ()
    optional: bool = False
    giver: str = ""

    def modules(self) -> tuple[str, ...]:
        """The modules it surely needs: names taken from a shared package count as modules of their own."""
        if self.module in _SHARED and self.names:
            return tuple(self.module if name == "*" else f"{self.module}.{name}" for name in self.names)
        return (self.module,)


def imports_of(code: Code, names: Names) -> list[Import]:
    """All imports of one piece of code, also inside functions, in the order of the text.

    An import is optional inside a ``try`` that handles its absence, under ``suppress(ImportError)``
    and under ``if TYPE_CHECKING``. What a handler imports instead is optional too, unless it is the
    same module again (after installing it).
    """
    found: list[tuple[ast.stmt | ast.expr, str, int, tuple[str, ...]]] = []
    for plain in every(code.tree, ast.Import):
        found += [(plain, one.name, 0, ()) for one in plain.names]
    for taken in every(code.tree, ast.ImportFrom):
        found.append((taken, taken.module or "", taken.level, tuple(one.name for one in taken.names)))
    for call in every(code.tree, ast.Call):
        module = _called(call, names)
        if module:
            found.append((call, module, 0, ()))
    if not found:
        return []
    ranges = _guarded(code, names)
    found.sort(key=lambda one: (one[0].lineno, one[0].col_offset))
    return [
        Import(
            module=module,
            place=code.place(node),
            level=level,
            names=taken_names,
            optional=_is_optional(node, module.partition(".")[0], ranges),
            giver="" if level else _giver(module, names),
        )
        for node, module, level, taken_names in found
    ]


def _giver(module: str, names: Names) -> str:
    """``google.cloud`` for ``aiplatform.x`` after ``from google.cloud import aiplatform``; "" for other modules."""
    top, dot, _ = module.partition(".")
    alias = names.aliases.get(top, top)
    return alias.rpartition(".")[0] if dot and alias.partition(".")[0] != top else ""


def _guarded(code: Code, names: Names) -> list[_Range]:
    """Where imports may fail: positions from and to, and the modules that are required all the same."""
    found: list[_Range] = []
    for attempt in every(code.tree, ast.Try):
        if any(_handles_absence(handler, names) for handler in attempt.handlers):
            tried = frozenset(name for part in attempt.body for one in ast.walk(part) for name in _tops(one))
            found.append(_range(attempt.body, frozenset()))
            found += [_range(handler.body, tried) for handler in attempt.handlers]
    blocks: list[ast.With | ast.AsyncWith] = [*every(code.tree, ast.With), *every(code.tree, ast.AsyncWith)]
    for block in blocks:
        if any(_suppresses(item, names) for item in block.items):
            found.append(_range(block.body, frozenset()))
    for choice in every(code.tree, ast.If):
        if names.dotted(choice.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            found.append(_range(choice.body, frozenset()))
    return found


def _range(body: list[ast.stmt], required: frozenset[str]) -> _Range:
    last = body[-1]
    return body[0].lineno, last.end_lineno or last.lineno, required


def _is_optional(node: ast.stmt | ast.expr, top: str, ranges: list[_Range]) -> bool:
    around = [one for one in ranges if one[0] <= node.lineno <= one[1]]
    if not around:
        return False
    innermost = min(around, key=lambda one: one[1] - one[0])
    return top not in innermost[2]


def _tops(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name.partition(".")[0] for one in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


def _handles_absence(handler: ast.ExceptHandler, names: Names) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(names.dotted(kind) in _ABSENCE for kind in kinds)


def _suppresses(item: ast.withitem, names: Names) -> bool:
    call = item.context_expr
    if not isinstance(call, ast.Call) or names.dotted(call.func) not in ("contextlib.suppress", "suppress"):
        return False
    return any(names.dotted(kind) in _ABSENCE for kind in call.args)


def _called(call: ast.Call, names: Names) -> str | None:
    """The module that a call imports by a literal name: ``import_module``, ``__import__``, ``%load_ext``."""
    if not call.args:
        return None
    function = call.func
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    text: str | None = None
    if last in ("import_module", "__import__", "importorskip"):
        text = names.text(call.args[0])
    elif last == "run_line_magic" and len(call.args) > 1 and names.text(call.args[0]) in ("load_ext", "reload_ext"):
        text = (names.text(call.args[1]) or "").strip()
        text = None if text in ("autoreload", "storemagic") else text
    return text if text and all(part.isidentifier() for part in text.split(".")) else None
