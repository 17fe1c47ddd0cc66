"""Rows of a study's table: axis values, metrics, derived metrics and what limits a point.

A row has a value or a reason for each metric, never both. Metrics of baselines are called
``BASELINE.metric``. The exact numbers are kept; rounding is for reports.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rackwright.canonical import plain
from rackwright.errors import InputError
from rackwright.report import figures
from rackwright.study.axes import Value
from rackwright.study.expressions import Expression, NoValue, quantity
from rackwright.study.grid import Point

__all__ = ["Row", "check_names", "full_name", "holds", "row_of", "value_of", "with_derived"]


@dataclass(frozen=True)
class Row:
    """A point of a study and what came of it.

    `metrics`: name -> value, baselines' as ``NAME.metric``; `undefined`: metric -> why it has no
    value; `derived` likewise in both. `bottleneck`: that of the result, empty when it failed;
    `keys`: baseline ("" for the system) -> key in the store; `error`: one line, or empty;
    `reference`: the row to compare with; `searched`: baseline -> what its search tried.
    """

    number: int
    axes: Mapping[str, Value]
    metrics: Mapping[str, float] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, float] = field(default_factory=dict)
    bottleneck: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    reference: Row | None = field(default=None, repr=False, compare=False)
    searched: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"point": self.number, "axes": dict(self.axes), "metrics": dict(self.metrics),
                "undefined": dict(self.undefined), "derived": dict(self.derived),
                "bottleneck": dict(self.bottleneck), "hash": self.hash, "keys": dict(self.keys),
                "error": self.error, **({"searched": plain(self.searched)} if self.searched
                                        else {})}

    @property
    def hash(self) -> str:
        """Key of the system's own replay; empty where the point could not be prepared."""
        return self.keys.get("", "")


def row_of(point: Point, keys: Mapping[str, str], answers: Mapping[str, Mapping[str, Any]],
           baselines: Sequence[str]) -> Row:
    """The row of `point` from the `answers` by baseline, without derived metrics."""
    metrics: dict[str, float] = {}
    undefined: dict[str, str] = {}
    errors = []
    for name in ("", *baselines):
        answer, prefix = answers[name], f"{name}." if name else ""
        if "error" in answer:
            errors.append(f"{prefix.rstrip('.') + ': ' if name else ''}{answer['error']}")
            continue
        result = answer["result"]
        metrics |= {f"{prefix}{metric}": value for metric, value in result["metrics"].items()}
        undefined |= {f"{prefix}{metric}": why for metric, why in result["undefined"].items()}
    own = answers[""].get("result")
    return Row(point.number, point.axes, metrics, undefined, {},
               dict(own["bottleneck"]) if own else {}, keys, "; ".join(errors))


def with_derived(rows: Sequence[Row], derived: Mapping[str, str], reference: Mapping[str, Value],
                 baselines: Sequence[str]) -> tuple[Row, ...]:
    """`rows` with their derived metrics; `reference`: axis -> value of those to compare with."""
    by_axes = {tuple(row.axes.items()): row for row in rows}
    found = []
    for row in rows:
        other = by_axes.get(tuple({**row.axes, **reference}.items())) if reference else None
        row = dataclasses.replace(row, reference=other)
        found.append(_derived(row, derived, baselines) if row.bottleneck else row)
    return tuple(found)


def _derived(row: Row, derived: Mapping[str, str], baselines: Sequence[str]) -> Row:
    for name, text in derived.items():
        try:
            value = value_of(Expression.read(text), row, baselines)
            row = dataclasses.replace(row, derived={**row.derived, name: value})
        except NoValue as problem:
            row = dataclasses.replace(row, undefined={**row.undefined, name: str(problem)})
    return row


def holds(expression: Expression, row: Row, baselines: Sequence[str]) -> tuple[bool, str]:
    """Whether it is true at this row, and why it has no value there (then it is not)."""
    if row.error:
        return False, row.error
    try:
        return value_of(expression, row, baselines) != 0, ""
    except NoValue as problem:
        return False, str(problem)


def value_of(expression: Expression, row: Row, baselines: Sequence[str]) -> float:
    """The value at a row. Raises NoValue, and InputError for names that mean nothing."""
    return expression.value(lambda name: _looked_up(name, row, baselines))


def _looked_up(name: Sequence[str], row: Row, baselines: Sequence[str]) -> float:
    head, *rest = name
    if rest[:1] == ["ratio"]:
        below = f"{rest[1] if rest[1:] else baselines[0]}.{head}"
        return _over(".".join(name), _metric(head, row), _metric(below, row))
    if head == "reference" or rest == ["change"]:
        if row.reference is None:
            raise NoValue(f"{'.'.join(name)} has no value: no point to compare with")
        if head == "reference":
            return _metric(".".join(rest), row.reference)
        return _over(".".join(name), _metric(head, row), _metric(head, row.reference))
    if not rest and head in row.derived:
        return row.derived[head]
    if not rest and head in row.axes:
        return _number(head, row.axes[head])
    return _metric(".".join(name), row)


def _number(axis: str, value: Value) -> float:
    if not isinstance(value, str):
        return float(value)
    found = quantity(value)
    if found is None:
        raise InputError(f"axis {axis} is text ({value!r}) and cannot be computed with; only "
                         "numbers and quantities can")
    return found[0]


def _over(name: str, above: float, below: float) -> float:
    if below == 0:
        raise NoValue(f"{name} divides by zero")
    return above / below


def _metric(name: str, row: Row) -> float:
    if name in row.derived:
        return row.derived[name]
    full = full_name(name, row)
    if full in row.undefined:
        raise NoValue(f"{full} has no value: {row.undefined[full]}")
    if full not in row.metrics:
        raise NoValue(f"{name} has no value: {row.error or 'the replay does not give it'}")
    return row.metrics[full]


def full_name(name: str, row: Row) -> str:
    """The metric that `name` means: itself, or the one that is called so but for its unit."""
    known = [*row.metrics, *row.undefined]
    if name in known:
        return name
    baseline, _, short = name.rpartition(".")
    found = [metric for metric in known if metric.rpartition(".")[0] == baseline
             and figures.title(metric.rpartition(".")[2]).replace(" ", "_") == short]
    return found[0] if len(found) == 1 else name


def check_names(row: Row, expressions: Iterable[tuple[str, Expression]], names: Iterable[str],
                derived: Iterable[str]) -> None:
    """Refuse names that a point without errors does not have, with the nearest one.

    `expressions`: (where it stands, expression); `names`: other metrics that the file names.
    Raises InputError listing all of them.
    """
    own = [metric for metric in (*row.metrics, *row.undefined) if "." not in metric]
    short = Counter(figures.title(name).replace(" ", "_") for name in own)
    known = {*own, *derived, *row.axes, *(name for name, count in short.items() if count == 1)}
    wrong = []
    for where, expression in expressions:
        for name in expression.names:
            head = name[-1] if name[0] == "reference" else name[0] if len(name) == 1 or name[1] in (
                "change", "ratio") else name[1]
            if head not in known:
                wrong.append(f"{where}: {_unknown(head, known, own)}")
    wrong += [_unknown(name, known, own) for name in names
              if name.rpartition(".")[2] not in known]
    if wrong:
        raise InputError("; ".join(dict.fromkeys(wrong)))


def _unknown(name: str, known: Iterable[str], shown: Sequence[str]) -> str:
    several = [metric for metric in shown if figures.title(metric).replace(" ", "_") == name]
    if several:
        return f"{name!r} may be {' or '.join(several)}; write one of them"
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return (f"there is no metric {name!r}; did you mean {near[0]!r}?" if near else
            f"there is no metric {name!r}; there are {', '.join(sorted(shown))}")
