"""Which plots a study gets: those of its file, else each shown metric by the axes; and its front.

Without ``[[plot]]``: x is the axis of numbers with most values (else the first axis), and the lines
are the axis with most values beside it; of a third axis on, only the first values are drawn, and
the picture says so. Over seeds a line is their mean, its band the 95 % interval of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from rackwright import units
from rackwright.errors import InputError
from rackwright.report import figures
from rackwright.report.study import axis_text
from rackwright.report.study_svg import Dot, plot
from rackwright.study.analysis import interval
from rackwright.study.axes import Axis
from rackwright.study.expressions import Expression, NoValue, quantity
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row, value_of
from rackwright.study.study import Plot

__all__ = ["pareto_plot", "plots"]

_FORMATS = {"time": units.format_time, "bytes": units.format_bytes, "rate": units.format_rate,
            "bandwidth": units.format_bandwidth, "power": units.format_power,
            "energy": units.format_energy, "frequency": units.format_frequency,
            "money": units.format_money}
_MOST_PLOTS = 6
_MOST_LINES = 8
_MOST_DOTS = 600    # in a picture, so that the page stays small
_MOST_LABELS = 12   # numbers of points beside a front


def plots(result: StudyResult) -> list[str]:
    """Figures with a caption each, as HTML."""
    wanted = result.study.plot or tuple(_chosen(result))
    return [text for text in (_figure(result, one) for one in wanted[:_MOST_PLOTS]) if text]


def pareto_plot(result: StudyResult, numbers: Collection[int]) -> str:
    """All points by the first two goals, the front (`numbers`) as a line; empty without goals."""
    wanted = result.study.pareto
    if wanted is None:
        return ""
    goals = [*wanted.minimise, *wanted.maximise]
    across, up = goals[:2]
    front = set(numbers)
    named = len(front) <= _MOST_LABELS
    dots: dict[str, list[Dot]] = {"on the front": [], "other points": []}
    for row in result.rows:
        found = None if row.error else _point(result, row, Plot(x=across, y=up, by=""))
        if found is not None:
            best = row.number in front
            dots["on the front" if best else "other points"].append(
                Dot(*found, label=f"{row.number}" if best and named else ""))
    lines = {name: sorted(some, key=lambda dot: (dot.x, dot.y))
             for name, some in dots.items() if some}
    words = [f"{'less' if name in wanted.minimise else 'more'} {figures.title(name)}"
             for name in goals]
    drawn = plot({name: _thinned(some, _MOST_DOTS // 2) for name, some in lines.items()},
                 figures.title(across), figures.title(up), _text_of(result, up),
                 _text_of(result, across), ["on the front"] if len(goals) == 2 else [])
    more = f"; drawn by the first two of {len(goals)}" if len(goals) > 2 else ""
    said = "; the numbers are those of points" if named and front else ""
    caption = f"Better is: {', '.join(words)}{more}{said}"
    return _with_caption(drawn, caption) if drawn else ""


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
    fixed = _fixed(result, wanted)
    rows = [row for row in result.rows if not row.error
            and all(row.axes[name] == value for name, value in fixed.items())]
    lines: dict[str, list[Row]] = {}
    for row in rows:
        lines.setdefault(axis_text(row.axes[wanted.by]) if wanted.by else "", []).append(row)
    shown = dict(list(lines.items())[:_MOST_LINES])
    series = {(f"{wanted.by} {name}" if name else ""): _thinned(
        _dots(result, some, wanted), _MOST_DOTS // len(shown)) for name, some in shown.items()}
    axis = _axis(result, wanted.x)
    drawn = plot({name: dots for name, dots in series.items() if dots},
                 wanted.x if axis else figures.title(wanted.x), figures.title(wanted.y),
                 _text_of(result, wanted.y), _text_of(result, wanted.x),
                 None if axis else [])
    return _with_caption(drawn, _caption(fixed, series, lines)) if drawn else ""


def _caption(fixed: Mapping[str, Any], series: Mapping[str, Sequence[Dot]],
             lines: Mapping[str, Sequence[Row]]) -> str:
    """What the picture shows of more: the values that were fixed, seeds, lines left out."""
    said = [f"at {', '.join(f'{name} = {axis_text(value)}' for name, value in fixed.items())}"
            ] if fixed else []
    if any(dot.low is not None for dots in series.values() for dot in dots):
        said.append("means over seeds with their 95 % intervals")
    if len(lines) > len(series):
        said.append(f"the first {len(series)} of {len(lines)} lines")
    return "; ".join(said)


def _with_caption(drawn: str, caption: str) -> str:
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{drawn}{text}</figure>\n"


def _fixed(result: StudyResult, wanted: Plot) -> dict[str, Any]:
    """The first values of the axes of a grid that the picture does not show."""
    if wanted.x not in result.study.columns or result.study.combine != "grid":
        return {}
    return {axis.column: axis.settings[0][0] for axis in result.study.axis
            if axis.column not in (wanted.x, wanted.by) and len(axis.settings) > 1
            and axis.path != "seed"}


def _dots(result: StudyResult, rows: Sequence[Row], wanted: Plot) -> list[Dot]:
    """The values of a line, those of seeds joined to their mean and interval."""
    seeds = {axis.column for axis in result.study.axis if axis.path == "seed"} - {wanted.x}
    groups: dict[tuple[Any, ...], list[tuple[Any, float]]] = {}
    for row in rows:
        point = _point(result, row, wanted)
        if point is not None:
            own = tuple(value for name, value in row.axes.items() if name not in seeds)
            groups.setdefault(own if seeds else (row.number,), []).append(point)
    dots = [_joined(points) for points in groups.values()]
    texts = any(isinstance(dot.x, str) for dot in dots)
    return dots if texts else sorted(dots, key=lambda dot: (dot.x, dot.y))


def _joined(points: Sequence[tuple[Any, float]]) -> Dot:
    """A dot of one value, or the mean of several; of x too, where x is a metric."""
    xs = {x for x, _ in points}
    x = interval([x for x, _ in points]).mean if len(xs) > 1 else points[0][0]
    found = interval([y for _, y in points])
    if found.half is None:
        return Dot(x, found.mean)
    return Dot(x, found.mean, found.mean - found.half, found.mean + found.half)


def _thinned(dots: Sequence[Dot], most: int) -> Sequence[Dot]:
    """At most `most` of them, evenly, the first and the last included."""
    if len(dots) <= most:
        return dots
    return [dots[place * (len(dots) - 1) // (most - 1)] for place in range(most)]


def _point(result: StudyResult, row: Row, wanted: Plot) -> tuple[Any, float] | None:
    try:
        axis = _axis(result, wanted.x)
        x = _place(axis, row.axes[wanted.x]) if axis else value_of(
            Expression.read(wanted.x), row, result.study.baselines)
        return x, value_of(Expression.read(wanted.y), row, result.study.baselines)
    except (NoValue, InputError):
        return None


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
