"""Spans recorded inside kernels, with bounded memory: what ran where, from when to when.

A log has a fixed cap. Spans beyond it are counted, not kept, so that a long replay cannot
exhaust memory and the reader can say how much is missing; a cap of 0 records nothing. `track`
and `label` are codes of the caller's choosing (a device, an operation), `amount` is whatever
the span is about (bytes, tokens, requests). Times are int64 picoseconds.

Not done here: names, nesting, files; a report turns codes into text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["SpanLog", "new_span_log", "span_add", "span_kept", "span_lost"]


class SpanLog(NamedTuple):
    """Parallel arrays, one entry a span; the first ``min(count, cap)`` of them are filled."""

    track: npt.NDArray[np.int32]
    label: npt.NDArray[np.int32]
    start_ps: npt.NDArray[np.int64]
    end_ps: npt.NDArray[np.int64]
    amount: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]    # type: ignore[assignment]  # (1,): spans offered, kept or not


def new_span_log(cap: int) -> SpanLog:
    """An empty log that keeps the first `cap` spans; 0 turns recording off.

    Raises `UsageError` for a negative cap.
    """
    if cap < 0:
        raise UsageError(f"a span log cannot keep {cap} spans; 0 turns recording off")
    return SpanLog(np.zeros(cap, np.int32), np.zeros(cap, np.int32), np.zeros(cap, np.int64),
                   np.zeros(cap, np.int64), np.zeros(cap, np.int64), np.zeros(1, np.int64))


@kernel
def span_add(log, track, label, start_ps, end_ps, amount):  # type: ignore[no-untyped-def]
    """Record one span, or only count it when the log is full."""
    at = log.count[0]
    log.count[0] = at + 1
    if at < log.track.shape[0]:
        log.track[at] = track
        log.label[at] = label
        log.start_ps[at] = start_ps
        log.end_ps[at] = end_ps
        log.amount[at] = amount


def span_kept(log: SpanLog) -> int:
    """Spans that are in the log."""
    return min(int(log.count[0]), len(log.track))


def span_lost(log: SpanLog) -> int:
    """Spans that came after the log was full."""
    return int(log.count[0]) - span_kept(log)
