"""The max-min certificate: a proof, independent of how rates were found, that they are fair.

Rates are max-min fair if and only if no link carries more than its bandwidth and every flow
crosses a full link on which no flow of its priority has a higher rate for its weight, and no flow
of a later priority moves at all. Used by tests and debug runs after every re-share; it allocates
and is slow.
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
    flow, link = _hops(flows)
    slots, bandwidth = flows.slots, flows.links.bandwidth
    rate, priority = slots.rate[flow], slots.priority[flow]
    load = np.bincount(link, rate * slots.members[flow], len(bandwidth))
    level = rate / np.where(slots.weight[flow] > 0, slots.weight[flow], 1.0)
    top = np.zeros((int(priority.max(initial=0)) + 1, len(bandwidth)))
    np.maximum.at(top, (priority, link), level)
    latest = np.zeros(len(bandwidth), np.int64)
    moves = rate > bandwidth[link] * tolerance
    np.maximum.at(latest, link[moves], priority[moves])
    faults = [f"link {one} carries {load[one]!r} of {bandwidth[one]!r} bytes/s"
              for one in np.flatnonzero(load > bandwidth * (1 + tolerance))]
    full = (load >= bandwidth * (1 - tolerance))[link] & (priority >= latest[link])
    fair = full & (level >= top[priority, link] * (1 - tolerance))
    held = np.zeros(len(slots.rate), np.bool_)
    held[flow[fair]] = True
    faults += [f"flow {slots.tag[slot]} at {slots.rate[slot]!r} bytes/s has no full link on which "
               "it is the fastest" for slot in np.unique(flow) if not held[slot]]
    return faults


def _hops(flows: Flows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Slot and link of every hop of every live flow that crosses links."""
    slots, routes = flows.slots, flows.routes
    flow: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    link: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for slot in np.sort(slots.ends[:flows.live[0]]):
        if slots.linked[slot]:
            route = slots.route[slot]
            path = routes.links[routes.offsets[route]:routes.offsets[route + 1]]
            flow.append(np.full(len(path), slot, np.int64))
            link.append(path.astype(np.int64))
    return np.concatenate(flow), np.concatenate(link)
