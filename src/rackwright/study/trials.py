"""Points that are not those of the file: places between the ends of its axes.

A place has a share from 0 to 1 for each axis with more than one value: of its range, of its draws
(the number that this share of them stays below), or along its list. `zipped` makes a study of
places that reads like any other: its axes hold the values themselves, taken one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rackwright.errors import UsageError
from rackwright.study.axes import Axis, Case
from rackwright.study.study import Study

__all__ = ["Dimension", "Place", "dimensions", "zipped"]

Place = Sequence[float]
"""A share for each dimension."""


class Dimension(NamedTuple):
    """An axis that is free: its column, and how many values it chooses among (None: a range)."""

    name: str
    choices: int | None


def dimensions(study: Study, least: int = 1) -> tuple[Dimension, ...]:
    """The axes with more than one value. Raises UsageError for less than `least`."""
    found = tuple(Dimension(axis.column, axis.choices) for axis in study.axis if axis.choices != 1)
    if len(found) < least:
        raise UsageError(f"study {study.name!r} has {len(found)} axes with more than one value; "
                         f"{least} or more are needed: write range = {{ start, stop, steps }} or "
                         "values in [[axis]]")
    return found


def zipped(study: Study, places: Sequence[Place]) -> Study:
    """The study of these places only, one point each, in this order; compared with nothing."""
    axes, dimension = [], 0
    for axis in study.axis:
        shares = [0.0] * len(places)
        if axis.choices != 1:
            shares = [place[dimension] for place in places]
            dimension += 1
        axes.append(_with_values(axis, shares))
    return study.model_copy(update={"axis": tuple(axes), "combine": "zip", "sample": None,
                                    "reference": {}, "plot": ()})


def _with_values(axis: Axis, shares: Sequence[float]) -> Axis:
    settings = [axis.at(share) for share in shares]
    if axis.case is not None:
        cases = tuple(Case(name=str(name), set=dict(changes)) for name, changes in settings)
        return axis.model_copy(update={"case": cases})  # names may repeat here
    return axis.model_copy(update={"values": tuple(value for value, _ in settings),
                                   "range": None, "random": None})
