"""Line and scatter plots as SVG, written directly: the same bytes everywhere, no library.

Axes are linear, or logarithmic where values above 0 span more than a factor of 30; text values are
categories. At most eight lines are told apart, by colour and by shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["COLOURS", "plot"]

COLOURS = ("#1f6fb4", "#d9662a", "#2c8f57", "#8a5fb0", "#b33a4b", "#6b6b2a", "#2a8f93", "#555b66")
_WIDTH, _HEIGHT = 520, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 16, 14, 46
_LOG_SPAN = 30.0  # greatest over least, above which an axis is logarithmic
_TICKS = 5

Series = Mapping[str, Sequence[tuple[Any, float]]]
"""Name -> (x, y) in the order to be joined; x numbers, or text."""


def plot(series: Series, x_title: str, y_title: str, y_text: Callable[[float], str],
         x_text: Callable[[Any], str]) -> str:
    """An SVG picture; an empty text when there is nothing to draw."""
    every = [point for points in series.values() for point in points]
    if not every:
        return ""
    across = _Scale([x for x, _ in every], _LEFT, _WIDTH - _RIGHT)
    up = _Scale([y for _, y in every], _HEIGHT - _BOTTOM, _TOP, from_zero=True)
    legend = len(series) > 1
    height = _HEIGHT + (18 * math.ceil(len(series) / 3) if legend else 0)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
             f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12" '
             f'role="img" aria-label="{escape(y_title)} by {escape(x_title)}">',
             *_frame(across, up, x_title, y_title, x_text, y_text)]
    for number, (name, points) in enumerate(series.items()):
        parts += _line(number, points, across, up)
        if legend:
            parts += _entry(number, name)
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Scale:
    """Values of an axis to pixels."""

    def __init__(self, values: Sequence[Any], begin: float, end: float, from_zero: bool = False
                 ) -> None:
        self._begin, self._end = begin, end
        self.names: list[Any] = []
        self.log = False
        if any(isinstance(value, str | bool) for value in values):
            self.names = list(dict.fromkeys(values))
            return
        low, high = float(min(values)), float(max(values))
        self.log = low > 0 and high / low > _LOG_SPAN
        if from_zero and not self.log:
            low, high = min(0.0, low), max(0.0, high)
            high += 0.06 * (high - low)
        if low == high:
            low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
        self.low, self.high = low, high

    def __call__(self, value: Any) -> float:
        if self.names:
            share = (self.names.index(value) + 0.5) / len(self.names)
        elif self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[Any]:
        if self.names:
            return self.names
        if self.log:
            return self._log_ticks()
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [float(f"{number * step:.10g}") for number in range(
            first, math.floor(self.high / step + 1e-9) + 1)]

    def _log_ticks(self) -> list[float]:
        """Decades, or 1, 2, 5 of each when they are few."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        each = (1.0,) if len(powers) > _TICKS else (1.0, 2.0, 5.0)
        found = [float(f"{one * 10.0 ** power:.6g}") for power in powers for one in each]
        inside = [value for value in found
                  if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
        return inside[::math.ceil(len(inside) / (_TICKS + 2))]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * one for one in (1.0, 2.0, 2.5, 5.0, 10.0) if power * one >= step * 0.999)


def _frame(across: _Scale, up: _Scale, x_title: str, y_title: str,
           x_text: Callable[[Any], str], y_text: Callable[[float], str]) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for value in up.ticks():
        y = _number(up(value))
        parts.append(f'<path d="M{_LEFT} {y}H{right}" stroke="#e4e7ea"/>'
                     f'<text x="{_LEFT - 7}" y="{y}" dy="4" text-anchor="end" fill="#444">'
                     f'{escape(y_text(value))}</text>')
    names = across.ticks()
    room = (right - _LEFT) / max(len(names), 1) / 7.2  # letters that fit below a tick
    for value in names:
        text = x_text(value)
        if across.names and len(text) > room:
            text = text[:max(int(room) - 1, 1)] + "\u2026"
        parts.append(f'<text x="{_number(across(value))}" y="{bottom + 17}" fill="#444" '
                     f'text-anchor="middle">{escape(text)}</text>')
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#888"/>')
    parts.append(f'<text x="{(_LEFT + right) // 2}" y="{bottom + 37}" text-anchor="middle">'
                 f'{escape(x_title)}</text>')
    middle = (_TOP + bottom) // 2
    parts.append(f'<text x="14" y="{middle}" transform="rotate(-90 14 {middle})" '
                 f'text-anchor="middle">{escape(y_title)}</text>')
    return parts


def _line(number: int, points: Sequence[tuple[Any, float]], across: _Scale, up: _Scale
          ) -> list[str]:
    colour = COLOURS[number % len(COLOURS)]
    places = [(across(x), up(y)) for x, y in points]
    parts = []
    once = len({x for x, _ in places}) == len(places)
    if once and len(places) > 1 and not across.names:
        path = "L".join(f"{_number(x)} {_number(y)}" for x, y in places)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return parts + [_mark(number, x, y) for x, y in places]


def _mark(number: int, x: float, y: float) -> str:
    """Circle, square, triangle or diamond, so that lines differ without colour too."""
    colour = COLOURS[number % len(COLOURS)]
    if number % 4 == 0:
        return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="4" fill="{colour}"/>'
    shape = {1: "m-4 -4h8v8h-8z", 2: "m0 -5l5 9h-10z", 3: "m0 -5l5 5l-5 5l-5 -5z"}[number % 4]
    return f'<path d="M{_number(x)} {_number(y)}{shape}" fill="{colour}"/>'


def _entry(number: int, name: str) -> list[str]:
    x = _LEFT + (number % 3) * (_WIDTH - _LEFT - _RIGHT) // 3 + 6
    y = _HEIGHT + 6 + 18 * (number // 3)
    return [_mark(number, x, y), f'<text x="{x + 10}" y="{y + 4}">{escape(name)}</text>']


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
