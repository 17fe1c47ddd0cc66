"""Which queue a GPU drains next: defragging, most tokens, first layer, largest group first.

Each looks at the lengths of one GPU's queues, `length[block, slot]` (slots are the experts that
the GPU hosts; an attention GPU has one slot and its sampler as the last block), and returns
block * slots + slot, or -1 when all are empty. Ties go to the lowest index.

`group` takes runs of `group_blocks` blocks: the run with most tokens, in it the first layer; with
one expert a GPU, groups of one block are most tokens first, a group of all is first layer first.

Source: Algorithm 1 and section 4 of arXiv 2505.08944; groups: its public code. Left out of that
code: the look-back term, most batches first, the policy that holds steps back.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["DEFRAG", "FLFS", "GROUP", "MTFS", "POLICIES", "pick_queue"]

DEFRAG, MTFS, FLFS, GROUP = 0, 1, 2, 3
POLICIES = {"defrag": DEFRAG, "mtfs": MTFS, "flfs": FLFS, "group": GROUP}


@kernel
def look_ahead_loads(block_length, blocks, hosted, decay, look_ahead, ring):  # type: ignore[no-untyped-def]
    """L(b) into ring[1]: decayed mean length of the queues of the blocks that follow, round the
    ring. Block by block in the inner loop: the sums are the same, and the CPU makes several at a
    time."""
    mean, load = ring[0], ring[1]
    for block in range(blocks):
        # nonzero: a GPU hosts at least one expert
        mean[block] = block_length[block] / hosted
        load[block] = 0.0
    for k in range(look_ahead):
        mean[blocks + k] = mean[k]
    for k in range(1, look_ahead + 1):
        share = decay[k]
        for block in range(blocks):
            load[block] += share * mean[block + k]


@kernel
def first_queue(length, block_length, first, last, hosted):  # type: ignore[no-untyped-def]
    """The first queue with work in blocks first..last-1, or -1."""
    for block in range(first, last):
        if block_length[block] == 0:
            continue
        for slot in range(hosted):
            if length[block, slot] > 0:
                return block * length.shape[1] + slot
    return -1


@kernel
def largest_group(block_length, blocks, group_blocks):  # type: ignore[no-untyped-def]
    """First block of the group with most tokens."""
    best, most, first = 0, 0, 0
    while first < blocks:
        tokens = 0
        for block in range(first, min(first + group_blocks, blocks)):
            tokens += block_length[block]
        if tokens > most:
            best, most = first, tokens
        first += group_blocks
    return best


@kernel
def pick_queue(policy, length, block_length, blocks, hosted, decay, look_ahead, group_blocks, ring):  # type: ignore[no-untyped-def]
    """The queue to drain next under `policy`; see the module's text.

    `ring`: scratch, two rows of at least blocks + look_ahead.
    """
    if policy == FLFS:
        return first_queue(length, block_length, 0, blocks, hosted)
    if policy == GROUP:
        first = largest_group(block_length, blocks, group_blocks)
        return first_queue(length, block_length, first, min(first + group_blocks, blocks), hosted)
    slots = length.shape[1]
    best, best_score = -1, 0.0
    if policy == DEFRAG:
        look_ahead_loads(block_length, blocks, hosted, decay, look_ahead, ring)
    for block in range(blocks):
        if block_length[block] == 0:
            continue
        load = ring[1, block] if policy == DEFRAG else 0.0
        for slot in range(hosted):
            waiting = length[block, slot]
            if waiting == 0:
                continue
            score = load + waiting
            if score > best_score:
                best, best_score = block * slots + slot, score
    return best
