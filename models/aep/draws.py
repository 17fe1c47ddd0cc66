"""The draws of `rackwright.traces.routing.draw_experts`, prepared for a token that makes many.

A token draws experts in every block. The part of its hash that does not depend on the block is
kept as its key, and the first draw of a block counts running sums instead of walking through
weights: the same experts (tested), in a third of the time.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.hashing import GOLDEN62, M31, M62, stir
from rackwright.engine.kernel import kernel
from rackwright.traces.routing import TOTAL_WEIGHT

__all__ = ["draw_block", "token_key"]


@kernel
def token_key(seed, request, token):  # type: ignore[no-untyped-def]
    """What the hash of (seed, request, token, block, draw) is before block and draw go in."""
    h = stir(stir((np.int64(seed) & M62) ^ GOLDEN62))
    return stir(stir(h ^ (np.int64(request) & M31) ^ ((np.int64(token) & M31) << 31)))


@kernel
def draw_point(key, block, draw, left):  # type: ignore[no-untyped-def]
    """A point of the weight `left`."""
    h = stir(stir(key ^ np.int64(block) ^ (np.int64(draw) << 31))) >> 31
    return (h * left) >> 31


@kernel
def draw_block(weights, cumulative, block, top_k, key, chosen):  # type: ignore[no-untyped-def]
    """Write the token's `top_k` experts of `block` into `chosen`, in the order drawn.

    `cumulative`: sums of `weights` along each block, the expert's own included.
    """
    point = draw_point(key, block, 0, np.int64(TOTAL_WEIGHT))
    first = 0
    for expert in range(weights.shape[1] - 1):
        first += 1 if cumulative[block, expert] <= point else 0
    chosen[0] = first
    left = TOTAL_WEIGHT - weights[block, first]
    for draw in range(1, top_k):
        point = draw_point(key, block, draw, left)
        for expert in range(weights.shape[1]):
            taken = False
            for earlier in range(draw):
                taken = taken or chosen[earlier] == expert
            if taken:
                continue
            point -= weights[block, expert]
            if point < 0:
                chosen[draw] = expert
                left -= weights[block, expert]
                break
