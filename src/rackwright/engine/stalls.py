"""Words for flows that wait: which flow, for which link, and what is left to move."""

from __future__ import annotations

import numpy as np

from rackwright.engine.flow_state import Flows
from rackwright.engine.status import FOREVER_PS

__all__ = ["flow_text", "stalled_text"]

MOST = 5  # flows named in one message


def stalled_text(flows: Flows) -> str:
    """What the flows that never end wait for, at most `MOST` of them by number."""
    slots = flows.slots
    live = slots.ends[:flows.live[0]]
    stuck = live[slots.end_ps[live] == FOREVER_PS]
    stuck = stuck[np.argsort(slots.tag[stuck], kind="mergesort")]
    words = [flow_text(flows, int(slot)) for slot in stuck[:MOST]]
    more = f"; and {len(stuck) - MOST} more flows" if len(stuck) > MOST else ""
    return "; ".join(words) + more


def flow_text(flows: Flows, slot: int, joint: str = " ") -> str:
    """What one live flow is doing, or what it waits for; `joint` stands before the verb."""
    slots, links = flows.slots, flows.links
    route = slots.route[slot]
    path = flows.routes.links[flows.routes.offsets[route]:flows.routes.offsets[route + 1]]
    flow = f"flow {slots.tag[slot]} ({slots.remaining[slot]:.12g} bytes left){joint}"
    dead = path[links.bandwidth[path] == 0]
    if len(dead):
        return f"{flow}waits for link {dead[0]}, whose bandwidth is 0 bytes/s"
    if slots.end_ps[slot] < FOREVER_PS:
        return f"{flow}moves at {slots.rate[slot]:.6g} bytes/s"
    return (f"{flow}gets {slots.rate[slot]:.3g} bytes/s and would end after the 106 days that "
            "the clock can count")
