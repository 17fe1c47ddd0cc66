"""A small language for derived metrics and expectations: ``itl_mean_s.ratio >= 1.5``.

Arithmetic, comparisons, ``and``, ``or``, ``not``, and the functions of `FUNCTIONS` over names. Text
in quotes is a quantity (``"20ms"``), in SI units. Python's own parser reads it; nothing of it is
ever run by Python, and anything else that it can parse is refused.

Leaves out: powers, indexing, text, names of more than three parts.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rackwright import units
from rackwright.errors import InputError, UnitError

__all__ = ["FUNCTIONS", "Expression", "NoValue", "quantity"]

Lookup = Callable[[tuple[str, ...]], float]
"""Value of a dotted name. Raises NoValue where it has none."""

FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "log2": math.log2, "max": max, "min": min, "sqrt": math.sqrt}
_LONGEST = 400  # characters; keeps the parser's recursion shallow
_NAME_PARTS = 3
_OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.USub: operator.neg, ast.UAdd: operator.pos,
    ast.Not: operator.not_, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Eq: operator.eq, ast.NotEq: operator.ne}
_DIMENSIONS = ("time", "bytes", "rate", "bandwidth", "power", "energy", "frequency", "money")


class NoValue(Exception):
    """An expression without a value at a point; the message says why."""


@dataclass(frozen=True)
class Expression:
    """An expression that was read; `names` are the dotted names in it.

    >>> Expression.read("latency_s.ratio / max(2, hosts)").names
    (('latency_s', 'ratio'), ('hosts',))
    """

    text: str
    tree: ast.expr = field(compare=False, repr=False)

    @classmethod
    def read(cls, text: str) -> Expression:
        """Raises InputError for anything outside of the language."""
        if len(text) > _LONGEST:
            raise InputError(f"an expression of {len(text)} characters; at most {_LONGEST} are "
                             "allowed: put a part of it into [derived]")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise InputError(f"{text!r} is no expression; write it like 'itl_mean_s.ratio >= "
                             "1.5'") from None
        for node in _nodes(tree):
            _refuse(node, text)
        return cls(text.strip(), tree)

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Dotted names, each once, in their order."""
        found = {_dotted(node): None for node in _nodes(self.tree)
                 if isinstance(node, ast.Name | ast.Attribute)}
        return tuple(found)

    def value(self, lookup: Lookup) -> float:
        """Raises NoValue, and what `lookup` raises."""
        try:
            found = float(_value(self.tree, lookup))
        except ZeroDivisionError:
            raise NoValue(f"{self.text} divides by zero") from None
        except (ValueError, OverflowError) as problem:
            raise NoValue(f"{self.text}: {problem}") from None
        if not math.isfinite(found):
            raise NoValue(f"{self.text} is {found}")
        return found


def _nodes(tree: ast.expr) -> Iterator[ast.expr]:
    """Every part of an expression, from left to right; a dotted name is one."""
    yield tree
    if isinstance(tree, ast.Attribute):
        return
    parts = tree.args if isinstance(tree, ast.Call) else [
        part for part in ast.iter_child_nodes(tree) if isinstance(part, ast.expr)]
    for part in parts:
        yield from _nodes(part)


def _refuse(node: ast.expr, text: str) -> None:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS or node.keywords or not node.args:
            raise InputError(f"{text!r} calls {ast.unparse(node.func)}; there are "
                             f"{', '.join(sorted(FUNCTIONS))}, with plain arguments")
        return
    if isinstance(node, ast.Attribute | ast.Name):
        if not 1 <= len(_dotted(node)) <= _NAME_PARTS:
            raise InputError(f"{text!r}: {ast.unparse(node)!r} is no name; write a metric, or "
                             "'BASELINE.metric', 'metric.ratio', 'metric.ratio.BASELINE', "
                             "'reference.metric', 'metric.change'")
        return
    if isinstance(node, ast.Constant):
        _constant(node.value, text)
        return
    known = isinstance(node, ast.BoolOp) or (
        isinstance(node, ast.BinOp | ast.UnaryOp) and type(node.op) in _OPERATIONS) or (
        isinstance(node, ast.Compare) and all(type(one) in _OPERATIONS for one in node.ops))
    if not known:
        raise InputError(f"{text!r}: {ast.unparse(node)!r} is not of this language; it has names, "
                         f"numbers, + - * /, comparisons, and, or, not, {', '.join(FUNCTIONS)}")


def _dotted(node: ast.expr) -> tuple[str, ...]:
    """The parts of a dotted name; empty when it is none."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return (*before, node.attr)
    return ()


def _constant(value: object, text: str) -> float:
    if isinstance(value, str):
        return _quantity(value, text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{text!r}: {value!r} is no number; a quantity stands in quotes: \"20ms\"")
    return float(value)


def _quantity(value: str, text: str) -> float:
    found = quantity(value)
    if found is None:
        raise InputError(f"{text!r}: {value!r} is no quantity; write it like \"20ms\", "
                         "\"64GiB\", \"100Gbps\"")
    return found[0]


def quantity(text: str) -> tuple[float, str] | None:
    """The number in SI units that `text` stands for, and its dimension; None for other text.

    >>> quantity("100Gbps"), quantity("fast")
    ((100000000000.0, 'rate'), None)
    """
    for dimension in _DIMENSIONS:
        try:
            return float(units.parse(text, dimension).value), dimension
        except UnitError:
            continue
    return None


def _value(node: ast.expr, lookup: Lookup) -> Any:
    if isinstance(node, ast.Constant):
        return _constant(node.value, "")
    if isinstance(node, ast.Name | ast.Attribute):
        return lookup(_dotted(node))
    if isinstance(node, ast.BinOp):
        return _OPERATIONS[type(node.op)](_value(node.left, lookup), _value(node.right, lookup))
    if isinstance(node, ast.UnaryOp):
        return _OPERATIONS[type(node.op)](_value(node.operand, lookup))
    if isinstance(node, ast.BoolOp):
        wanted = isinstance(node.op, ast.Or)
        return any(bool(_value(part, lookup)) for part in node.values) if wanted else all(
            bool(_value(part, lookup)) for part in node.values)
    if isinstance(node, ast.Compare):
        return _compared(node, lookup)
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return FUNCTIONS[node.func.id](*(float(_value(part, lookup)) for part in node.args))


def _compared(node: ast.Compare, lookup: Lookup) -> bool:
    values = [_value(part, lookup) for part in (node.left, *node.comparators)]
    return all(_OPERATIONS[type(sign)](one, other) for sign, one, other
               in zip(node.ops, values, values[1:], strict=False))
