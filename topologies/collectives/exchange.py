"""An exchange: every rank sends an equal part to every other, all at once.

Equal flows that start together and share links max-min fairly have all ended when the busiest
link has carried its own: nobody ever gets less than that link gives each of its flows, and it
never idles before. So the time needs no replay, only how many flows cross each link.

Where paths of more than 20,000 pairs are drawn by hashes, they are not drawn one by one: the
time is then the median, over draws, of the busiest link's, taking the loads of links as
independent and normal. Seconds, bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.topologies.bulk_routes import Loads
from rackwright.topologies.fabric import Fabric

__all__ = ["busiest_time", "exchange_time"]

HALVINGS = 60  # of the interval that holds the median; then it is as narrow as a float


def exchange_time(fabric: Fabric, ranks: Sequence[str]) -> tuple[float, float]:
    """Seconds a byte that each rank sends to each other, and the latency of the longest path."""
    nodes, count = fabric.numbers(ranks), len(ranks)
    to = np.tile(np.arange(count), count)
    of = np.repeat(np.arange(count), count)
    apart = of != to
    loads = fabric.loads_between(nodes[of[apart]], nodes[to[apart]])
    return busiest_time(loads, fabric.links.bandwidth), loads.latency_ps * 1e-12


def busiest_time(loads: Loads, bandwidth: Floats) -> float:
    """Seconds for which a byte of each flow holds the busiest link; the median over draws."""
    held = loads.mean / bandwidth
    drawn = loads.variance > 0
    least = float(held[~drawn].max(initial=0.0))
    if not drawn.any():
        return least
    width = np.sqrt(loads.variance[drawn]) / bandwidth[drawn]
    (mean, width), many = np.unique(np.stack([held[drawn], width]), axis=1, return_counts=True)
    low, high = float(mean.min()), float((mean + 10 * width).max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        less = _log_chance((middle - mean) / width) @ many < math.log(0.5)
        low, high = (middle, high) if less else (low, middle)
    return max(least, high)


def _log_chance(deviations: Floats) -> Floats:
    """Log of the chance that a normal number is less, of so many standard deviations."""
    return np.array([math.log(max(math.erfc(-one / math.sqrt(2)) / 2, 1e-300))
                     for one in deviations.tolist()])
