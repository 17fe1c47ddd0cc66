"""The max-min certificate: a proof, independent of how rates were found, that they are fair.

Rates are max-min fair if and only if no link carries more than its bandwidth and every flow
crosses a full link on which no flow has a higher rate for its weight. Used by tests and debug
runs after every re-share; it allocates and is slow.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.flow_state import Flows

__all__ = ["maxmin_faults"]


def maxmin_faults(flows: Flows, tolerance: float = 1e-9) -> list[str]:
    """What is wrong with the rates of the live flows; empty when they are max-min fair.

    `tolerance` is relative to the bandwidth of the link. Call it right after a re-share, while
    ``flows.dirty[0]`` is 0.
    """
    hop_flow, hop_link = _hops(flows)
    slots, bandwidth = flows.slots, flows.links.bandwidth
    count = len(bandwidth)
    load = np.bincount(hop_link, slots.rate[hop_flow], count)
    level = slots.rate / np.where(slots.weight > 0, slots.weight, 1.0)
    top = np.zeros(count)
    np.maximum.at(top, hop_link, level[hop_flow])
    faults = [f"link {link} carries {load[link]!r} of {bandwidth[link]!r} bytes/s"
              for link in np.flatnonzero(load > bandwidth * (1 + tolerance))]
    full = load >= bandwidth * (1 - tolerance)
    fair = full[hop_link] & (level[hop_flow] >= top[hop_link] * (1 - tolerance))
    held = np.zeros(len(slots.rate), np.bool_)
    held[hop_flow[fair]] = True
    faults += [f"flow {slots.tag[slot]} at {slots.rate[slot]!r} bytes/s has no full link on which "
               "it is the fastest" for slot in np.unique(hop_flow) if not held[slot]]
    return faults


def _hops(flows: Flows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Slot and link of every hop of every live flow that crosses links."""
    slots, routes = flows.slots, flows.routes
    flow: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    link: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for slot in np.sort(slots.ends[:flows.live[0]]):
        if slots.filled[slot] >= 0:
            route = slots.route[slot]
            path = routes.links[routes.offsets[route]:routes.offsets[route + 1]]
            flow.append(np.full(len(path), slot, np.int64))
            link.append(path.astype(np.int64))
    return np.concatenate(flow), np.concatenate(link)
