"""What re-sharding and gradients cost between GPUs: a flat network, or a compiled fabric.

`FlatNetwork`: every GPU sends and receives at one bandwidth, nobody contends, a transfer has one
latency, an all-reduce none. `FabricNetwork`: the first g GPUs of a fabric; transfers are the
flows of `rackwright.topologies.transfers_time`, gradients an all-reduce of `collective_time`.

With `adder_bandwidth`, NICs add gradients up (each GPU sends once and receives once): the ring's
2 (g - 1) / g passes become 1, at the bandwidth that the ring attains or that of the adders, bytes/s
of each stream, whichever is less. On a fabric the path to the NICs is not looked at.

Leaves out: contention of transfers with collectives and between branches. Seconds and bytes;
elements are float32.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rackwright.topologies import collective_time, transfers_time
from rackwright.topologies.fabric import Fabric

__all__ = ["ELEMENT_BYTES", "FabricNetwork", "FlatNetwork", "Network", "moved_pairs"]

ELEMENT_BYTES = 4  # float32 activations and gradients, as the published planner counts them

Floats = npt.NDArray[np.float64]


class Network(Protocol):
    """What the planner and the timeline ask."""

    def move_time(self, nbytes: Floats, source: int, target: int) -> Floats:
        """Seconds, one way, of re-sharding from `source` to `target` GPUs.

        `nbytes`, of any shape, is what one GPU of the larger share gives or takes in all.
        """

    def away_time(self, nbytes: Floats) -> Floats:
        """Seconds of sending `nbytes` of a GPU to one that has none of them."""

    def all_reduce_time(self, nbytes: float, gpus: int) -> float:
        """Seconds of adding up `nbytes` of each of `gpus` GPUs."""

    @property
    def text(self) -> str:
        """One line for a person."""


@dataclass(frozen=True)
class FlatNetwork:
    """`bandwidth` in bytes/s a GPU and direction, `latency` in s a transfer."""

    bandwidth: float
    latency: float
    adder_bandwidth: float | None = None

    def move_time(self, nbytes: Floats, source: int, target: int) -> Floats:
        return self.away_time(nbytes)

    def away_time(self, nbytes: Floats) -> Floats:
        time = nbytes / self.bandwidth
        return np.where(time > 0, time + self.latency, 0.0)

    def all_reduce_time(self, nbytes: float, gpus: int) -> float:
        if gpus == 1:
            return 0.0
        if self.adder_bandwidth is not None:
            return nbytes / min(self.bandwidth, self.adder_bandwidth)
        return 2.0 * (gpus - 1) / gpus * nbytes / self.bandwidth

    @property
    def text(self) -> str:
        gradients = "ring" if self.adder_bandwidth is None else _adders(self.adder_bandwidth)
        return (f"flat: {self.bandwidth / 1e9:.6g} GB/s a GPU, {self.latency * 1e6:.6g} us a "
                f"transfer, gradients by {gradients}")


@dataclass(frozen=True)
class FabricNetwork:
    """The GPUs `ranks` of `fabric`, in this order: layers on g GPUs use the first g."""

    fabric: Fabric
    ranks: tuple[str, ...]
    adder_bandwidth: float | None = None
    algorithm: str | None = None
    _known: dict[tuple[int, float], float] = field(default_factory=dict, repr=False)

    def move_time(self, nbytes: Floats, source: int, target: int) -> Floats:
        pairs = [(self.ranks[one], self.ranks[other])
                 for one, other in moved_pairs(source, target)]
        peers = max(source, target) // min(source, target) - 1
        each = np.rint(np.asarray(nbytes) / peers).astype(np.int64)
        return np.asarray(transfers_time(pairs, each, self.fabric), np.float64)

    def away_time(self, nbytes: Floats) -> Floats:
        if len(self.ranks) == 1:
            return np.zeros(np.shape(nbytes))
        pair = [(self.ranks[0], self.ranks[-1])]
        whole = np.rint(np.asarray(nbytes)).astype(np.int64)
        return np.asarray(transfers_time(pair, whole, self.fabric), np.float64)

    def all_reduce_time(self, nbytes: float, gpus: int) -> float:
        key = (gpus, float(nbytes))
        if key not in self._known:
            self._known[key] = self._all_reduce(round(nbytes), gpus)
        return self._known[key]

    def _all_reduce(self, nbytes: int, gpus: int) -> float:
        if gpus == 1 or nbytes == 0:
            return 0.0
        ranks = self.ranks[:gpus]
        if self.adder_bandwidth is None:
            return float(collective_time("all_reduce", nbytes, self.fabric, ranks,
                                         algorithm=self.algorithm))
        ring = float(collective_time("all_reduce", nbytes, self.fabric, ranks, algorithm="ring"))
        return max(ring / (2.0 * (gpus - 1) / gpus), nbytes / self.adder_bandwidth)

    @property
    def text(self) -> str:
        gradients = self.algorithm or "the library's choice" if self.adder_bandwidth is None \
            else _adders(self.adder_bandwidth)
        return f"fabric: routes and shares of its links, gradients by {gradients}"


def _adders(bandwidth: float) -> str:
    return f"NICs that add {bandwidth / 1e9:.6g} GB/s"


def moved_pairs(source: int, target: int) -> list[tuple[int, int]]:
    """Who sends to whom, as (from, to), when samples on `source` GPUs go to `target` GPUs.

    The fewer GPUs keep what both hold; each of them serves an equal part of the others.

    >>> moved_pairs(1, 4)
    [(0, 1), (0, 2), (0, 3)]
    >>> moved_pairs(4, 2)
    [(2, 0), (3, 1)]
    """
    few, many = min(source, target), max(source, target)
    peers = many // few - 1
    grown = [(one, few + one * peers + other) for one in range(few) for other in range(peers)]
    return grown if source < target else [(other, one) for one, other in grown]
