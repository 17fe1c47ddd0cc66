"""A histogram of int64 values with bounded relative error, for percentiles of long replays.

Buckets are exact below 2**7 and then 128 to an octave, so a bucket is at most 1/128 of its value
wide and a percentile is off by at most 0.4 %. Memory is fixed: `HIST_BUCKETS` counters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["HIST_BUCKETS", "hist_add", "hist_percentile", "new_histogram"]

SUB_BITS = 7
SUB = 1 << SUB_BITS
HIST_BUCKETS = (64 - SUB_BITS) * SUB


def new_histogram() -> npt.NDArray[np.int64]:
    return np.zeros(HIST_BUCKETS, np.int64)


@kernel
def hist_add(counts, value, weight):  # type: ignore[no-untyped-def]
    """Count `value` (>= 0) `weight` times."""
    shift = 0
    rest = value
    while rest >= (SUB << 8):
        rest >>= 8
        shift += 8
    while rest >= 2 * SUB:
        rest >>= 1
        shift += 1
    # `rest` is below SUB only for small values, and they have buckets of their own
    counts[shift * SUB + rest] += weight


def hist_percentile(counts: npt.NDArray[np.int64], share: float) -> float:
    """The value below which `share` (0..1) of the counted values lie; NaN when empty."""
    total = int(counts.sum())
    if total == 0:
        return float("nan")
    rank = min(max(int(np.ceil(share * total)), 1), total)
    bucket = int(np.searchsorted(np.cumsum(counts), rank))
    if bucket < 2 * SUB:
        return float(bucket)
    shift, rest = bucket // SUB - 1, bucket % SUB + SUB
    return float((rest << shift) + (((1 << shift) - 1) / 2))
