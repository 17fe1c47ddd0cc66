"""The draws of `rackwright.traces.routing.draw_experts`, prepared for a token that makes many.

A token draws experts in every block. The part of its hash that does not depend on the block is
kept as its key, and the first two draws of a block look their expert up instead of walking through
all weights: the same experts (tested), in a fifth of the time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import GOLDEN62, M31, M62, stir
from rackwright.engine.kernel import kernel
from rackwright.traces.routing import TOTAL_WEIGHT, pick_expert

__all__ = ["Draws", "draw_block", "draw_first", "new_draws", "token_key"]

Ints = npt.NDArray[np.int64]
SLICES = 256    # of the weight, by which an expert is looked up
SLICE_BITS = (TOTAL_WEIGHT // SLICES).bit_length() - 1


class Draws(NamedTuple):
    """Routing weights and what is computed from them beforehand."""

    weights: Ints       # (blocks, experts), each row sums to TOTAL_WEIGHT
    cumulative: Ints    # their sums along a block, the expert's own included
    guide: Ints         # (blocks, SLICES) the expert at the start of each slice


def new_draws(weights: Ints) -> Draws:
    """For the weights of an `ExponentialRouting`."""
    cumulative = np.cumsum(weights, axis=1)
    starts = np.arange(SLICES, dtype=np.int64) << SLICE_BITS
    guide = np.stack([np.searchsorted(row, starts, side="right") for row in cumulative])
    return Draws(weights, cumulative, guide.astype(np.int64))


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
def expert_at(draws, block, point):  # type: ignore[no-untyped-def]
    """The expert whose share of the weight `point` lies in."""
    expert = draws.guide[block, point >> SLICE_BITS]
    while draws.cumulative[block, expert] <= point:   # ends: the last sum is the total
        expert += 1
    return expert


@kernel
def draw_first(draws, block, key):  # type: ignore[no-untyped-def]
    """The first expert that a token draws in `block`."""
    return expert_at(draws, block, draw_point(key, block, 0, np.int64(TOTAL_WEIGHT)))


@kernel
def draw_block(draws, block, top_k, key, chosen):  # type: ignore[no-untyped-def]
    """Write the token's `top_k` experts of `block` into `chosen`, in the order drawn."""
    first = draw_first(draws, block, key)
    chosen[0] = first
    if top_k == 1:
        return
    weight = draws.weights[block, first]
    left = TOTAL_WEIGHT - weight
    point = draw_point(key, block, 1, left)
    # a point of what the first left, put where it lies in the whole
    before = draws.cumulative[block, first] - weight
    chosen[1] = expert_at(draws, block, point + weight if point >= before else point)
    for draw in range(2, top_k):
        left -= draws.weights[block, chosen[draw - 1]]
        pick_expert(draws.weights, block, draw_point(key, block, draw, left), draw, chosen)
