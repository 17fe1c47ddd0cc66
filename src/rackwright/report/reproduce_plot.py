"""Published against simulated as a picture: a dot a row on a bar of what is allowed. Plain SVG.

The axis is the simulated number over the published one, logarithmic, 1 in the middle. A claim of
order is over its bound, one with two bounds over their geometric mean; its bar goes on to the
edge where it has no end. Filled dots are predicted rows, hollow ones rows of other kinds. A dot
beyond the edge is drawn as an arrow there. The same rows give the same bytes: no dates, no
random names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from rackwright.report.reproduce import SHORT, number
from rackwright.report.scale import LETTER
from rackwright.reproduce.claim import Claim
from rackwright.reproduce.rows import Reproduction, Row, State

__all__ = ["COLOURS", "plot"]

# told apart with colour-blind eyes too (Okabe and Ito's palette)
COLOURS = {State.HOLDS: "#0072b2", State.KNOWN_MISS: "#d55e00", State.FAILS: "#b00020",
           State.SURPRISE: "#009e73"}
_INNER, _STEP, _TOP = 435, 20, 34
_SPAN = 4.0  # the axis goes from 1 / _SPAN to _SPAN
_TICKS = (0.25, 0.5, 1.0, 2.0, 4.0)


def plot(found: Reproduction) -> str:
    """An ``<svg>`` element; empty text when no row has a place on the axis."""
    groups = [(name, [row for row in found.of(name) if _share(row) is not None])
              for name in found.papers]
    groups = [(name, rows) for name, rows in groups if rows]
    if not groups:
        return ""
    lines = sum(len(rows) + 1 for _, rows in groups)
    height = _TOP + lines * _STEP + 8
    left = 24 + round(LETTER * max(len(row.key) for _, rows in groups for row in rows))
    right = 40 + round(LETTER * max(len(_said(row)) for _, rows in groups for row in rows))
    width = max(left, 180) + _INNER + right
    return "".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" font-family="sans-serif" font-size="12">'
        "<title>Simulated over published, row by row</title>",
        *_axis(height, max(left, 180)), *_groups(groups, max(left, 180)), "</svg>\n"])


def _axis(height: int, left: int) -> Iterator[str]:
    for tick in _TICKS:
        x, colour = left + _x(tick), "#555" if tick == 1.0 else "#ddd"
        yield (f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{height - 8}" stroke="{colour}"/>'
               f'<text x="{x}" y="{_TOP - 14}" text-anchor="middle">{tick:g}</text>')
    yield f'<text x="4" y="{_TOP - 14}" fill="#555">simulated / published</text>'


def _groups(groups: list[tuple[str, list[Row]]], left: int) -> Iterator[str]:
    y = _TOP + _STEP // 2
    for name, rows in groups:
        yield f'<text x="4" y="{y + 4}" font-weight="bold">{escape(name)}</text>'
        for row in rows:
            y += _STEP
            yield from _line(row, y, left)
        y += _STEP


def _line(row: Row, y: int, left: int) -> Iterator[str]:
    low, high = (left + _x(end) for end in _allowed(row.claim))
    share, colour = _share(row), COLOURS.get(row.state, "#555")
    assert share is not None
    yield (f'<text x="12" y="{y + 4}">{escape(row.key)}</text>'
           f'<rect x="{low:.1f}" y="{y - 5}" width="{max(round(high - low, 1), 2)}" height="10" '
           f'fill="#bbb" fill-opacity="0.6"/>')
    yield _mark(share, left, y, colour, colour if row.predicted else "#fff")
    yield (f'<text x="{left + _INNER + 14}" y="{y + 4}" fill="{colour}">'
           f'{escape(_said(row))}</text>')


def _said(row: Row) -> str:
    """What stands right of a row: simulated, published, state."""
    value = number(row.simulated, row.claim.unit)
    if row.claim.published is not None:
        value += f" / {number(row.claim.published, row.claim.unit)}"
    return f"{value}  {SHORT[row.state]}"


def _mark(share: float, left: int, y: int, colour: str, fill: str) -> str:
    """A dot, or an arrow at the edge of the axis when the dot lies beyond."""
    x = round(left + _x(share), 1)
    style = f'fill="{fill}" stroke="{colour}" stroke-width="1.5"'
    if 1 / _SPAN <= share <= _SPAN:
        return f'<circle cx="{x}" cy="{y}" r="4.5" {style}/>'
    tip = 6 if share > 1 else -6
    return f'<path d="M{x + tip} {y}L{x - tip} {y - 5}L{x - tip} {y + 5}Z" {style}/>'


def _x(share: float) -> float:
    inside = min(max(share, 1 / _SPAN), _SPAN)
    place = (math.log2(inside) / math.log2(_SPAN) + 1) / 2
    return round(place * _INNER, 1)


def _reference(claim: Claim) -> float:
    """What a row is drawn relative to; 0 when there is nothing above 0."""
    if claim.published is not None:
        return max(claim.published, 0.0)
    low, high = (max(end or 0.0, 0.0) for end in (claim.low, claim.high))
    return math.sqrt(low * high) if low and high else low or high


def _share(row: Row) -> float | None:
    reference = _reference(row.claim)
    if row.simulated is None or row.simulated <= 0 or not reference:
        return None
    return row.simulated / reference


def _allowed(claim: Claim) -> tuple[float, float]:
    low, high = claim.bounds
    reference = _reference(claim)
    return max(low, 0.0) / reference, high / reference
