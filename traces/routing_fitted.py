"""`FittedRouting`: routing drawn with the skew of each layer and its bond to the layer above.

A layer has experts in order of heat (`ranks`), shares proportional to `skews[layer] ** rank`, and a
`coupling`: with that probability a token's first choice has the rank that its first choice has in
the layer above; else, and for all further choices, it is drawn as `ExponentialRouting` draws. With
equal skews a coupling leaves the shares of the experts as they are.

What it leaves out: bonds between tokens (neighbours, one request's topic), bonds other than of
equal rank, between layers further apart, and of later choices. `fit_routing` measures what it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import hash31
from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError
from rackwright.traces.routing import (
    TOTAL_WEIGHT,
    exponential_shares,
    pick_expert,
    whole_weights,
)

__all__ = ["FittedRouting", "draw_coupled"]

Ints = npt.NDArray[np.int64]
ONE = 1 << 31   # of a hash


@dataclass(frozen=True, eq=False)
class FittedRouting:
    """`ranks`: (blocks, experts), 0 is the hottest; `skews` in (0, 1] and `couplings` in [0, 1]:
    (blocks,), the first coupling without effect. Raises UsageError on values outside."""

    ranks: Ints
    skews: npt.NDArray[np.float64]
    couplings: npt.NDArray[np.float64]
    top_k: int
    seed: int = 0
    basis: str = ""

    def __post_init__(self) -> None:
        good = self.ranks.ndim == 2 and (np.sort(self.ranks, axis=1)
                                         == np.arange(self.ranks.shape[1])).all()
        if not good:
            raise UsageError("ranks of a fitted routing: expected a permutation for every block")
        for name, low in (("skews", 1e-9), ("couplings", 0.0)):
            values = getattr(self, name)
            if values.shape != (self.blocks,) or not ((values >= low) & (values <= 1)).all():
                raise UsageError(f"{name} of a fitted routing: {values}; expected "
                                 f"{self.blocks} values, {low:g} to 1")
        if not 1 <= self.top_k <= self.experts:
            raise UsageError(f"top_k = {self.top_k}; expected 1 to {self.experts}")

    @property
    def blocks(self) -> int:
        return int(self.ranks.shape[0])

    @property
    def experts(self) -> int:
        return int(self.ranks.shape[1])

    @cached_property
    def weights(self) -> Ints:
        """Integers >= 1 that sum to TOTAL_WEIGHT in each block, as `ExponentialRouting`'s."""
        return np.array([np.array(whole_weights(exponential_shares(self.experts, float(skew))),
                                  np.int64)[ranks]
                         for skew, ranks in zip(self.skews, self.ranks, strict=True)])

    @cached_property
    def by_rank(self) -> Ints:
        """The expert of each rank, (blocks, experts)."""
        return np.argsort(self.ranks, axis=1, kind="stable").astype(np.int64)

    @cached_property
    def thresholds(self) -> Ints:
        """Couplings against a hash of 31 bits."""
        return np.rint(self.couplings * ONE).astype(np.int64)

    @property
    def text(self) -> str:
        """One line that says what it was fitted to and what came out."""
        return (f"fitted routing: {self.blocks} blocks, {self.experts} experts, top-{self.top_k}, "
                f"mean skew {float(self.skews.mean()):.6g}, mean coupling "
                f"{float(self.couplings[1:].mean()) if self.blocks > 1 else 0.0:.6g}, seed "
                f"{self.seed}{f'; {self.basis}' if self.basis else ''}")

    def summary(self) -> dict[str, Any]:
        """Skew and coupling of every layer as plain numbers."""
        return {"layers": self.blocks, "experts": self.experts, "top_k": self.top_k,
                "skews": self.skews.tolist(), "couplings": self.couplings.tolist()}


@kernel
def draw_coupled(weights, by_rank, ranks, thresholds, top_k, seed, request, token, layer, chosen):  # type: ignore[no-untyped-def]
    """Fill each row of `chosen`; the rows of a token follow each other, layer 0 first."""
    for row in range(len(chosen)):
        block = layer[row]
        first = 0
        left = TOTAL_WEIGHT
        if block > 0 and hash31(seed, request[row], token[row], block, top_k) < thresholds[block]:
            chosen[row, 0] = by_rank[block, ranks[block - 1, chosen[row - 1, 0]]]
            left -= weights[block, chosen[row, 0]]
            first = 1
        for draw in range(first, top_k):
            point = (hash31(seed, request[row], token[row], block, draw) * left) >> 31
            left -= pick_expert(weights, block, point, draw, chosen[row])
