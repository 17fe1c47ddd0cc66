"""Knees, sensitivities and trials as plain text. Numbers are rounded; the JSON has their digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rackwright.report import figures
from rackwright.report.study import axis_text, shown_value
from rackwright.report.table import paragraph, table
from rackwright.study.analysis import knees
from rackwright.study.expressions import Expression, NoValue
from rackwright.study.rows import Row, full_name, value_of

if TYPE_CHECKING:
    from rackwright.study.effects import Sensitivity
    from rackwright.study.optimising import Optimised
    from rackwright.study.result import StudyResult

__all__ = ["knees_text", "optimised_text", "sensitivity_text"]

_TITLES = {"first": "first order", "first_half": "+-", "total": "total", "total_half": "+-",
           "size": "mean size", "size_half": "+-", "mean": "mean", "spread": "spread",
           "low": "least", "high": "greatest", "range": "range", "at_low": "at", "at_high": "at"}
_ORDER = ("axis", "first", "first_half", "total", "total_half", "size", "size_half", "mean",
          "spread", "low", "at_low", "high", "at_high", "range")
_INDICES = ("first", "first_half", "total", "total_half")
_READ = {
    "sobol": "shares of the variance of {metric}: by the axis alone, and with all that it does "
             "together with others; +- half of a 95 % interval from resampling",
    "morris": "effect on {metric} of going along a whole axis: mean size, its sign, and how far "
              "it depends on where the others stand or bends",
    "one": "{metric} along one axis, every other in its middle"}
_SURE = 0.1  # an index is told from another when half its interval is less; our choice
_MOST_BEST = 10


def knees_text(result: StudyResult, width: int) -> str:
    """A line for each bend that the file asks for."""
    if not result.study.knee:
        return ""
    lines = [_knee(entry) for entry in knees(result)]
    return "\n" + "".join(paragraph("", line, 2, width).lstrip() for line in lines)


def _knee(entry: Mapping[str, Any]) -> str:
    where = ", ".join(f"{name} {axis_text(value)}" for name, value in entry["axes"].items())
    what = f"{figures.title(entry['y'])} over {entry['x']}" + (f" at {where}" if where else "")
    if "why" in entry:
        return f"{what}: no bend: {entry['why']}"
    return (f"{what} bends at {figures.count(entry['at'])}, where it is "
            f"{figures.value(entry['y'], entry['value'])}")


def sensitivity_text(found: Sensitivity, width: int) -> str:
    """A table of the axes, and how to read it."""
    rows = found.rows()
    names = [name for name in _ORDER if name in rows[0]]
    number = _numbers(found)
    cells = [[str(row["axis"]), *(_cell(name, row[name], number) for name in names[1:])]
             for row in rows]
    head = (f"{found.result.study.name}: {found.method}, {found.samples} samples, seed "
            f"{found.seed}, {len(found.result.rows)} points")
    return (paragraph("", head, 2, width).lstrip()
            + paragraph("", _READ[found.method].format(metric=found.metric), 2, width).lstrip()
            + "\n" + table([_TITLES.get(name, name) for name in names], cells, width)
            + _doubt(found, width))


def _cell(name: str, value: Any, number: Any) -> str:
    if name.startswith("at_"):
        return axis_text(value)
    return f"{value:.3f}" if name in _INDICES else str(number(value))


def _numbers(found: Sensitivity) -> Any:
    """How numbers of the metric are written: with its unit where it is one metric."""
    row: Row = found.result.rows[0]
    name = full_name(found.metric.strip(), row)
    return lambda value: figures.value(name, value) if name in row.metrics else figures.count(value)


def _doubt(found: Sensitivity, width: int) -> str:
    wide = [effect.axis for effect in found.effects
            if effect.values.get("total_half", 0.0) > _SURE
            or effect.values.get("first_half", 0.0) > _SURE]
    if not wide:
        return ""
    return paragraph("", f"intervals wider than +-{_SURE:g} at {', '.join(wide)}: more samples "
                     "(--samples) would narrow them", 2, width).lstrip()


def optimised_text(found: Optimised, width: int) -> str:
    """The best trials, and which trials were better than all before."""
    study, rows = found.result.study, found.result.rows
    goals = [*(f"least {text}" for text in found.minimise),
             *(f"most {text}" for text in found.maximise)]
    asked = {full_name(text, rows[0]) for text in (*found.minimise, *found.maximise)}
    names = [name for name in dict.fromkeys((*found.result.shown, *study.derived))
             if full_name(name, rows[0]) not in asked]
    best = [row for row in rows if row.number in found.best]
    cells = [[str(row.number), *(axis_text(row.axes[name]) for name in study.columns),
              *(_goal(text, row, study.baselines) for text in (*found.minimise, *found.maximise)),
              *(shown_value(row, name) for name in names)] for row in best[:_MOST_BEST]]
    header = ["trial", *study.columns, *(text for text in (*found.minimise, *found.maximise)),
              *map(figures.title, names)]
    failed = len(found.result.failed)
    head = (f"{study.name}: {', '.join(goals)}; {len(rows)} trials by {found.optimiser}, seed "
            f"{found.seed}" + (f", {failed} failed" if failed else ""))
    more = f"and {len(best) - _MOST_BEST} more\n" if len(best) > _MOST_BEST else ""
    why = paragraph("first error:", found.result.failed[0].error, 2, width) if failed else ""
    return (paragraph("", head, 2, width).lstrip() + "\n"
            + (table(header, cells, width) if best else "no trial has a value of every goal\n")
            + more + why)


def _goal(text: str, row: Row, baselines: Any) -> str:
    try:
        value = value_of(Expression.read(text), row, baselines)
    except NoValue:
        return "-"
    name = full_name(text.strip(), row)
    return figures.value(name, value) if name in row.metrics else figures.count(value)
