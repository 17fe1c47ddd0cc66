"""Bandwidth over time from files: rows for the flow solver.

Read are Mahimahi link traces (one whole ms timestamp a line: one packet of 1,500 bytes may leave
then; the file repeats) and series of one rate a line in Mbit/s (as `iperf3` logs at 1 Hz), told by
content: whole numbers that never fall are timestamps. Leaves out: the queue of the traced link.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator

from rackwright.errors import InputError, UsageError
from rackwright.topologies.builders.compose import named_edges
from rackwright.topologies.fabric import Fabric
from rackwright.topologies.faults.apply import links_by_ends
from rackwright.units import seconds_to_ps

__all__ = ["bandwidth_changes", "read_bandwidth"]

_PACKET = 1500        # B; what a line of a Mahimahi trace stands for (its documentation)
_MOST_LINES = 5_000_000


def read_bandwidth(path: str | os.PathLike[str], step: float = 1.0) -> list[float]:
    """Bytes/s in steps of `step` seconds, for the span of the file. Raises InputError."""
    if not (math.isfinite(step) and step > 0):
        raise UsageError(f"step is {step!r}; a time in seconds above 0 is needed")
    numbers = list(_numbers(path))
    if not numbers:
        raise InputError("the trace is empty", place=path)
    stamps = all(number.is_integer() for number in numbers) and len(numbers) > 1 and all(
        one <= other for one, other in zip(numbers, numbers[1:], strict=False))
    if not stamps:
        return [number * 1e6 / 8 for number in numbers]
    span = max(numbers[-1] / 1e3, step)
    bins = [0] * math.ceil(span / step)
    for stamp in numbers:
        bins[min(int(stamp / 1e3 / step), len(bins) - 1)] += 1
    return [count * _PACKET / step for count in bins]


def bandwidth_changes(fabric: Fabric, pattern: str, rates: Iterable[float], step: float = 1.0,
                      until: float | None = None) -> list[tuple[int, int, float]]:
    """Rows (time in ps, link, bytes/s) that give every link of `pattern` the `rates` in turn.

    `until`: seconds for which the series is repeated; None for once. Raises UsageError.
    """
    series = [float(rate) for rate in rates]
    if not series or any(not (math.isfinite(rate) and rate >= 0) for rate in series):
        raise UsageError("rates must be finite numbers of bytes/s, 0 or more, and at least one")
    number = links_by_ends(fabric)
    pairs = {(tail, head) for tail, head, _ in named_edges(fabric.graph, pattern)}
    links = sorted(link for pair in pairs for link in number[pair])
    steps = len(series) if until is None else math.ceil(until / step)
    return [(seconds_to_ps(number * step), link, series[number % len(series)])
            for number in range(steps) for link in links]


def _numbers(path: str | os.PathLike[str]) -> Iterator[float]:
    try:
        with open(path, encoding="utf-8") as file:
            for line, text in enumerate(file, 1):
                if line > _MOST_LINES:
                    raise InputError(f"more than {_MOST_LINES} lines", place=path, line=line)
                if not text.strip():
                    continue
                try:
                    number = float(text)
                except ValueError:
                    number = math.nan
                if not (math.isfinite(number) and number >= 0):
                    raise InputError(f"{text.strip()[:40]!r} is neither a rate in Mbit/s nor a "
                                     "timestamp in ms", place=path, line=line)
                yield number
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"cannot be read: {problem}", place=path) from None
