"""The points of a study: combinations of the axes' values, and the replays that they need.

The order is that of the file: the last axis changes fastest. A sample is drawn without repeats and
put into that order, so that a point's number follows from the file alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.study.axes import Value
from rackwright.study.paths import Scenario, flattened
from rackwright.study.study import Study

__all__ = ["Point", "points"]

Settings = Sequence[tuple[Value, Mapping[str, Any]]]


@dataclass(frozen=True)
class Point:
    """One scenario: `axes` is what tables show, `scenario` what is replayed."""

    number: int
    axes: Mapping[str, Value]
    scenario: Scenario


def points(study: Study) -> tuple[Point, ...]:
    """All points of `study`, in order."""
    base = dict(flattened(study.base.model_dump()))
    settings = [(axis.column, axis.settings) for axis in study.axis]
    return tuple(_point(settings, base, number, places)
                 for number, places in enumerate(_combinations(study)))


def _point(settings: Sequence[tuple[str, Settings]], base: Scenario, number: int,
           places: tuple[int, ...]) -> Point:
    scenario: dict[str, Any] = dict(base)
    axes: dict[str, Value] = {}
    for (column, choices), place in zip(settings, places, strict=True):
        axes[column], changes = choices[place]
        scenario.update(changes)
    return Point(number, axes, scenario)


def _combinations(study: Study) -> Iterator[tuple[int, ...]]:
    lengths = [len(axis.settings) for axis in study.axis]
    if study.combine == "zip":
        yield from (tuple([place] * len(lengths)) for place in range(study.count))
        return
    numbers: Any = range(study.count)
    if study.combine == "sample":
        rng = np.random.default_rng(study.sample_seed)
        numbers = sorted(rng.choice(math.prod(lengths), study.count, replace=False).tolist())
    for number in numbers:
        places = []
        for length in reversed(lengths):
            number, place = divmod(number, length)
            places.append(place)
        yield tuple(reversed(places))
