"""What a table tells: means over seeds with their intervals, Pareto fronts, knees, sensitivities.

Intervals are Student's t on the values of independent seeds; they say how far the mean of more
seeds might lie, not how wrong a model is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rackwright.errors import UnknownName, UsageError
from rackwright.study.expressions import Expression, NoValue
from rackwright.study.pareto import undominated
from rackwright.study.rows import Row, value_of

if TYPE_CHECKING:
    from rackwright.study.result import StudyResult

__all__ = ["Interval", "Knee", "Moved", "interval", "knee", "knees", "moves", "pareto_front",
           "seed_statistics"]

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Mean and half the width of its confidence interval; None from a single value."""

    mean: float
    half: float | None
    values: int


class Knee(NamedTuple):
    """Where a curve bends: `x`, and `y` there; `before`, `after`: slopes of the scaled curve."""

    x: float
    y: float
    before: float
    after: float


class Moved(NamedTuple):
    """How a metric moves along one axis, everything else at its first value."""

    axis: str
    low: float
    high: float
    at_low: Any
    at_high: Any


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Mean of `values` and its Student-t interval.

    >>> interval([1.0, 2.0, 3.0]).mean
    2.0
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return Interval(mean, None, count)
    from scipy.stats import t

    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(t.ppf(0.5 + confidence / 2, count - 1)) * spread / math.sqrt(count)
    return Interval(mean, half, count)


def seed_statistics(result: StudyResult) -> list[dict[str, Any]]:
    """For each scenario with several seeds: its axes, and mean and interval of what is shown.

    Empty for a study without an axis of seeds.
    """
    seeds = [axis.column for axis in result.study.axis if axis.is_seed]
    if not seeds:
        return []
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in result.rows:
        if not row.error:
            groups.setdefault(tuple((name, value) for name, value in row.axes.items()
                                    if name not in seeds), []).append(row)
    return [{"axes": dict(axes), "metrics": {
        name: interval(values)._asdict() for name in (*result.shown, *result.study.derived)
        if (values := [row.derived.get(name, row.metrics.get(name, math.nan)) for row in rows])
        and not any(map(math.isnan, values))}} for axes, rows in groups.items()]


def pareto_front(result: StudyResult) -> tuple[int, ...]:
    """Numbers of the points that no other beats in everything; empty when none was asked for."""
    wanted = result.study.pareto
    if wanted is None:
        return ()
    costs: dict[int, tuple[float, ...]] = {}
    for row in result.rows:
        try:
            costs[row.number] = tuple(
                sign * value_of(Expression.read(name), row, result.study.baselines)
                for sign, names in ((-1.0, wanted.maximise), (1.0, wanted.minimise))
                for name in names)
        except NoValue:
            continue
    return undominated(costs)


def knee(result: StudyResult, x: str, y: str, /, **at: Any) -> Knee:
    """Where `y` over the numeric axis `x` bends most: the point farthest from the straight line
    between the ends, both axes scaled to 1. `at`: values of the other axes.

    Raises UsageError for less than three points.
    """
    curve = sorted(_curve(result, x, y, at))
    if len(curve) < 3 or curve[0][0] == curve[-1][0]:
        raise UsageError(f"a knee of {y} over {x} needs three points or more; there are "
                         f"{len(curve)}" + (f" at {at}" if at else ""))
    low, high = min(one for _, one in curve), max(one for _, one in curve)
    width, height = curve[-1][0] - curve[0][0], (high - low) or 1.0
    scaled = [((one - curve[0][0]) / width, (other - low) / height) for one, other in curve]
    rise = scaled[-1][1] - scaled[0][1]
    away = [abs(other - scaled[0][1] - rise * one) for one, other in scaled]
    place = max(range(1, len(curve) - 1), key=lambda number: (away[number], -number))
    return Knee(*curve[place], _slope(scaled[0], scaled[place]), _slope(scaled[place], scaled[-1]))


def knees(result: StudyResult) -> list[dict[str, Any]]:
    """For each ``[[knee]]`` and each combination of the other axes: where the curve bends.

    {x, y, axes, at, value, before, after}; or `why` there is none, in the place of the last four.
    """
    found = []
    for asked in result.study.knee:
        others = [name for name in result.study.columns if name != asked.x]
        combinations = dict.fromkeys(tuple((name, row.axes[name]) for name in others)
                                     for row in result.rows)
        for axes in map(dict, combinations):
            entry: dict[str, Any] = {"x": asked.x, "y": asked.y, "axes": axes}
            try:
                bend = knee(result, asked.x, asked.y, **axes)
                entry |= {"at": bend.x, "value": bend.y, "before": bend.before,
                          "after": bend.after}
            except UsageError as problem:
                entry["why"] = str(problem)
            found.append(entry)
    return found


def _slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0]) if other[0] != one[0] else 0.0


def _curve(result: StudyResult, x: str, y: str, at: dict[str, Any]) -> list[tuple[float, float]]:
    for name in (x, *at):
        if name not in result.study.columns:
            raise UnknownName("axis", name, result.study.columns)
    found = []
    for row in result.rows:
        if not row.error and all(row.axes[name] == value for name, value in at.items()):
            try:
                found.append(tuple(value_of(Expression.read(name), row, result.study.baselines)
                                   for name in (x, y)))
            except NoValue:
                continue
    return [(one, other) for one, other in found]


def moves(result: StudyResult, metric: str) -> tuple[Moved, ...]:
    """How far `metric` moves along each axis alone, the widest first.

    Of the points at which every other axis has its first value; needs a grid that has them.
    """
    first = {axis.column: axis.settings[0][0] for axis in result.study.axis}
    expression = Expression.read(metric)
    found = []
    for name in first:
        values = []
        for row in result.rows:
            if row.error or any(row.axes[other] != value for other, value in first.items()
                                if other != name):
                continue
            try:
                values.append((value_of(expression, row, result.study.baselines), row.axes[name]))
            except NoValue:
                continue
        if values:
            low, high = min(values, key=lambda one: one[0]), max(values, key=lambda one: one[0])
            found.append(Moved(name, low[0], high[0], low[1], high[1]))
    return tuple(sorted(found, key=lambda one: (one.low - one.high, one.axis)))
