"""Transactions that wait at a site for its next block, and when the site looks at them.

`arrived` says how many bytes of transactions have come to each site by every step of a fine grid:
evenly, or by a seeded Poisson process of whole transactions. A site proposes when enough is queued
or some time has passed since it last did. A block that lost (HB) goes back to the front of the
queue, since its transactions are the oldest. Kernels over `Pool`. Units: ps, bytes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.engine.rng import stream
from rackwright.models.dispersedledger.tables import Rules
from rackwright.models.dispersedledger.world import COPIES, EPOCH, HB, PROPOSED

__all__ = ["Pool", "is_due", "new_pool", "take_block"]

TRANSACTION = 250      # bytes (public implementation)
MOST_ROWS = 1 << 17

Floats = npt.NDArray[np.float64]


class Pool(NamedTuple):
    arrived: Floats        # (rows, N) bytes by the end of each row
    row_ps: npt.NDArray[np.int64]    # (2,): of a row; longest wait before a look
    limits: Floats         # (3,): load bytes/s, bytes that make a site propose, largest block
    taken: Floats          # (N,) bytes proposed so far
    looked_ps: npt.NDArray[np.int64]  # (N,): when the site last proposed


def new_pool(rules: Rules, duration: float, poisson: bool, seed: int) -> Pool:
    """Queues for `duration` seconds; the draws of a site depend on the seed and its number."""
    row = max(1e-3, duration / MOST_ROWS)
    rows, n = int(duration / row) + 2, rules.nodes
    if poisson:
        draws = [stream(seed, f"transactions/{site}").poisson(
            rules.load * row / TRANSACTION, rows) for site in range(n)]
        arrived = np.cumsum(np.array(draws, np.float64).T * TRANSACTION, axis=0)
    else:
        arrived = np.repeat(np.arange(1, rows + 1)[:, np.newaxis] * row * rules.load, n, axis=1)
    return Pool(np.ascontiguousarray(arrived),
                np.array([round(row * 1e12), round(rules.propose_time * 1e12)], np.int64),
                np.array([rules.load, rules.propose_bytes, rules.block]), np.zeros(n),
                np.full(n, -round(rules.propose_time * 1e12) - 1, np.int64))


@kernel
def queued(pool, node, now):  # type: ignore[no-untyped-def]
    """Bytes that have come and are in no block."""
    row = min(now // pool.row_ps[0], pool.arrived.shape[0]) - 1  # nonzero: a row has a length
    return (pool.arrived[row, node] if row >= 0 else 0.0) - pool.taken[node]


@kernel
def is_due(pool, node, now):  # type: ignore[no-untyped-def]
    """True if the site may propose."""
    if now >= pool.looked_ps[node] + pool.row_ps[1]:
        return True
    return pool.limits[0] > 0.0 and queued(pool, node, now) >= pool.limits[1]


@kernel
def came(pool, node, nbytes):  # type: ignore[no-untyped-def]
    """Seconds at which the site's queue had got `nbytes` in all."""
    low, high = 0, pool.arrived.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if pool.arrived[middle, node] >= nbytes:
            high = middle
        else:
            low = middle + 1
    return (low + 0.5) * pool.row_ps[0] * 1e-12


@kernel
def put_back(w, pool, t, node, epoch):  # type: ignore[no-untyped-def]
    """If the node proposes a lost block again, its bytes are in the queue again."""
    first = w.ledger.own[node, epoch, PROPOSED]
    for before in range(epoch - 1, -1, -1):
        if w.ledger.own[node, before, PROPOSED] == first and t.born[before, node, 0] >= 0.0:
            pool.taken[node] -= t.nbytes[before, node]
            t.born[before, node, 0], t.born[before, node, 1] = -1.0, -1.0
            return


@kernel
def take_block(w, pool, t, node, now):  # type: ignore[no-untyped-def]
    """What the site's newest block holds; notes it in the tables."""
    epoch = w.ledger.node[node, EPOCH]
    pool.looked_ps[node] = now
    t.proposed[epoch, node] = now * 1e-12
    amount = pool.limits[2]
    if pool.limits[0] > 0.0:
        if w.plan.variant == HB and w.role[node] != COPIES:
            put_back(w, pool, t, node, epoch)
        amount = min(max(queued(pool, node, now), 0.0), amount)
    if w.ledger.own[node, epoch, PROPOSED] < 0:
        amount = 0.0
    if pool.limits[0] > 0.0:
        t.born[epoch, node, 0] = came(pool, node, pool.taken[node] + 1.0)
        pool.taken[node] += amount
        t.born[epoch, node, 1] = came(pool, node, pool.taken[node])
    t.nbytes[epoch, node] = amount
