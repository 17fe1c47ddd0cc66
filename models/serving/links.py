"""Busy shares of the links that the exchanges of the tensor group load.

Every all-reduce of S bytes moves 2 (n - 1) / n x S over each link of a ring through the ranks, in
their order; in-switch reduction moves less, so this is an upper bound. Over the whole replay, ramp
and drain included.
"""

from __future__ import annotations

import numpy as np

from rackwright.models.llm import shape
from rackwright.models.serving.options import ServingOptions
from rackwright.models.serving.placement import Placement
from rackwright.models.serving.state import EngineState
from rackwright.topologies.fabric import Fabric

__all__ = ["link_shares"]


def link_shares(fabric: Fabric, placed: Placement, options: ServingOptions, state: EngineState,
                end_ps: int) -> dict[str, float]:
    """Link -> busy share, those that carry anything."""
    ranks, lasted = placed.ranks, (end_ps - int(state.requests.arrival_ps.min())) * 1e-12
    if ranks == 1 or lasted <= 0:
        return {}
    model = shape(options.model)
    row = model.token_bytes * 2 * model.blocks * 2 * (ranks - 1) / ranks
    nbytes = np.zeros(len(fabric.link_names))
    for group, tokens in zip(placed.groups, state.work.reduced_tokens.tolist(), strict=True):
        ring = [(group[i], group[(i + 1) % ranks]) for i in range(ranks)]
        nbytes += tokens * row * np.bincount(fabric.routes(ring).links, minlength=len(nbytes))
    share = nbytes / fabric.links.bandwidth / lasted
    return {name: float(min(busy, 1.0))
            for name, busy in zip(fabric.link_names, share, strict=True) if busy > 0}
