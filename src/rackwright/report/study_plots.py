"""Which plots a study gets: those of its file, else each shown metric by the axes.

Without ``[[plot]]``: x is the axis of numbers with most values (else the first axis), and the lines
are the axis with most values beside it; of a third axis on, only the first values are drawn, and
the picture says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from rackwright import units
from rackwright.errors import InputError
from rackwright.report import figures
from rackwright.report.study import axis_text
from rackwright.report.study_svg import plot
from rackwright.study.axes import Axis
from rackwright.study.expressions import Expression, NoValue, quantity
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row, value_of
from rackwright.study.study import Plot

__all__ = ["plots"]

_FORMATS = {"time": units.format_time, "bytes": units.format_bytes, "rate": units.format_rate,
            "bandwidth": units.format_bandwidth, "power": units.format_power,
            "energy": units.format_energy, "frequency": units.format_frequency,
            "money": units.format_money}
_MOST_PLOTS = 6
_MOST_LINES = 8
_MOST_POINTS = 600  # in a picture, so that the page stays small


def plots(result: StudyResult) -> list[str]:
    """Figures with a caption each, as HTML."""
    wanted = result.study.plot or tuple(_chosen(result))
    return [text for text in (_figure(result, one) for one in wanted[:_MOST_PLOTS]) if text]


def _chosen(result: StudyResult) -> Iterator[Plot]:
    axes = sorted((axis for axis in result.study.axis if axis.path != "seed"
                   and len(axis.settings) > 1),
                  key=lambda axis: (not _is_numbers(axis), -len(axis.settings)))
    if not axes:
        return
    by = next((axis.column for axis in axes[1:] if len(axis.settings) <= _MOST_LINES), "")
    for name in dict.fromkeys((*result.study.derived, *result.shown)):
        yield Plot(x=axes[0].column, y=name, by=by)


def _is_numbers(axis: Axis) -> bool:
    return axis.path is not None and all(_dimension(value) is not None
                                         for value, _ in axis.settings)


def _dimension(value: Any) -> str | None:
    """Of a quantity; empty for a number, None for what is neither."""
    if isinstance(value, str):
        found = quantity(value)
        return found[1] if found else None
    return None if isinstance(value, bool) else ""


def _place(axis: Axis, value: Any) -> Any:
    """Where a value of the axis stands: a number where all of them are, or itself."""
    if not _is_numbers(axis) or not isinstance(value, str):
        return value
    found = quantity(value)
    return found[0] if found else value


def _figure(result: StudyResult, wanted: Plot) -> str:
    fixed = {axis.column: axis.settings[0][0] for axis in result.study.axis
             if axis.column not in (wanted.x, wanted.by) and len(axis.settings) > 1
             and wanted.x in result.study.columns and axis.path != "seed"
             and result.study.combine == "grid"}
    series: dict[str, list[tuple[Any, float]]] = {}
    for row in result.rows[:]:
        if row.error or any(row.axes[name] != value for name, value in fixed.items()):
            continue
        point = _point(result, row, wanted)
        if point is not None:
            series.setdefault(axis_text(row.axes[wanted.by]) if wanted.by else "", []).append(point)
    lines = {name: _ordered(points) for name, points in list(series.items())[:_MOST_LINES]}
    y_title = figures.title(wanted.y)
    drawn = plot({(f"{wanted.by} {name}" if name else ""): points
                  for name, points in lines.items()}, _title(result, wanted.x), y_title,
                 _text_of(result, wanted.y), _text_of(result, wanted.x))
    if not drawn:
        return ""
    at = ", ".join(f"{name} = {axis_text(value)}" for name, value in fixed.items())
    caption = f"<figcaption><small>at {escape(at)}</small></figcaption>" if at else ""
    return f"<figure>{drawn}{caption}</figure>\n"


def _ordered(points: list[tuple[Any, float]]) -> list[tuple[Any, float]]:
    texts = any(isinstance(x, str) for x, _ in points)
    return points[:_MOST_POINTS] if texts else sorted(points)[:_MOST_POINTS]


def _point(result: StudyResult, row: Row, wanted: Plot) -> tuple[Any, float] | None:
    try:
        axis = _axis(result, wanted.x)
        x = _place(axis, row.axes[wanted.x]) if axis else value_of(
            Expression.read(wanted.x), row, result.study.baselines)
        return x, value_of(Expression.read(wanted.y), row, result.study.baselines)
    except (NoValue, InputError):
        return None


def _title(result: StudyResult, name: str) -> str:
    return name if name in result.study.columns else figures.title(name)


def _axis(result: StudyResult, name: str) -> Axis | None:
    return next((axis for axis in result.study.axis if axis.column == name), None)


def _text_of(result: StudyResult, name: str) -> Any:
    axis = _axis(result, name)
    if axis is not None:
        dimensions = {_dimension(value) for value, _ in axis.settings}
        known = _FORMATS.get(dimensions.pop() or "") if len(dimensions) == 1 else None
        return known if known and _is_numbers(axis) else axis_text
    plain = name in result.study.derived and "_" not in name
    return figures.count if plain else lambda value: figures.value(name.rpartition(".")[2], value)
