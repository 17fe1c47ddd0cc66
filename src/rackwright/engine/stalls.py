"""Words for flows that wait: which flow, for which link, and what is left to move."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.engine.flow_state import Flows
from rackwright.engine.status import FOREVER_PS

__all__ = ["flow_text", "listed", "stalled_text", "stuck_slots", "waiting_text"]

MOST = 5  # flows named in one message


def stalled_text(flows: Flows) -> str:
    """What the flows that never end wait for, at most `MOST` of them by number."""
    stuck = stuck_slots(flows)
    stuck = stuck[np.argsort(flows.slots.tag[stuck], kind="mergesort")]
    return listed((flow_text(flows, int(slot)) for slot in stuck), len(stuck))


def stuck_slots(flows: Flows) -> npt.NDArray[Any]:
    """The live flows that never end."""
    live = flows.slots.ends[:flows.live[0]]
    stuck: npt.NDArray[Any] = live[flows.slots.end_ps[live] == FOREVER_PS]
    return stuck


def listed(words: Iterable[str], count: int) -> str:
    """The first few of `count` texts, and how many more there are."""
    more = f"; and {count - MOST} more flows" if count > MOST else ""
    return "; ".join(islice(words, MOST)) + more


def flow_text(flows: Flows, slot: int, joint: str = " ") -> str:
    """What one live flow is doing, or what it waits for; `joint` stands before the verb."""
    route = flows.slots.route[slot]
    path = flows.routes.links[flows.routes.offsets[route]:flows.routes.offsets[route + 1]]
    return waiting_text(flows, slot, int(flows.slots.tag[slot]), path,
                        flows.links.bandwidth[path], joint)


def waiting_text(flows: Flows, slot: int, number: int, path: npt.NDArray[Any],
                 bandwidth: npt.NDArray[np.float64], joint: str = " ") -> str:
    """The same for flow `number`, which `slot` stands for; it crosses `path`."""
    slots = flows.slots
    flow = f"flow {number} ({slots.remaining[slot]:.12g} bytes left){joint}"
    dead = path[bandwidth == 0]
    if len(dead):
        return f"{flow}waits for link {dead[0]}, whose bandwidth is 0 bytes/s"
    if slots.end_ps[slot] < FOREVER_PS:
        return f"{flow}moves at {slots.rate[slot]:.6g} bytes/s"
    if slots.priority[slot] > 0 and slots.rate[slot] == 0:
        return f"{flow}gets nothing: flows of an earlier priority fill a link of its path"
    return (f"{flow}gets {slots.rate[slot]:.3g} bytes/s and would end after the 106 days that "
            "the clock can count")
