"""Which experts a token goes to, in a mixture-of-experts model whose router is not at hand.

The AEP paper (arXiv 2505.08944) fits measured expert loads of each layer to an exponential and
draws the experts of every token and layer independently from it, top-k without replacement, but
does not publish the rate. Here the expert of rank i has a share proportional to ``skew ** i``,
with the ranks dealt to expert ids block by block. **The skew is a stand-in of ours**, default
0.8 (hottest of 8 experts: 0.24); sweep it from 0.59 to 1 before believing a result.

Draws are stateless: a hash of (seed, request, token, block, draw) decides, so every policy and
what-if sees the same routing whatever the order of events. Drawing one after the other without
replacement has the distribution of the Gumbel top-k trick (Plackett-Luce).

What it leaves out: correlation between tokens, between blocks, and with the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import hash31
from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["DEFAULT_SKEW", "MAX_EXPERTS", "TOTAL_WEIGHT", "ExponentialRouting", "draw_experts",
           "exponential_shares", "pick_expert", "whole_weights"]

_Scalar = TypeVar("_Scalar", bound=np.generic)

DEFAULT_SKEW = 0.8  # stand-in, ours: the paper's rate is not published
TOTAL_WEIGHT = 1 << 30  # integer weights of a block sum to this
MAX_EXPERTS = 4096  # our bound; weights stay fine-grained against TOTAL_WEIGHT


@dataclass(frozen=True)
class ExponentialRouting:
    """Independent routing of `blocks` layers with `experts` each, `top_k` a token.

    `skew` in (0, 1]: share of an expert over that of the next hotter one; 1 is uniform. `seed`:
    0 to 2**31 - 1. Raises UsageError on values outside.
    """

    blocks: int
    experts: int
    top_k: int
    skew: float = DEFAULT_SKEW
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (("blocks", 1, 1 << 20), ("experts", 1, MAX_EXPERTS),
                                ("top_k", 1, self.experts), ("seed", 0, (1 << 31) - 1)):
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"routing: {name} = {getattr(self, name)}; expected {low} to "
                                 f"{high}")
        if not 0 < self.skew <= 1:
            raise UsageError(f"routing: skew = {self.skew}; expected above 0, to 1 (uniform)")

    @cached_property
    def ranks(self) -> npt.NDArray[np.int64]:
        """Rank (0 = hottest) of each expert, shape (blocks, experts)."""
        children = np.random.SeedSequence(self.seed).spawn(self.blocks)
        return _frozen(np.array([np.random.default_rng(child).permutation(self.experts)
                                 for child in children], dtype=np.int64))

    @cached_property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Share of each expert in the first draw, shape (blocks, experts)."""
        return _frozen(np.array(exponential_shares(self.experts, self.skew))[self.ranks])

    @cached_property
    def weights(self) -> npt.NDArray[np.int64]:
        """`probabilities` as integers >= 1 that sum to TOTAL_WEIGHT in each block."""
        by_rank = whole_weights(exponential_shares(self.experts, self.skew))
        return _frozen(np.array(by_rank, dtype=np.int64)[self.ranks])

    @property
    def hottest_share(self) -> float:
        """Share of the hottest expert of a block in the first draw."""
        return exponential_shares(self.experts, self.skew)[0]

    @property
    def text(self) -> str:
        """One line that names every parameter."""
        return (f"exponential routing: {self.blocks} blocks, {self.experts} experts, top-"
                f"{self.top_k}, skew {self.skew!r} (stand-in), seed {self.seed}")


@kernel
def draw_experts(weights, block, top_k, seed, request, token, chosen):  # type: ignore[no-untyped-def]
    """Write the `top_k` distinct experts of a token into `chosen`, in the order drawn.

    `weights`: int64 (blocks, experts), positive, each row summing to TOTAL_WEIGHT. `top_k` must
    not exceed the experts nor the length of `chosen`. Draw j takes a point of the weight not yet
    chosen, from the hash of (seed, request, token, block, j), and walks to the expert there.
    """
    left = TOTAL_WEIGHT
    for draw in range(top_k):
        point = (hash31(seed, request, token, block, draw) * left) >> 31
        left -= pick_expert(weights, block, point, draw, chosen)


@kernel
def pick_expert(weights, block, point, draw, chosen):  # type: ignore[no-untyped-def]
    """Walk to the expert at `point` of the weight that `chosen[:draw]` leave; returns its weight.
    """
    for expert in range(weights.shape[1]):
        taken = False
        for earlier in range(draw):
            taken = taken or chosen[earlier] == expert
        if taken:
            continue
        point -= weights[block, expert]
        if point < 0:
            chosen[draw] = expert
            return weights[block, expert]
    return 0  # never: the point lies within what is left


def exponential_shares(experts: int, skew: float) -> list[float]:
    """skew**rank over their sum; products only, so that every CPU gives the same bits."""
    powers = [1.0]
    for _ in range(experts - 1):
        powers.append(powers[-1] * skew)
    total = 0.0  # not sum(): Python 3.12 compensates there and 3.11 does not
    for power in powers:
        total += power
    return [power / total for power in powers]


def whole_weights(shares: list[float]) -> list[int]:
    """Integers >= 1 nearest to the shares that sum to TOTAL_WEIGHT: largest remainders."""
    parts = [int(share * 2.0**60) for share in shares]
    total, free = sum(parts), TOTAL_WEIGHT - len(shares)
    weights = [1 + free * part // total for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda rank: (-(free * parts[rank] % total), rank))
    for rank in by_remainder[:TOTAL_WEIGHT - sum(weights)]:
        weights[rank] += 1
    return weights


def _frozen(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    array.setflags(write=False)
    return array
