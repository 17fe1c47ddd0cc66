"""Seeded generator of query traces: templates at another scale, arriving through a day.

`generate_queries` draws queries from the templates of a trace (ours: `tpch_templates`, TPC-H's 22
queries measured in DuckDB at scale factor 0.1), multiplies their rows, bytes and work by the ratio
of the scales, and lets them arrive as a Poisson process whose rate goes up and down once in
`period_time`. **Linear scaling, the arrivals and the mix are stand-ins of ours**: sorts and hash
tables beyond caches grow faster than that, and no day of a warehouse is published with operators.

Leaves out: concurrency limits of an engine, repeated queries, skew. Units: seconds, bytes.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.traces.queries import MAX_AMOUNT, QueryTrace
from rackwright.traces.queries_file import read_queries

__all__ = ["TEMPLATE_SCALE", "generate_queries", "tpch_templates"]

TEMPLATE_SCALE = 0.1      # scale factor at which the packaged templates were measured
_FOLDER = Path(__file__).parent / "measured"
_MOST = 5_000_000         # operators


def tpch_templates() -> QueryTrace:
    """The 22 queries of TPC-H, measured by us; see the comments of the file."""
    return read_queries(_FOLDER / "tpch_sf0.1.csv")


def generate_queries(rate_per_s: float, queries: int, scale: float = 100.0,
                     templates: QueryTrace | None = None, swing: float = 0.0,
                     period_time: float = 86400.0, seed: int = 0, name: str = "queries"
                     ) -> QueryTrace:
    """`queries` queries at a mean of `rate_per_s`, each a template drawn uniformly.

    `scale`: TPC-H scale factor (`templates`: multiple of them instead). `swing`, 0 to below 1: the
    rate is ``rate_per_s x (1 - swing cos(2 pi t / period_time))``. The trace's `source` states
    every parameter. Raises UsageError on what cannot be generated.
    """
    base = tpch_templates() if templates is None else templates
    factor = scale / TEMPLATE_SCALE if templates is None else scale
    _check(rate_per_s, queries, scale, swing, period_time, seed)
    arrivals, mix = (np.random.default_rng(child)
                     for child in np.random.SeedSequence(seed).spawn(2))
    times = _arrivals(rate_per_s, queries, swing, period_time, arrivals)
    drawn = mix.integers(0, base.queries, queries)
    starts, ends = base.offsets[drawn], base.offsets[drawn + 1]
    counts = ends - starts
    if int(counts.sum()) > _MOST:
        raise UsageError(f"{queries} queries have {int(counts.sum())} operators: at most {_MOST}")
    first = np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(starts, counts) + np.arange(int(counts.sum())) - first
    query = np.repeat(np.arange(queries, dtype=np.int64), counts)

    def scaled(name: str) -> npt.NDArray[np.int64]:
        found = np.rint(getattr(base, name) * factor)
        if found.max(initial=0) > MAX_AMOUNT:
            raise UsageError(f"scale = {scale}: {name} passes {MAX_AMOUNT}; take a lower scale")
        return np.asarray(found[rows], np.int64)

    return QueryTrace(
        query, tuple(base.template[row] for row in rows.tolist()), times[query],
        base.stage[rows], tuple(base.operator[row] for row in rows.tolist()), base.kind[rows],
        scaled("rows_in"), scaled("rows_out"), scaled("bytes_in"), scaled("bytes_out"),
        base.core_seconds[rows] * factor, name,
        f"generate_queries: {queries} queries, Poisson {float(rate_per_s)!r}/s, swing "
        f"{float(swing)!r} in {float(period_time)!r} s (stand-ins); templates {base.name} x "
        f"{float(factor)!r}; seed {seed}")


def _check(rate_per_s: float, queries: int, scale: float, swing: float, period_time: float,
           seed: int) -> None:
    if not 0 < rate_per_s < math.inf:
        raise UsageError(f"rate_per_s = {rate_per_s}: expected a finite rate above 0")
    if queries < 1:
        raise UsageError(f"queries = {queries}: expected 1 or more")
    if not 0 < scale < math.inf:
        raise UsageError(f"scale = {scale}: expected a finite number above 0")
    if not 0 <= swing < 1:
        raise UsageError(f"swing = {swing}: expected 0 to below 1")
    if not 0 < period_time < math.inf:
        raise UsageError(f"period_time = {period_time}: expected seconds above 0")
    if seed < 0:
        raise UsageError(f"seed = {seed}: expected a whole number from 0")


def _arrivals(rate_per_s: float, queries: int, swing: float, period: float,
              stream: np.random.Generator) -> npt.NDArray[np.float64]:
    """Arrivals of the changing rate: those of rate 1, mapped through its integral (bisection)."""
    unit = np.cumsum(stream.standard_exponential(queries)) / rate_per_s
    if swing == 0:
        return np.asarray(unit, np.float64)
    low, high = unit - period, unit + period
    for _ in range(64):
        middle = (low + high) / 2
        passed = middle - swing * period / (2 * math.pi) * np.sin(2 * math.pi * middle / period)
        low, high = np.where(passed < unit, middle, low), np.where(passed < unit, high, middle)
    return np.asarray(np.maximum.accumulate(np.maximum(high, 0.0)), np.float64)
