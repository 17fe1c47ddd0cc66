"""Cost tables: how a vectorised cost method of a device gets into a compiled kernel.

A `CostTable1` holds a service time by one integer n (tokens, rows, bytes), a `CostTable2` by an
integer n and a non-negative number y (batch and mean context, say). Both are exact at every
integer n from 0 to a stated size E and interpolated linearly between grid points beyond; y is
interpolated linearly everywhere. The builders measure the largest relative error of the
interpolation and return it. Values are rounded once, to int64 picoseconds.

Leaving the range gives -1, never an extrapolation: the caller turns it into a FAULT.

Left out: whatever contends (SMs shared by streams, HBM, queues) is a server, port or flow of
the engine. A table is a service time only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = [
    "CostTable1",
    "CostTable2",
    "build_table1",
    "build_table2",
    "content_hash",
    "table1_ps",
    "table2_ps",
]

Ints = npt.NDArray[np.int64]
PS_PER_SECOND = 1e12
LARGEST_PS = 2 ** 53            # the largest count that float64 interpolates exactly: 2.5 hours
CHECK_EVERY = 1 << 16           # ranges up to this many integers are checked at each of them


class CostTable1(NamedTuple):
    """Picoseconds by n: `exact_ps[n]` up to E, then linear between the points of `grid`.

    `grid` is strictly ascending and starts at E; its last entry is the maximum.
    """

    exact_ps: Ints              # (E + 1,)
    grid: Ints                  # (G,)
    grid_ps: Ints               # (G,)


class CostTable2(NamedTuple):
    """Picoseconds by n and y; `y_grid` is strictly ascending and starts at 0."""

    exact_ps: Ints              # (E + 1, Y)
    grid: Ints                  # (G,)
    grid_ps: Ints               # (G, Y)
    y_grid: Ints                # (Y,)


@kernel
def bracket(grid, x):  # type: ignore[no-untyped-def]
    """Index i with grid[i] <= x <= grid[i + 1]; x lies within the grid, of two points or more."""
    low, high = 0, len(grid) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if grid[middle] <= x:
            low = middle
        else:
            high = middle
    return low


@kernel
def table1_ps(table, n):  # type: ignore[no-untyped-def]
    """Picoseconds for `n`, or -1 outside the table's range."""
    exact = len(table.exact_ps) - 1
    if n < 0 or n > table.grid[len(table.grid) - 1]:
        return np.int64(-1)
    if n <= exact:
        return table.exact_ps[n]
    i = bracket(table.grid, n)
    x0, x1 = table.grid[i], table.grid[i + 1]
    share = (n - x0) / (x1 - x0)  # nonzero: the grid is strictly ascending
    p0, p1 = table.grid_ps[i], table.grid_ps[i + 1]
    return np.int64(p0 + (p1 - p0) * share + 0.5)


@kernel
def table2_ps(table, n, y):  # type: ignore[no-untyped-def]
    """Picoseconds for integer `n` and number `y`, or -1 outside the table's range."""
    points = len(table.y_grid)
    # written so that a NaN fails it
    inside = n >= 0 and n <= table.grid[len(table.grid) - 1] \
        and y >= 0 and y <= table.y_grid[points - 1]
    if not inside:
        return np.int64(-1)
    j = bracket(table.y_grid, y)
    y0, y1 = table.y_grid[j], table.y_grid[j + 1]
    along = (y - y0) / (y1 - y0)  # nonzero: the grid is strictly ascending
    if n < len(table.exact_ps):
        p0, p1 = table.exact_ps[n, j], table.exact_ps[n, j + 1]
        return np.int64(p0 + (p1 - p0) * along + 0.5)
    i = bracket(table.grid, n)
    x0, x1 = table.grid[i], table.grid[i + 1]
    share = (n - x0) / (x1 - x0)  # nonzero: the grid is strictly ascending
    a0, a1 = table.grid_ps[i, j], table.grid_ps[i, j + 1]
    b0, b1 = table.grid_ps[i + 1, j], table.grid_ps[i + 1, j + 1]
    low, high = a0 + (a1 - a0) * along, b0 + (b1 - b0) * along
    return np.int64(low + (high - low) * share + 0.5)


def build_table1(seconds: Callable[[Ints], Any], exact_up_to: int, maximum: int,
                 per_octave: int = 16) -> tuple[CostTable1, float]:
    """A table of `seconds(n)` and the largest relative error of its interpolation.

    `seconds` takes an int64 array and returns seconds of that shape. The error is measured at
    every integer when the interpolated range has no more than 65,536, else at five points of
    each interval, its ends' neighbours among them. Raises `UsageError` for a negative,
    non-finite or too large time, or a range that makes no sense.

    >>> table, error = build_table1(lambda n: 2e-6 + n * 1e-9, 8, 1000)
    >>> int(table1_ps(table, 3)), int(table1_ps(table, 999)), int(table1_ps(table, 1001))
    (2003000, 2999000, -1)
    >>> error < 1e-6
    True
    """
    grid = _grid(exact_up_to, maximum, per_octave)
    exact = np.arange(exact_up_to + 1, dtype=np.int64)
    table = CostTable1(_ps(seconds, exact), grid, _ps(seconds, grid))
    probe = _probes(grid)
    return table, _error(_look1(table, probe), _ps(seconds, probe))


def build_table2(seconds: Callable[[Ints, Ints], Any], exact_up_to: int, maximum: int,
                 y_maximum: int, per_octave: int = 4, y_per_octave: int = 8
                 ) -> tuple[CostTable2, float]:
    """A table of `seconds(n, y)` and the largest relative error of its interpolation.

    `seconds` takes two int64 arrays that broadcast. The grid of y is 0, 1, 2, ... thinning out
    geometrically to `y_maximum`. The error is measured between grid points in both directions
    (every n up to E with the probes of y, and the probes of n with those of y). Raises
    `UsageError` as `build_table1` does.
    """
    grid = _grid(exact_up_to, maximum, per_octave)
    y_grid = np.concatenate([np.zeros(1, np.int64), _grid(1, max(y_maximum, 1), y_per_octave)])
    exact = np.arange(exact_up_to + 1, dtype=np.int64)
    table = CostTable2(_ps(seconds, exact[:, None], y_grid), grid,
                       _ps(seconds, grid[:, None], y_grid), y_grid)
    y_probe = _probes(y_grid, 0)
    errors = [0.0]
    for n in (exact, _probes(grid, 0)):
        if len(n) and len(y_probe):
            errors.append(_error(_look2(table, n, y_probe),
                                 _ps(seconds, n[:, None], y_probe)))
    return table, max(errors)


def content_hash(table: CostTable1 | CostTable2) -> str:
    """SHA-256 (hex) of the kind of table and of the bytes of its arrays."""
    digest = hashlib.sha256(type(table).__name__.encode())
    for name, array in zip(table._fields, table, strict=True):
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _grid(first: int, last: int, per_octave: int) -> Ints:
    """Integers from `first` to `last`, about `per_octave` for each doubling."""
    if first < 0 or last < first or per_octave < 1:
        raise UsageError(f"cost table from {first} to {last} with {per_octave} points per octave: "
                         "need 0 <= exact_up_to <= maximum and per_octave >= 1")
    points, x = [first], first
    while x < last:
        # powers by repeated multiplication would drift; a rounded ratio of integers does not
        x = max(x + 1, min(last, round(x * 2 ** (1 / per_octave))))
        points.append(x)
    return np.array(points, np.int64)


def _probes(grid: Ints, every: int = CHECK_EVERY) -> Ints:
    """Where an interpolation over `grid` is checked; never at its own points alone."""
    low, high = grid[:-1], grid[1:]
    if len(grid) > 1 and grid[-1] - grid[0] <= every:
        return np.arange(grid[0], grid[-1] + 1, dtype=np.int64)
    step = high - low
    points = np.concatenate([low + 1, low + step // 4, low + step // 2, low + 3 * step // 4,
                             high - 1])
    return np.unique(points)


def _ps(seconds: Callable[..., Any], *axes: Ints) -> Ints:
    shape = np.broadcast_shapes(*(axis.shape for axis in axes))
    ps = np.broadcast_to(np.asarray(seconds(*axes), np.float64), shape) * PS_PER_SECOND
    wrong = ~((ps >= 0) & (ps < LARGEST_PS))
    if wrong.any():
        where = tuple(int(np.broadcast_to(axis, shape)[wrong][0]) for axis in axes)
        raise UsageError(f"cost of {where} is {ps[wrong][0] / PS_PER_SECOND} s; a cost table takes "
                         f"0 to {LARGEST_PS / PS_PER_SECOND:.0f} s")
    return np.rint(ps).astype(np.int64)


def _error(looked_up: Ints, true: Ints) -> float:
    if not true.size:
        return 0.0
    return float(np.max(np.abs(looked_up - true) / np.maximum(true, 1)))


def _between(grid: Ints, x: Ints) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    i = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, len(grid) - 2)
    return i, (x - grid[i]) / (grid[i + 1] - grid[i])


def _look1(table: CostTable1, n: Ints) -> Ints:
    """`table1_ps` over an array beyond E, without compiling anything."""
    if not len(n):
        return n
    i, share = _between(table.grid, n)
    p0, p1 = table.grid_ps[i], table.grid_ps[i + 1]
    return (p0 + (p1 - p0) * share + 0.5).astype(np.int64)


def _look2(table: CostTable2, n: Ints, y: Ints) -> Ints:
    """`table2_ps` over an outer product of n (all within E, or all beyond) and y."""
    j, along = _between(table.y_grid, y)
    if n[-1] < len(table.exact_ps):
        p0, p1 = table.exact_ps[n][:, j], table.exact_ps[n][:, j + 1]
        return (p0 + (p1 - p0) * along + 0.5).astype(np.int64)
    i, share = _between(table.grid, n)
    a, b = table.grid_ps[i], table.grid_ps[i + 1]
    low = a[:, j] + (a[:, j + 1] - a[:, j]) * along
    high = b[:, j] + (b[:, j + 1] - b[:, j]) * along
    return (low + (high - low) * share[:, None] + 0.5).astype(np.int64)
