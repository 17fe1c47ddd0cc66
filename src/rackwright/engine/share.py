"""`share_flows`: finish times of flows that are all known beforehand, sharing links max-min fairly.

Models bulk transfers as fluids: at every moment the rates of the live flows are the max-min fair
ones for the bandwidths of the links, exactly unless a reaction time is asked for. Symmetric
traffic is solved by its classes (`classes`). What it leaves out: see `flows`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.capacity import Rows
from rackwright.engine.classes import Cast, collapsed
from rackwright.engine.driver import drive
from rackwright.engine.flow_state import grown_flows
from rackwright.engine.share_loop import share_advance
from rackwright.engine.share_state import Demand, ShareState, new_demand, state_of
from rackwright.engine.stalls import listed, stalled_text, stuck_slots, waiting_text
from rackwright.errors import InputError
from rackwright.units import ps_to_seconds, seconds_to_ps

__all__ = ["ShareReport", "ShareState", "new_share", "share_advance", "share_flows", "share_grow",
           "share_report", "share_waits"]


class ShareReport(NamedTuple):
    """Finish times, and how they were found.

    `lag_time` tells what a reaction time costs: the longest time, over all links, for which
    bandwidth that flows gave back lay idle, in seconds of the whole link. For flows that start
    together on one link it bounds how late any of them ends; in a network, where a delay of one
    flow can be another's gain, it is a measure and no bound. 0.0 when sharing was exact.
    """

    finish_time: npt.NDArray[np.float64]  # s, shape (flows,)
    reaction_time: float                  # s
    lag_time: float                       # s
    classes: int                          # flows that were solved, each for all of its class
    shares: int                           # times that rates were shared out
    updates: int                          # rates that this changed


def share_flows(
    link_bandwidth: npt.ArrayLike,
    path_offsets: npt.ArrayLike,
    path_links: npt.ArrayLike,
    nbytes: npt.ArrayLike,
    start_time: npt.ArrayLike = 0.0,
    *,
    weight: npt.ArrayLike = 1.0,
    priority: npt.ArrayLike = 0,
    changes: Rows | None = None,
    reaction: float = 0.0,
) -> npt.NDArray[np.float64]:
    """Finish time in seconds of every flow, shape (flows,), under exact max-min sharing.

    `link_bandwidth`: bytes/s of each directed link, shape (links,), finite and >= 0. Flow i
    crosses ``path_links[path_offsets[i]:path_offsets[i + 1]]`` (shape (flows + 1,)), moves
    ``nbytes[i]`` bytes (a number or shape (flows,)) from ``start_time[i]`` (s, likewise) on, and
    gets a share in proportion to ``weight[i]`` (likewise; 1e-6 to 1e6, counted in steps of
    2**-20). Flows of ``priority[i]`` 0 are served first, those of 1 share what is left, and so on
    (likewise; 0 to 255). A flow of no bytes or with an empty path finishes when it starts. Times
    are rounded up to whole picoseconds.

    `changes`: rows (time in ps, link, bytes/s) in order of time, from which on a link has another
    bandwidth; 0 stalls the flows that cross it until a later row. With a `reaction` above 0 (s),
    bandwidth that flows leave behind when they end is shared out at most that often, which is
    faster and inexact; `share_report` tells by how much. New flows share at once.

    Raises `InputError` for arrays that do not fit together or values out of range, `Stalled`
    when flows wait for ever for links of no bandwidth, `Interrupted` on Ctrl-C.

    >>> share_flows([100.0], [0, 1, 2], [0, 0], [100.0, 300.0])
    array([2., 4.])
    """
    return share_report(link_bandwidth, path_offsets, path_links, nbytes, start_time,
                        weight=weight, priority=priority, changes=changes,
                        reaction=reaction).finish_time


def share_report(
    link_bandwidth: npt.ArrayLike,
    path_offsets: npt.ArrayLike,
    path_links: npt.ArrayLike,
    nbytes: npt.ArrayLike,
    start_time: npt.ArrayLike = 0.0,
    *,
    weight: npt.ArrayLike = 1.0,
    priority: npt.ArrayLike = 0,
    changes: Rows | None = None,
    reaction: float = 0.0,
    classes: bool = True,
) -> ShareReport:
    """`share_flows` with an account of how; `classes` False solves every flow by itself.

    >>> share_report([100.0], [0, 1, 2], [0, 0], [100.0, 300.0]).shares
    3
    """
    if not 0 <= reaction < 1e6:
        raise InputError(f"reaction is {reaction!r}; 0 (exact) or some seconds are needed")
    demand = new_demand(link_bandwidth, path_offsets, path_links, nbytes, start_time, weight,
                        priority, changes)
    small = collapsed(demand) if classes else None
    waits = share_waits
    if small is not None:
        def waits(state: ShareState) -> str:
            return _class_waits(state, demand, small[1])
    state = drive(share_advance, state_of(small[0] if small else demand,
                                          int(seconds_to_ps(float(reaction)))),
                  grow=share_grow, waits=waits)
    finish = np.asarray(ps_to_seconds(state.finish_ps))
    return ShareReport(finish[small[1].flow] if small else finish, float(reaction),
                       float(state.idle_time.max(initial=0.0)), len(finish),
                       int(state.flows.fills[0]), int(state.flows.updates[0]))


def new_share(
    link_bandwidth: npt.ArrayLike,
    path_offsets: npt.ArrayLike,
    path_links: npt.ArrayLike,
    nbytes: npt.ArrayLike,
    start_time: npt.ArrayLike = 0.0,
    weight: npt.ArrayLike = 1.0,
    priority: npt.ArrayLike = 0,
    changes: Rows | None = None,
    reaction: float = 0.0,
) -> ShareState:
    """The state before the first event; arguments and errors are those of `share_flows`."""
    demand = new_demand(link_bandwidth, path_offsets, path_links, nbytes, start_time, weight,
                        priority, changes)
    return state_of(demand, int(seconds_to_ps(float(reaction))))


def share_grow(state: ShareState, what: int) -> ShareState:
    """More room for live flows, the only thing that grows."""
    return state._replace(flows=grown_flows(state.flows))


def share_waits(state: ShareState) -> str:
    """What waits for what, for the report of a stall."""
    return stalled_text(state.flows)


def _class_waits(state: ShareState, demand: Demand, cast: Cast) -> str:
    """The same in terms of the members of the classes."""
    flows = state.flows
    slot_of = {int(flows.slots.tag[slot]): int(slot) for slot in stuck_slots(flows)}
    members = np.flatnonzero(np.isin(cast.flow, list(slot_of)))

    def words(number: int) -> str:
        path = demand.links[demand.offsets[number]:demand.offsets[number + 1]]
        return waiting_text(flows, slot_of[int(cast.flow[number])], number, path,
                            flows.links.bandwidth[cast.link[path]])

    return listed((words(int(number)) for number in members), len(members))
