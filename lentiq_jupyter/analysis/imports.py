"""Import statements and their like in one piece of code."""

from __future__ import annotations

import ast

from ..model import Place, record
from .code import Code
from .names import Names

_ABSENCE = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))
# Packages that many distributions share: what is imported from them says which one.
_SHARED = frozenset(
    [
        "azure",
        "azure.ai",
        "azure.core",
        "azure.mgmt",
        "azure.storage",
        "backports",
        "google",
        "google.cloud",
        "google.ai",
        "jaraco",
        "llama_index",
        "mpl_toolkits",
        "opentelemetry",
        "opentelemetry.exporter",
        "openinference",
        "openinference.instrumentation",
        "phoenix",
        "ruamel",
        "sphinxcontrib",
        "zope",
    ]
)


@record
class Import:
    """One import as written. `module` is the dotted name ("" in ``from . import x``), `level` its leading dots.

    `names` are the names taken from it, which may be submodules.
    """

    module: str
    place: Place
    level: int = 0
    names: tuple[str, ...] = ()
    optional: bool = False

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
    found: list[Import] = []
    stack: list[tuple[ast.AST, frozenset[str] | None]] = [(code.tree, None)]
    # The second value: None where an import is required, else the tops that are required all the same.
    while stack:
        node, spared = stack.pop()
        for made in _imports_at(node, code, names):
            top = made.module.partition(".")[0]
            optional = spared is not None and top not in spared
            found.append(
                Import(module=made.module, place=made.place, level=made.level, names=made.names, optional=optional)
            )
        stack.extend(reversed(_children(node, spared, names)))
    return found


def _children(
    node: ast.AST, spared: frozenset[str] | None, names: Names
) -> list[tuple[ast.AST, frozenset[str] | None]]:
    nothing: frozenset[str] = frozenset()
    if isinstance(node, ast.Try) and any(_handles_absence(handler, names) for handler in node.handlers):
        tried = frozenset(name for part in node.body for one in ast.walk(part) for name in _tops(one))
        inside: list[tuple[ast.AST, frozenset[str] | None]] = [(part, nothing) for part in node.body]
        inside += [(handler, tried) for handler in node.handlers]
        return inside + [(part, spared) for part in (*node.orelse, *node.finalbody)]
    if isinstance(node, (ast.With, ast.AsyncWith)) and any(_suppresses(item, names) for item in node.items):
        return [(part, nothing) for part in node.body]
    if isinstance(node, ast.If) and names.dotted(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        return [*((part, nothing) for part in node.body), *((part, spared) for part in node.orelse)]
    return [(child, spared) for child in ast.iter_child_nodes(node)]


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


def _imports_at(node: ast.AST, code: Code, names: Names) -> list[Import]:
    if isinstance(node, ast.Import):
        return [Import(module=one.name, place=code.place(node)) for one in node.names]
    if isinstance(node, ast.ImportFrom):
        taken = tuple(one.name for one in node.names)
        return [Import(module=node.module or "", place=code.place(node), level=node.level, names=taken)]
    if isinstance(node, ast.Call) and node.args:
        called = names.dotted(node.func)
        if called in ("importlib.import_module", "__import__"):
            text = names.text(node.args[0])
            if text and all(part.isidentifier() for part in text.split(".")):
                return [Import(module=text, place=code.place(node))]
        if called == "get_ipython.run_line_magic":
            return []
        return _extension(node, code)
    return []


def _extension(node: ast.Call, code: Code) -> list[Import]:
    """``%load_ext name`` imports that module."""
    words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    if isinstance(node.func, ast.Attribute) and node.func.attr == "run_line_magic" and words[:1] == ["load_ext"]:
        name = str(words[1]).strip() if len(words) > 1 else ""
        if name not in ("autoreload", "storemagic") and name and all(part.isidentifier() for part in name.split(".")):
            return [Import(module=name, place=code.place(node))]
    return []
