"""What `share_flows` is asked for (`Demand`), checked, and the state of its kernel.

Units: bytes, bytes/s, int64 picoseconds. Values that are the same for every flow stay one number
behind a view, so that a million equal flows cost little before they are put into classes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.capacity import Changes, Rows, new_changes
from rackwright.engine.flow_checks import checked_bandwidths, checked_routes
from rackwright.engine.flow_state import Flows, new_flows
from rackwright.engine.status import Control, new_control
from rackwright.errors import InputError
from rackwright.units import seconds_to_ps

__all__ = ["Demand", "ShareState", "new_demand", "state_of"]

FIRST_SLOTS = 1024
MOST_PRIORITY = 255


class Demand(NamedTuple):
    """Flow i crosses ``links[offsets[i]:offsets[i + 1]]``; one entry a flow in the others."""

    bandwidth: npt.NDArray[np.float64]  # one entry a link
    offsets: npt.NDArray[np.int64]
    links: npt.NDArray[np.int32]
    nbytes: npt.NDArray[np.float64]
    start_ps: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    priority: npt.NDArray[np.int64]
    members: npt.NDArray[np.float64]
    changes: Changes


class ShareState(NamedTuple):
    """Flows to come, flows that move, and finish times. Flow i takes route i."""

    control: Control
    flows: Flows
    changes: Changes
    order: npt.NDArray[np.int64]      # flows by (start, number)
    start_ps: npt.NDArray[np.int64]
    nbytes: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    priority: npt.NDArray[np.int64]
    members: npt.NDArray[np.float64]
    finish_ps: npt.NDArray[np.int64]  # -1 until it has finished
    started: npt.NDArray[np.int64]    # shape (1,)
    reaction_ps: npt.NDArray[np.int64]  # shape (1,): freed bandwidth may wait this long
    shared_ps: npt.NDArray[np.int64]  # shape (1,): the last re-share
    idle_time: npt.NDArray[np.float64]  # s by link: bandwidth that waited, as time of the link


def new_demand(
    link_bandwidth: npt.ArrayLike,
    path_offsets: npt.ArrayLike,
    path_links: npt.ArrayLike,
    nbytes: npt.ArrayLike,
    start_time: npt.ArrayLike = 0.0,
    weight: npt.ArrayLike = 1.0,
    priority: npt.ArrayLike = 0,
    changes: Rows | None = None,
) -> Demand:
    """The checked arguments of `share_flows`, which words them and their errors."""
    bandwidth = checked_bandwidths(link_bandwidth)
    offsets, links = checked_routes(path_offsets, path_links, len(bandwidth))
    count = len(offsets) - 1
    size = _each(nbytes, count, "nbytes", 0.0, "0 or more bytes")
    start = _each(start_time, count, "start_time", 0.0, "0 or more seconds")
    share = _each(weight, count, "weight", 1e-6, "1e-6 to 1e6", 1e6)
    rule = f"a whole number from 0 to {MOST_PRIORITY}"
    rank = _each(priority, count, "priority", 0, rule, MOST_PRIORITY, whole=True)
    start_ps: Any = np.asarray(seconds_to_ps(start), np.int64)

    def spread(array: Any) -> Any:
        return np.broadcast_to(array, (count,))

    return Demand(bandwidth, offsets, links, spread(size), spread(start_ps), spread(share),
                  spread(rank.astype(np.int64)), spread(np.ones(1)),
                  new_changes(changes, len(bandwidth)))


def state_of(demand: Demand, reaction_ps: int = 0) -> ShareState:
    """The state before the first event."""
    count = len(demand.nbytes)
    flows = new_flows(demand.bandwidth, demand.offsets, demand.links,
                      slots=min(max(count, 1), FIRST_SLOTS))
    changes = demand.changes._replace(done=np.zeros(1, np.int64))
    start_ps = np.array(demand.start_ps)
    return ShareState(
        new_control(), flows, changes, np.argsort(start_ps, kind="mergesort"), start_ps,
        np.array(demand.nbytes), np.array(demand.weight), np.array(demand.priority),
        np.array(demand.members), finish_ps=np.full(count, -1, np.int64),
        started=np.zeros(1, np.int64), reaction_ps=np.full(1, reaction_ps, np.int64),
        shared_ps=np.zeros(1, np.int64), idle_time=np.zeros(len(demand.bandwidth)))


def _each(given: npt.ArrayLike, count: int, what: str, least: float, rule: str,
          most: float = np.inf, whole: bool = False) -> npt.NDArray[np.float64]:
    """One number a flow, or one for all in an array of shape (1,)."""
    values = np.asarray(given, np.float64)
    if values.ndim and values.shape != (count,):
        raise InputError(f"{what} has shape {values.shape}; path_offsets names {count} flows, so "
                         f"({count},) or one number is needed")
    values = np.array(values).reshape(-1)
    good = np.isfinite(values) & (values >= least) & (values <= most)
    if whole:
        good &= values == np.floor(values)
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(f"{what}[{bad}] is {values[bad]}; {rule} is needed")
    return values
