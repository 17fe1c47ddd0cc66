"""Metrics of replays of queries: latencies, how long it took, how busy it all was.

What a state needs: `control`, and `queries` with `arrival_ps`, `finish_ps` (negative: not
answered) and `issued`. Units: seconds, shares 0..1 of the whole replay.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rackwright.engine.status import Control

__all__ = ["Queries", "QueryState", "busy_shares", "elapsed_time", "latencies", "put_latencies"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
PERCENTILES = (0.5, 0.9, 0.99)
_PS = 1e-12


class Queries(Protocol):
    """Fields of a state's queries."""

    @property
    def arrival_ps(self) -> Ints: ...
    @property
    def finish_ps(self) -> Ints: ...
    @property
    def issued(self) -> Ints: ...


class QueryState(Protocol):
    """Fields of a state."""

    @property
    def control(self) -> Control: ...
    @property
    def queries(self) -> Queries: ...


def latencies(queries: Queries) -> Floats:
    """Seconds of each query that has ended."""
    ended = queries.finish_ps >= 0
    return np.asarray((queries.finish_ps - queries.arrival_ps)[ended] * _PS, np.float64)


def put_latencies(metrics: dict[str, float], undefined: dict[str, str], queries: Queries) -> None:
    """Mean and percentiles of what has ended."""
    latency = latencies(queries)
    for name, share in [("latency_mean_s", None), *((f"latency_p{p * 100:.0f}_s", p)
                                                    for p in PERCENTILES)]:
        if not len(latency):
            undefined[name] = "no query was answered"
        elif share is None:
            metrics[name] = float(np.mean(latency))
        else:
            metrics[name] = float(np.quantile(latency, share, method="inverted_cdf"))


def elapsed_time(state: QueryState) -> float:
    """Seconds from the first arrival to now."""
    now_ps = int(state.control.now_ps[0])
    start_ps = int(state.queries.arrival_ps[0]) if state.queries.issued[0] else now_ps
    return (now_ps - start_ps) * _PS


def busy_shares(busy: Any, seconds: float) -> Any:
    """Of busy seconds; what is still under way at the end counts as done."""
    return np.minimum(np.asarray(busy, np.float64) / max(seconds, 1e-12), 1.0)
