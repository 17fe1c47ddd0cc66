"""The rules that kernels keep so that they give the same bytes compiled and interpreted.

`kernel_faults` walks the source of kernels and names every construct whose result may depend on
the machine or the order of summation (reductions, exp, log, powers, unstable sorts, fastmath),
that numba refuses or that would raise (arrays made inside, dicts, sets, try), or that breaks the
cache (kernels passed as arguments). A division by anything but a non-zero literal needs a comment
with ``nonzero:`` and the reason, on its line or the line above.

It reads names, not types: a rule can be dodged through an alias. Tests that run kernels both
ways are the other half.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path

from rackwright.engine.kernel import Kernel

__all__ = ["kernel_faults", "scan_package"]

_REDUCTIONS = {"sum", "mean", "dot", "matmul", "prod", "std", "var", "einsum", "inner", "cumsum",
               "average", "median", "trapezoid", "linalg", "fsum", "nansum", "vdot"}
_INEXACT = {"exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "power", "pow", "sin", "cos",
            "tan", "asin", "acos", "atan", "atan2", "arcsin", "arccos", "arctan", "arctan2",
            "sinh", "cosh", "tanh", "hypot", "cbrt", "float_power", "gamma", "lgamma", "erf"}
_MAKERS = {"zeros", "ones", "empty", "full", "arange", "array", "asarray", "linspace", "copy",
           "concatenate", "zeros_like", "empty_like", "ones_like", "full_like", "append",
           "repeat", "tile", "where", "unique", "nonzero", "flatnonzero"}
_SORTS = {"sort", "argsort", "partition", "argpartition", "lexsort"}
_MODULES = {"np", "numpy", "math"}
_BANNED = {ast.Raise: "raises", ast.Try: "uses try", ast.With: "uses with",
           ast.Assert: "uses assert", ast.Dict: "makes a dict", ast.DictComp: "makes a dict",
           ast.Set: "makes a set", ast.SetComp: "makes a set", ast.ListComp: "makes a list",
           ast.List: "makes a list", ast.GeneratorExp: "makes a generator",
           ast.Lambda: "has a lambda", ast.Yield: "yields", ast.Global: "assigns a global",
           ast.Nonlocal: "assigns an outer name", ast.Import: "imports",
           ast.ImportFrom: "imports", ast.JoinedStr: "makes text"}
_CALLS = {"dict": "makes a dict", "set": "makes a set", "frozenset": "makes a set",
          "list": "makes a list", "sorted": "sorts unstably", "sum": "sums a sequence",
          "hash": "depends on the hash seed", "id": "depends on addresses", "print": "prints",
          "pow": "takes a power", "getattr": "looks names up", "eval": "runs text"}


def kernel_faults(source: str | Kernel[..., object]) -> list[str]:
    """What breaks the rules, as ``line: fault``, by line.

    `source` is a kernel, or the text of a module, of which functions decorated with ``@kernel``
    are looked at.
    """
    if isinstance(source, Kernel):
        text = textwrap.dedent(inspect.getsource(source.function))
        return _words(text, kernel_globals=_kernels_in(source.function.__globals__))
    return _words(source, kernel_globals=set())


def scan_package(root: str | Path) -> list[str]:
    """The faults of every ``@kernel`` function under `root`, as ``file:line: fault``.

    Follows links to folders; files in the order of their paths.
    """
    faults = []
    for path in sorted(_python_files(Path(root))):
        text = path.read_text(encoding="utf-8")
        if "@kernel" in text:
            faults += [f"{path}:{fault}" for fault in _words(text, kernel_globals=set())]
    return faults


def _python_files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _python_files(entry)
        elif entry.suffix == ".py":
            yield entry


def _words(text: str, *, kernel_globals: set[str]) -> list[str]:
    tree = ast.parse(text)
    every = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    marked = [node for node in every if any(map(_is_kernel, node.decorator_list))]
    kernels = kernel_globals | {node.name for node in marked} | _imported(tree)
    lines = text.splitlines()
    found = [(line, f"{node.name} {fault}") for node in marked
             for line, fault in _faults(node, lines, kernels)]
    return [f"{line}: {fault}" for line, fault in sorted(set(found))]


def _is_kernel(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "kernel"


def _kernels_in(names: dict[str, object]) -> set[str]:
    return {name for name, value in names.items() if isinstance(value, Kernel)}


def _imported(tree: ast.Module) -> set[str]:
    """Names imported from the package in lower case: functions, for all that can be seen."""
    return {alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("rackwright") for alias in node.names
            if alias.name.islower()}


def _faults(function: ast.FunctionDef, lines: list[str], kernels: set[str]
            ) -> Iterator[tuple[int, str]]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call):
            yield decorator.lineno, "has options for the compiler (fastmath, ...)"
    for node in [part for statement in function.body for part in ast.walk(statement)]:
        line = getattr(node, "lineno", function.lineno)
        if type(node) in _BANNED:
            yield line, _BANNED[type(node)]
        elif isinstance(node, ast.Call):
            for fault in _call_faults(node, kernels):
                yield line, fault
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            fault = _operator_fault(node, lines)
            if fault:
                yield line, fault


def _operator_fault(node: ast.BinOp | ast.AugAssign, lines: list[str]) -> str:
    right = node.right if isinstance(node, ast.BinOp) else node.value
    if isinstance(node.op, ast.Pow):
        return "takes a power (**)"
    if isinstance(node.op, ast.MatMult):
        return "multiplies matrices (@)"
    if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
        if isinstance(right, ast.Constant) and right.value:
            return ""
        last = node.end_lineno or node.lineno
        if not any("nonzero:" in line for line in lines[max(node.lineno - 2, 0):last]):
            return f"divides by {ast.unparse(right)} without a `nonzero:` comment"
    return ""


def _call_faults(call: ast.Call, kernels: set[str]) -> Iterator[str]:
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        if isinstance(argument, ast.Name) and argument.id in kernels:
            yield f"passes the kernel {argument.id} as an argument"
    if isinstance(call.func, ast.Name):
        name = call.func.id
        if name in _CALLS:
            yield _CALLS[name]
        elif name in _INEXACT:
            yield f"calls {name}"
    elif isinstance(call.func, ast.Attribute):
        yield from _method_faults(call, call.func)


def _method_faults(call: ast.Call, func: ast.Attribute) -> Iterator[str]:
    name, owner = func.attr, ast.unparse(func.value)
    where = f"{owner}.{name}"
    if owner.split(".")[0] in _MODULES and "random" in owner:
        yield f"draws from the global generator ({where}); pass a numpy Generator"
    elif name == "integers" and owner not in _MODULES:
        yield f"draws with {where}, which allocates; scale {owner}.random() or use hash31"
    elif name in _SORTS and not _is_mergesort(call):
        yield f"sorts with {where} other than kind=\"mergesort\""
    elif name in _REDUCTIONS or owner.endswith(".linalg"):
        yield f"calls {where}, whose order of summation is not fixed"
    elif owner in _MODULES and name in _INEXACT:
        yield f"calls {where}, whose last bit differs between machines"
    elif owner in _MODULES and name in _MAKERS:
        yield f"makes an array ({where})"


def _is_mergesort(call: ast.Call) -> bool:
    return any(keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
               and keyword.value.value == "mergesort" for keyword in call.keywords)
