"""From a kernel's log of spans to those of an `Outcome`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rackwright.engine.record import SpanLog, span_kept, span_lost
from rackwright.models.outcome import Spans

__all__ = ["spans_of"]


def spans_of(log: SpanLog, tracks: Sequence[str], labels: Sequence[str]) -> Spans:
    """The spans kept, in start order; `tracks` and `labels` are what the log's numbers stand for.
    """
    kept = span_kept(log)
    order = np.argsort(log.start_ps[:kept], kind="stable")
    return Spans(tuple(tracks), tuple(labels), log.track[:kept][order], log.label[:kept][order],
                 log.start_ps[:kept][order], log.end_ps[:kept][order], log.amount[:kept][order],
                 span_lost(log))
