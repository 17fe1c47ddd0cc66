"""`fit_routing`: the skew of each layer and its bond to the layer above, from a routing trace.

Ranks are those of the visits (all choices). A layer's skew is the most likely one of the first
choices, whose mean rank is all that counts for it; its coupling is how much more often than by
chance a token's first choice has the rank of its first choice in the layer above.

How far off: sorting noise makes a flat layer look skewed, by about one standard deviation of a
count between neighbours: give some thousand tokens a layer (`tests/traces/test_routing_fit.py`
recovers skews of 0.6 to 0.95 within 0.01 from 20,000). A law that is not exponential is fitted all
the same: compare `RoutingTrace.load`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.routing_fitted import FittedRouting
from rackwright.traces.routing_trace import RoutingTrace

__all__ = ["fit_routing"]

HALVINGS = 60
Ints = npt.NDArray[np.int64]


def fit_routing(trace: RoutingTrace, seed: int = 0) -> FittedRouting:
    """A generator with the trace's skews and couplings; every layer must have rows.

    Raises TraceError for a layer without rows.
    """
    empty = np.flatnonzero(trace.load.sum(axis=1) == 0)
    if len(empty):
        raise TraceError(f"layer {empty[0]} has no rows, so nothing can be fitted to it; number "
                         "the layers that have experts from 0")
    order = np.argsort(-trace.load, axis=1, kind="stable")
    ranks = np.argsort(order, axis=1, kind="stable").astype(np.int64)
    first = ranks[trace.layer, trace.expert_ids[:, 0]]
    counts = np.zeros((trace.layers, trace.n_experts), np.int64)
    np.add.at(counts, (trace.layer, first), 1)
    skews = np.array([_skew(row) for row in counts])
    shares = counts / counts.sum(axis=1, keepdims=True)
    couplings = _couplings(trace, first, shares)
    return FittedRouting(ranks, skews, couplings, trace.top_k, seed,
                         f"fitted to {len(trace)} rows (sha256 {trace.content_hash[:12]})")


def _skew(counts: Ints) -> float:
    """The skew whose mean rank is that of `counts` (by rank), in (0, 1], by halving."""
    rank = np.arange(len(counts))
    mean = float((counts * rank).sum() / counts.sum())
    low, high = 1e-9, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        shares = middle ** rank
        if float((shares * rank).sum() / shares.sum()) < mean:
            low = middle
        else:
            high = middle
    return high


def _couplings(trace: RoutingTrace, first: Ints, shares: npt.NDArray[np.float64]
               ) -> npt.NDArray[np.float64]:
    """By layer: excess of equal ranks in successive layers of a token over chance, 0 to 1."""
    order = np.lexsort((trace.layer, trace.token, trace.request))
    request, token, layer, rank = (column[order] for column in (trace.request, trace.token,
                                                                trace.layer, first))
    follows = (np.diff(request) == 0) & (np.diff(token) == 0) & (np.diff(layer) == 1)
    below, same = layer[1:][follows], (np.diff(rank) == 0)[follows]
    pairs = np.bincount(below, minlength=trace.layers)
    equal = np.bincount(below[same], minlength=trace.layers)
    found = np.zeros(trace.layers)
    for number in range(1, trace.layers):
        chance = float((shares[number] * shares[number - 1]).sum())
        if pairs[number] and chance < 1:
            found[number] = (equal[number] / pairs[number] - chance) / (1 - chance)
    return np.clip(found, 0.0, 1.0)
