"""Values of a plot's axis to pixels, and the values at which it is labelled.

Axes are linear, or logarithmic where values above 0 span more than a factor of 30; text values are
categories. Widths of text are estimates: about seven pixels a letter, for a font of 12 pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

__all__ = ["LETTER", "Scale", "number", "shortened", "wrapped"]

LETTER = 7.2   # pixels; DejaVu Sans at 12 pixels, wider than most
_LOG_SPAN = 30.0  # greatest over least, above which an axis is logarithmic
_TICKS = 5
_FEW = 7       # values that are labelled themselves when there is room
_APART = 10.0  # pixels between two labels
_BREAKS = " /_,>=-"


class Scale:
    """`begin` and `end`: pixels of the least and greatest value; `names`: of categories."""

    def __init__(self, values: Sequence[Any], begin: float, end: float, from_zero: bool = False
                 ) -> None:
        self._begin, self._end = begin, end
        self.names: list[Any] = []
        self.log = False
        if any(isinstance(value, str | bool) for value in values):
            self.names = list(dict.fromkeys(values))
            return
        self._values = sorted(set(map(float, values)))
        low, high = self._values[0], self._values[-1]
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
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[Any]:
        """Round values inside the axis, or all categories."""
        if self.names:
            return self.names
        if self.log:
            return self._log_ticks()
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [float(f"{one * step:.10g}") for one in range(
            first, math.floor(self.high / step + 1e-9) + 1)]

    def labelled(self, texts: Any) -> list[Any]:
        """Ticks across: the values themselves where they are few, none upon another."""
        if self.names:
            return self.names
        if len(self._values) <= _FEW and self._free(self._values, texts):
            return self._values
        ticks = self.ticks()
        step = next(step for step in range(1, len(ticks) + 2) if self._free(ticks[::step], texts))
        return ticks[::step]

    def _free(self, values: Sequence[float], texts: Any) -> bool:
        places = [(self(value), LETTER * len(texts(value)) / 2) for value in values]
        return all(right - left >= one + other + _APART for (left, one), (right, other)
                   in zip(places, places[1:], strict=False))

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


def shortened(text: str, pixels: float) -> str:
    """`text`, or as much of it as fits, and three dots as one letter."""
    room = max(int(pixels / LETTER), 2)
    return text if len(text) <= room else text[:room - 1] + "\u2026"


def wrapped(text: str, pixels: float, most: int = 3) -> list[str]:
    """`text` in at most `most` lines, broken where words end if it can be.

    >>> wrapped("h0/gpu0->h0/nvswitch", 80)
    ['h0/gpu0->', 'h0/nvswitch']
    """
    room = max(int(pixels / LETTER), 2)
    lines: list[str] = []
    while len(text) > room and len(lines) < most - 1:
        cut = max((place + 1 for place in range(room) if text[place] in _BREAKS), default=room)
        lines.append(text[:cut].strip())
        text = text[cut:].strip()
    return [*lines, shortened(text, pixels)]


def number(value: float) -> str:
    """A coordinate: one digit after the point, if any."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
