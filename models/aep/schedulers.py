"""Which queue a GPU drains next: defragging, most tokens first, first layer first.

Each looks at the lengths of one GPU's queues, `length[block, slot]` (slots are the experts that
the GPU hosts; an attention GPU has one slot and its sampler as the last block), and returns
block * slots + slot, or -1 when all are empty. Ties go to the lowest index.

Source: Algorithm 1 and section 4 of arXiv 2505.08944. The look-back term of the public code and
its grouped policies are left out.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["DEFRAG", "FLFS", "MTFS", "POLICIES", "pick_queue"]

DEFRAG, MTFS, FLFS = 0, 1, 2
POLICIES = {"defrag": DEFRAG, "mtfs": MTFS, "flfs": FLFS}


@kernel
def look_ahead_load(block_length, block, blocks, hosted, decay, look_ahead):  # type: ignore[no-untyped-def]
    """L(b): decayed mean length of the queues of the blocks that follow, round the ring."""
    load = 0.0
    at = block
    for k in range(1, look_ahead + 1):
        at += 1
        if at == blocks:
            at = 0
        # nonzero: a GPU hosts at least one expert
        load += decay[k] * (block_length[at] / hosted)
    return load


@kernel
def pick_queue(policy, length, block_length, blocks, hosted, decay, look_ahead):  # type: ignore[no-untyped-def]
    """The queue to drain next under `policy`; see the module's text."""
    slots = length.shape[1]
    best, best_score = -1, 0.0
    for block in range(blocks):
        if block_length[block] == 0:
            continue
        load = 0.0
        if policy == DEFRAG:
            load = look_ahead_load(block_length, block, blocks, hosted, decay, look_ahead)
        for slot in range(hosted):
            waiting = length[block, slot]
            if waiting == 0:
                continue
            if policy == FLFS:
                return block * slots + slot
            score = load + waiting
            if score > best_score:
                best, best_score = block * slots + slot, score
    return best
