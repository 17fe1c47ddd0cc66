"""Measured clock cycles of a block, for the models of smart NICs.

Read from the block's ``timing.toml``, which `rackwright.hdl.measure` writes; checked against the
hash of the RTL, so that cycles of other RTL are never used. Cycles become seconds only with a
clock that the caller names: no block here was placed and routed, every clock is an assumption.

A service time only: the queue in front of a block is the caller's server.
"""

from __future__ import annotations

import math
import os
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from rackwright.errors import InputError, UnknownName, UsageError
from rackwright.hdl.folders import Block, block

__all__ = ["Load", "Timing", "timing"]


class Load(NamedTuple):
    """What one offered load makes of an operation, the sink never pausing.

    `offered` is the chance that an idle source offers a word at a clock; `cycles` are clocks an
    operation, the source's pauses among them; `stalled` is the share of clocks at which the block
    let a word wait.
    """

    operation: str
    offered: float
    cycles: float
    stalled: float


@dataclass(frozen=True)
class Timing:
    """Clock cycles of one geometry of a block."""

    block: str
    geometry: str
    parameters: Mapping[str, int]
    startup_cycles: int                    # from the end of reset to the first operation
    latency_cycles: Mapping[str, int]      # operation -> request taken to response offered
    interval_cycles: Mapping[str, float]   # operation -> between requests, back to back, no stall
    rtl_sha256: str
    simulator: str
    # operation -> (size, cycles from one to the next, back to back), by size
    size_cycles: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    load: tuple[Load, ...] = ()

    def latency_time(self, operation: str, clock_hz: float) -> float:
        """Seconds from request to response of an otherwise idle block."""
        return self._seconds(self.latency_cycles, operation, clock_hz)

    def interval_time(self, operation: str, clock_hz: float) -> float:
        """Seconds that one operation occupies the block: 1 / (sustained rate)."""
        return self._seconds(self.interval_cycles, operation, clock_hz)

    def startup_time(self, clock_hz: float) -> float:
        """Seconds from the end of reset to the first operation."""
        return self.startup_cycles / _clock(clock_hz)  # nonzero: checked by _clock

    def cycles_for(self, operation: str, size: float) -> float:
        """Clocks that one operation of this size occupies the block, back to back.

        On a straight line between the measured sizes. Raises UnknownName, UsageError for a size
        outside what was measured: nothing is extrapolated.
        """
        if operation not in self.size_cycles:
            raise UnknownName(f"operation measured by size of block {self.block}", operation,
                              self.size_cycles)
        points = self.size_cycles[operation]
        sizes = [point[0] for point in points]
        if not sizes[0] <= size <= sizes[-1]:
            raise UsageError(f"{operation} of size {size!r}: block {self.block} ({self.geometry}) "
                             f"was measured from {sizes[0]:g} to {sizes[-1]:g}; nothing is "
                             "extrapolated")
        at = bisect_right(sizes, size)
        if at == len(sizes):
            return points[-1][1]
        (below, low), (above, high) = points[at - 1], points[at]
        return low + (high - low) * (size - below) / (above - below)  # nonzero: sizes rise

    def _seconds(self, cycles: Mapping[str, float], operation: str, clock_hz: float) -> float:
        if operation not in cycles:
            raise UnknownName(f"operation of block {self.block}", operation, cycles)
        return cycles[operation] / _clock(clock_hz)  # nonzero: checked by _clock


def _clock(clock_hz: float) -> float:
    if not (math.isfinite(clock_hz) and clock_hz > 0):
        raise UsageError(f"clock_hz={clock_hz!r}: a clock is a finite number of Hz above 0, "
                         "such as 250e6")
    return clock_hz


def timing(name: str | os.PathLike[str], geometry: str | None = None) -> Timing:
    """The measured cycles of a block (name or path) in one geometry, its first by default.

    Raises UnknownName, and InputError when there is no ``timing.toml`` or the RTL has changed
    since it was written.

    >>> timing("witness_table").interval_cycles["record"]
    1
    """
    what = block(name)
    content = read_timing(what)
    if content["rtl_sha256"] != what.rtl_sha256:
        raise InputError("the RTL has changed since these cycles were measured; run "
                         f"`rackwright hdl characterise {name}`", place=timing_file(what))
    shape = what.geometry(geometry)
    for row in content["geometry"]:
        if row["name"] == shape.name and row["parameters"] == shape.parameters:
            return Timing(what.name, shape.name, shape.parameters, row["startup_cycles"],
                          row["latency_cycles"], row["interval_cycles"], content["rtl_sha256"],
                          content["simulator"], _sizes(row, what),
                          tuple(Load(**one) for one in row.get("load", ())))
    raise InputError(f"no cycles of geometry {shape.name} with {shape.parameters}; run "
                     f"`rackwright hdl characterise {name}`", place=timing_file(what))


def _sizes(row: dict[str, Any], what: Block) -> dict[str, tuple[tuple[float, float], ...]]:
    found = {operation: tuple((size, cycles) for size, cycles in points)
             for operation, points in row.get("size_cycles", {}).items()}
    for operation, points in found.items():
        sizes = [size for size, _ in points]
        if not sizes or any(one >= other for one, other in pairwise(sizes)):
            raise InputError(f"size_cycles of {operation}: the sizes {sizes} must rise",
                             place=timing_file(what))
    return found


def timing_file(what: Block) -> Path:
    """Where the cycles of a block are kept."""
    return what.folder / "timing.toml"


def read_timing(what: Block) -> dict[str, Any]:
    """The content of a block's ``timing.toml``. Raises InputError."""
    place = timing_file(what)
    if not place.is_file():
        raise InputError("this block was never measured; run "
                         f"`rackwright hdl characterise {what.name}`", place=place)
    try:
        content = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InputError(f"cannot be read: {problem}", place=place) from None
    if not {"rtl_sha256", "simulator", "geometry"} <= content.keys():
        raise InputError("not a file that `rackwright hdl characterise` wrote: rtl_sha256, "
                         "simulator or [[geometry]] is missing", place=place)
    return content
