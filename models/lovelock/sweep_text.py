"""Sweeps as text and as SVG: tables of points and swings, and the tornado as a picture.

Plain strings, no libraries: the SVG has no date, no random ids and no outside links, so that equal
sweeps give equal bytes. Leaves out: pages around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rackwright.models.lovelock.sweep import (
    COST_BAND,
    POWER_BAND,
    Point,
    QueryRow,
    Swing,
)

__all__ = ["points_text", "queries_text", "swings_svg", "swings_text"]

_HEAD = ("NIC", "phi", "slowdown", "cost adv.", "catalog", "energy adv.", "catalog", "phi*",
         "split", "busiest")
_WIDTH, _ROW, _LEFT, _RIGHT = 820, 26, 320, 100


def points_text(points: Sequence[Point]) -> str:
    """A table of points and what its bands are."""
    rows = [(point.nic, str(point.phi), f"{point.slowdown:.3g}", _band(point.cost),
             _number(point.cost_catalog), _band(point.energy), _number(point.energy_catalog),
             f"{point.break_even:.3g}", f"{point.split_share:.1%}", point.limit)
            for point in points]
    return (_table([_HEAD, *rows])
            + f"bands: a server costs {COST_BAND[0]:g} to {COST_BAND[1]:g} NICs and draws "
              f"{POWER_BAND[0]:g} to {POWER_BAND[1]:g}; \"catalog\": our catalog's assumed prices\n"
              "and powers. Lovelock-style: no figure is the paper's.\n")


def queries_text(rows: Sequence[QueryRow]) -> str:
    """A table of templates."""
    head = ("query", "cpu", "shuffle", "io", "accel", "slowdown", "phi*", "with blocks", "phi*")
    return _table([head, *(
        (row.template, *(f"{share:.2f}" for share in (
            row.fractions.cpu, row.fractions.shuffle, row.fractions.io, row.fractions.accel)),
         f"{row.slowdown:.2f}", f"{row.break_even:.2f}", f"{row.slowdown_blocks:.2f}",
         f"{row.break_even_blocks:.2f}") for row in rows)])


def swings_text(swings: Sequence[Swing]) -> str:
    """A table of swings, in their order."""
    if not swings:
        return ""
    rows = [(swing.name, swing.low, f"{swing.at_low:.3g}", swing.high, f"{swing.at_high:.3g}")
            for swing in swings]
    head = (swings[0].metric, "from", "", "to", "")
    return _table([head, *rows]) + f"base case: {swings[0].base:.3g}\n"


def swings_svg(swings: Sequence[Swing]) -> str:
    """The tornado: a bar an assumption, from one end's value to the other's; the line is the base
    case."""
    if not swings:
        return ""
    values = [value for swing in swings for value in (swing.at_low, swing.at_high, swing.base)]
    low, high = min(values), max(values)
    span = high - low or 1.0

    def at(value: float) -> float:
        return _LEFT + (value - low) / span * (_WIDTH - _LEFT - _RIGHT)

    height = _ROW * (len(swings) + 2)
    base = at(swings[0].base)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
             f'font-family="sans-serif" font-size="12" role="img">',
             f"<title>{escape(swings[0].metric)} by assumption</title>",
             f'<text x="4" y="16" font-weight="bold">{escape(swings[0].metric)}</text>']
    for row, swing in enumerate(swings):
        top = _ROW * (row + 1)
        left, right = sorted((at(swing.at_low), at(swing.at_high)))
        label = f"{swing.name}: {swing.low} / {swing.high}"
        parts += [f'<text x="4" y="{top + 16}">{escape(label)}</text>',
                  f'<rect x="{left:.2f}" y="{top + 4}" width="{max(right - left, 1.0):.2f}" '
                  f'height="{_ROW - 8}" fill="#4477aa"/>',
                  f'<text x="{right + 4:.2f}" y="{top + 16}" fill="#555">'
                  f"{swing.at_low:.3g} / {swing.at_high:.3g}</text>"]
    parts += [f'<line x1="{base:.2f}" x2="{base:.2f}" y1="{_ROW}" y2="{height - _ROW}" '
              'stroke="#cc3311"/>',
              f'<text x="{base:.2f}" y="{height - 8}" text-anchor="middle" fill="#cc3311">'
              f"base case {swings[0].base:.3g}</text>", "</svg>"]
    return "\n".join(parts) + "\n"


def _band(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3g} to {ends[1]:.3g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
             for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]]) + "\n"
