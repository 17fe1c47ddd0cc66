"""Series of a result as one line of text each, or as small inline drawings without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rackwright.models.outcome import Series
from rackwright.report import figures
from rackwright.report.table import WIDTH, table
from rackwright.result import Result

__all__ = ["series_html", "series_text"]

_RAMP = " .:-=+*#%@"   # from nothing to the most
_COLUMNS = 32
_WIDTH, _HEIGHT = 192, 32   # pixels of a drawing


def series_text(result: Result, width: int = WIDTH) -> str:
    """A row a series: from where to where, the most, and its shape (" " nothing, "@" the most)."""
    if not result.series:
        return ""
    rows = [[name.replace("_", " "), _range(series), figures.value(name, max(series.y)),
             f"|{_ramp(series.y)}|"] for name, series in sorted(result.series.items()) if series.y]
    return "curves\n" + table(["", "along", "most", "shape"], rows, width, left=(0, 1, 3))


def series_html(result: Result) -> str:
    """A table of small drawings; empty without series."""
    rows = "".join(
        f'<tr><td class="k">{escape(name.replace("_", " "))}</td><td>{escape(_range(series))}</td>'
        f"<td>{escape(figures.value(name, max(series.y)))}</td><td>{_drawing(series)}</td></tr>"
        for name, series in sorted(result.series.items()) if series.y)
    head = "<tr><th></th><th>along</th><th>most</th><th>shape</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""


def _range(series: Series) -> str:
    low, high = (figures.value(series.x_name, x) for x in (series.x[0], series.x[-1]))
    return f"{figures.title(series.x_name)} {low} to {high}"


def _ramp(y: Sequence[float]) -> str:
    """One character for each of at most 32 columns, the mean of the values that fall into it."""
    columns, most = min(len(y), _COLUMNS), max(y)
    text = ""
    for column in range(columns):
        part = y[column * len(y) // columns:(column + 1) * len(y) // columns]
        share = sum(part) / len(part) / most if most > 0 else 0.0
        text += _RAMP[round(share * (len(_RAMP) - 1))]
    return text


def _drawing(series: Series) -> str:
    """Bars from zero to the most, one a point."""
    most, count = max(series.y), len(series.y)
    step = _WIDTH / count
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{_HEIGHT * (1 - value / most):.1f}" '
        f'width="{step * 0.9:.1f}" height="{_HEIGHT * value / most:.1f}"/>'
        for i, value in enumerate(series.y) if most > 0 and value > 0)
    return (f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" '
            f'fill="currentColor">{bars}</svg>')
