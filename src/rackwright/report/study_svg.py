"""Line and scatter plots as SVG, written directly: the same bytes everywhere, no library.

A value may have an interval: it is drawn as a band along a line, or as a bar at a single dot. At
most eight series are told apart, by colour, by shape and by the dashes of their lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from rackwright.report.scale import LETTER, Scale, number, shortened, wrapped

__all__ = ["COLOURS", "Dot", "plot"]

COLOURS = ("#1f6fb4", "#c2501a", "#2c8f57", "#8a5fb0", "#b33a4b", "#6b6b2a", "#1f7f83", "#555b66")
_DASHES = ("", "7 4", "2 3", "9 3 2 3")
_WIDTH, _HEIGHT = 520, 290
_RIGHT, _TOP, _LINE = 26, 34, 15
_TOLD = 80     # dots that tell their values to the mouse, in a picture
_SIDE = 9.0    # pixels between the dots of a category


class Dot(NamedTuple):
    """A value `y` at `x` (a number, or text), its interval, and a label beside it."""

    x: Any
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""


class _Frame(NamedTuple):
    across: Scale
    up: Scale
    left: float
    bottom: float
    x_text: Callable[[Any], str]
    y_text: Callable[[float], str]


def plot(series: Mapping[str, Sequence[Dot | tuple[Any, float]]], x_title: str, y_title: str,
         y_text: Callable[[float], str], x_text: Callable[[Any], str],
         joined: Collection[str] | None = None) -> str:
    """An SVG picture; an empty text when there is nothing to draw.

    `series`: name -> dots in the order to be joined; `joined`: names of those that are lines,
    None: all that have one value at each x.
    """
    dots = {name: [Dot(*dot) for dot in some] for name, some in series.items()}
    every = [dot for some in dots.values() for dot in some]
    if not every:
        return ""
    names = [shortened(name, _WIDTH - 60) for name in dots]
    frame = _frame(every, x_text, y_text)
    labels = list(_across(frame))
    below = frame.bottom + 8 + _LINE * max(len(lines) for _, lines in labels) + 14
    each = max(1, int(_WIDTH // (LETTER * max(map(len, names)) + 34)))
    rows = math.ceil(len(dots) / each) if len(dots) > 1 else 0
    height = round(below + 10 + 19 * rows)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12" '
            f'role="img" aria-label="{escape(y_title)} by {escape(x_title)}">')
    parts = [head, *_grid(frame), *_labels(frame, labels), *_titles(frame, x_title, y_title, below)]
    for place, (name, some) in enumerate(dots.items()):
        side = (place - (len(dots) - 1) / 2) * _SIDE if frame.across.names else 0.0
        once = len({dot.x for dot in some}) == len(some)
        line = not frame.across.names and (once if joined is None else name in joined)
        parts += _series(place, some, frame, side, line, len(every) <= _TOLD)
        if rows:
            parts += _entry(place, names[place], 8 + (place % each) * _WIDTH / each,
                            below + 20 + 19 * (place // each), line)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _frame(every: Sequence[Dot], x_text: Callable[[Any], str], y_text: Callable[[float], str]
           ) -> _Frame:
    bottom = _HEIGHT - 46
    values = [value for dot in every for value in (dot.y, dot.low, dot.high) if value is not None]
    up = Scale(values, bottom, _TOP, from_zero=True)
    left = 12 + LETTER * max((len(y_text(value)) for value in up.ticks()), default=0)
    across = Scale([dot.x for dot in every], left + 8, _WIDTH - _RIGHT)
    return _Frame(across, up, left, bottom, x_text, y_text)


def _grid(frame: _Frame) -> Iterator[str]:
    right = _WIDTH - _RIGHT + 8
    left = number(frame.left)
    for value in frame.up.ticks():
        y = number(frame.up(value))
        yield (f'<path d="M{left} {y}H{right}" stroke="#e4e7ea"/><text '
               f'x="{number(frame.left - 6)}" y="{y}" dy="4" text-anchor="end" fill="#444">'
               f'{escape(frame.y_text(value))}</text>')
    yield (f'<path d="M{left} {_TOP - 6}V{number(frame.bottom)}H{right}" fill="none" '
           'stroke="#888"/>')


def _across(frame: _Frame) -> Iterator[tuple[float, list[str]]]:
    """Where each label below the axis stands, and its lines."""
    values = frame.across.labelled(frame.x_text)
    room = (_WIDTH - _RIGHT - frame.left) / max(len(values), 1) - 4
    for value in values:
        text = frame.x_text(value)
        lines = wrapped(text, room) if frame.across.names else [text]
        yield frame.across(value), lines


def _labels(frame: _Frame, labels: Sequence[tuple[float, list[str]]]) -> Iterator[str]:
    for x, lines in labels:
        half = LETTER * max(map(len, lines)) / 2
        middle = min(max(x, half), _WIDTH - half)
        yield f'<path d="M{number(x)} {number(frame.bottom)}v4" stroke="#888"/>'
        for place, line in enumerate(lines):
            yield (f'<text x="{number(middle)}" y="{number(frame.bottom + 17 + _LINE * place)}" '
                   f'text-anchor="middle" fill="#444">{escape(line)}</text>')


def _titles(frame: _Frame, x_title: str, y_title: str, y: float) -> Iterator[str]:
    yield (f'<text x="4" y="16" font-weight="bold">{escape(shortened(y_title, _WIDTH - 60))}'
           '</text>')
    middle = number((frame.left + _WIDTH - _RIGHT) / 2)
    yield (f'<text x="{middle}" y="{number(y)}" text-anchor="middle">'
           f'{escape(shortened(x_title, _WIDTH - 140))}</text>')


def _series(place: int, dots: Sequence[Dot], frame: _Frame, side: float, line: bool, told: bool
            ) -> list[str]:
    colour = COLOURS[place % len(COLOURS)]
    places = [(frame.across(dot.x) + side, frame.up(dot.y)) for dot in dots]
    line = line and len(places) > 1
    parts = [f'<g fill="{colour}" stroke="{colour}">']
    parts += _band(places, dots, frame) if line else _bars(places, dots, frame)
    if line:
        path = "L".join(f"{number(x)} {number(y)}" for x, y in places)
        dash = _DASHES[place % len(_DASHES)]
        parts.append(f'<path d="M{path}" fill="none" stroke-width="2"'
                     + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")
    for (x, y), dot in zip(places, dots, strict=True):
        parts.append(_mark(place, x, y, _told(dot, frame) if told else ""))
        if dot.label:
            parts.append(_label(dot.label, x, y))
    return [*parts, "</g>"]


def _label(text: str, x: float, y: float) -> str:
    half = LETTER * len(text) / 2
    middle = min(max(x, half), _WIDTH - half)
    return (f'<text class="label" x="{number(middle)}" y="{number(y - 9)}" text-anchor="middle" '
            f'stroke="#fff" stroke-width="3" paint-order="stroke">{escape(text)}</text>')


def _told(dot: Dot, frame: _Frame) -> str:
    around = "" if dot.low is None or dot.high is None else (
        f" ({frame.y_text(dot.low)} to {frame.y_text(dot.high)})")
    return f"{frame.x_text(dot.x)}: {frame.y_text(dot.y)}{around}"


def _band(places: Sequence[tuple[float, float]], dots: Sequence[Dot], frame: _Frame) -> list[str]:
    """The interval along a line, where two neighbours or more have one."""
    known = [(x, frame.up(dot.low), frame.up(dot.high)) for (x, _), dot
             in zip(places, dots, strict=True) if dot.low is not None and dot.high is not None]
    if len(known) < 2:
        return _bars(places, dots, frame)
    around = [(x, low) for x, low, _ in known] + [(x, high) for x, _, high in reversed(known)]
    path = "L".join(f"{number(x)} {number(y)}" for x, y in around)
    return [f'<path class="band" d="M{path}Z" stroke="none" fill-opacity="0.18"/>']


def _bars(places: Sequence[tuple[float, float]], dots: Sequence[Dot], frame: _Frame) -> list[str]:
    return [f'<path class="bar" d="M{number(x)} {number(frame.up(dot.low))}'
            f'V{number(frame.up(dot.high))}" stroke-width="2" stroke-opacity="0.5"/>'
            for (x, _), dot in zip(places, dots, strict=True)
            if dot.low is not None and dot.high is not None]


def _mark(place: int, x: float, y: float, told: str = "") -> str:
    """Circle, square, triangle or diamond, so that series differ without colour too."""
    title = f"<title>{escape(told)}</title>" if told else ""
    if place % 4 == 0:
        return f'<circle cx="{number(x)}" cy="{number(y)}" r="4" stroke="none">{title}</circle>'
    shape = {1: "m-4 -4h8v8h-8z", 2: "m0 -5l5 9h-10z", 3: "m0 -5l5 5l-5 5l-5 -5z"}[place % 4]
    return f'<path d="M{number(x)} {number(y)}{shape}" stroke="none">{title}</path>'


def _entry(place: int, name: str, x: float, y: float, line: bool) -> Iterator[str]:
    colour = COLOURS[place % len(COLOURS)]
    dash = _DASHES[place % len(_DASHES)]
    yield f'<g fill="{colour}" stroke="{colour}">'
    if line:
        yield (f'<path d="M{number(x - 6)} {number(y - 4)}h20" stroke-width="2"'
               + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")
    yield _mark(place, x + 4, y - 4)
    yield f'</g><text x="{number(x + 18)}" y="{number(y)}">{escape(name)}</text>'
