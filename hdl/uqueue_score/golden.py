"""Golden of the micro-queue scorer: AEP's choice of the next queue in fixed point, as kernels.

The score of a queue is its length plus a decayed sum of the mean lengths of the blocks that follow,
round the ring (algorithm 1 of arXiv 2505.08944): load(b) = sum over k = 1..look_ahead of
decay**k mean(b + k). Eight bits of fraction; the sum is made from its far end,
load = (load + mean) * decay / 256, each time with what is below the fraction cut off. Modes:
defrag, most tokens first (no load), first layer first. Queues of length 0 are never picked; of
equal scores the first one wins.

The scheduler of the AEP model does the same in floating point (`models/aep/schedulers.py`); a test
holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["DEFRAG", "FIRST", "FRACTION", "MOST", "Queues", "fixed_load", "fixed_pick",
           "new_queues"]

DEFRAG, MOST, FIRST = 0, 1, 2
FRACTION = 256


class Queues(NamedTuple):
    """Lengths of one GPU's queues; `new_queues` makes it."""

    length: npt.NDArray[np.int64]  # shape (blocks, slots)
    best: npt.NDArray[np.int64]    # shape (4,): block, slot, length, score of the last pick


def new_queues(blocks: int, slots: int) -> Queues:
    """Empty queues. Raises UsageError unless `slots` is a power of two."""
    if blocks < 1 or slots < 1 or slots & (slots - 1):
        raise UsageError(f"queues of blocks={blocks}, slots={slots}: blocks must be at least 1, "
                         "slots a power of two")
    return Queues(np.zeros((blocks, slots), np.int64), np.zeros(4, np.int64))


@kernel
def fixed_load(q, block, look_ahead, decay):  # type: ignore[no-untyped-def]
    """What the blocks after `block` add to its score, times `FRACTION`; `decay` of 256."""
    blocks, slots = q.length.shape
    load = 0
    for k in range(look_ahead, 0, -1):
        # nonzero: there is at least one block
        ahead = (block + k) % blocks
        total = 0
        for slot in range(slots):
            total += q.length[ahead, slot]
        # nonzero: there is at least one slot, and a power of two of them
        load = ((load + total * 256 // slots) * decay) >> 8
    return load


@kernel
def fixed_pick(q, mode, look_ahead, decay):  # type: ignore[no-untyped-def]
    """Choose a queue: 1, and where it is in `q.best`; 0 if all are empty."""
    found = 0
    for block in range(q.length.shape[0]):
        best_slot, best_length = -1, 0
        for slot in range(q.length.shape[1]):
            length = q.length[block, slot]
            if length > best_length and (mode != FIRST or best_slot < 0):
                best_slot, best_length = slot, length
        if best_slot < 0:
            continue
        score = best_length * 256
        if mode == DEFRAG:
            score += fixed_load(q, block, look_ahead, decay)
        if found == 0 or (mode != FIRST and score > q.best[3]):
            found = 1
            q.best[0] = block
            q.best[1] = best_slot
            q.best[2] = best_length
            q.best[3] = score
    return found
