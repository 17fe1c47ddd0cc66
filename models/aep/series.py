"""Curves of an AEP replay for a person to look at: queues over time, steps by size of their batch.

Queues: the mean over the GPUs of a side (attention, its sampler, experts; parts of tokens) in 64
bins of the span of the arrivals, from looks taken twice a bin. `running_requests` is over the same
bins. Batches: steps whose batch has from x to under 2x tokens, exact, over the whole replay.
Percentiles and means stand in the metrics.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.models.aep.watch import Watch
from rackwright.models.outcome import Series
from rackwright.models.serving.snapshots import ACTIVE, Snapshots

__all__ = ["LOOKS_A_BIN", "batch_series", "queue_series", "running_series"]

LOOKS_A_BIN = 2
KINDS = ("attention", "expert", "sampler")

Floats = npt.NDArray[np.float64]


def batch_series(watch: Watch) -> dict[str, Series]:
    """`<kind>_batch_steps` by `batch_tokens`, in bins of powers of two; none without steps."""
    found = {}
    for kind, counts in zip(KINDS, watch.batches, strict=True):
        last = int(np.flatnonzero(counts)[-1]) if counts.any() else 0
        edges = [1 << power for power in range(last.bit_length())]
        if edges:
            steps = np.add.reduceat(counts[:2 * edges[-1]], edges)
            found[f"{kind}_batch_steps"] = Series("batch_tokens", tuple(map(float, edges)),
                                                  tuple(steps.astype(float).tolist()))
    return found


def queue_series(attention: int, watch: Watch, snapshots: Snapshots) -> dict[str, Series]:
    """`<kind>_queue_tokens` by `time_s`: what waits at a GPU on average."""
    queued = watch.queued[:int(watch.taken[0])]
    sides = (queued[:, 0, :attention], queued[:, 0, attention:], queued[:, 1, :attention])
    found = {}
    for kind, rows in zip(KINDS, sides, strict=True):
        if rows.size:
            found[f"{kind}_queue_tokens"] = _over_time(
                np.asarray(rows.mean(axis=1), np.float64), snapshots)
    return found


def running_series(snapshots: Snapshots) -> dict[str, Series]:
    """`running_requests` by `time_s`: admitted and not finished."""
    taken = int(snapshots.taken[0])
    if taken < LOOKS_A_BIN:
        return {}
    return {"running_requests": _over_time(
        snapshots.counts[:taken, ACTIVE].astype(np.float64), snapshots)}


def _over_time(values: Floats, snapshots: Snapshots) -> Series:
    """Means of bins, each at the middle of its looks; an interrupted replay has fewer bins."""
    bins = len(values) // LOOKS_A_BIN

    def binned(each: Floats) -> tuple[float, ...]:
        return tuple(each[:bins * LOOKS_A_BIN].reshape(bins, LOOKS_A_BIN).mean(axis=1).tolist())

    since = (snapshots.time_ps[:len(values)] - snapshots.time_ps[0]) * 1e-12
    return Series("time_s", binned(since), binned(values))
