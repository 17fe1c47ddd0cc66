"""`share_flows`: finish times of flows that are all known beforehand, sharing links max-min fairly.

Models bulk transfers as fluids: at every moment the rates of the live flows are the max-min fair
ones for the bandwidths of the links, exactly. What it leaves out: see `flows`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.driver import drive
from rackwright.engine.flow_state import Flows, grown_flows, new_flows
from rackwright.engine.flows import flow_first_ps, flow_open, flow_room, flow_share, flow_take
from rackwright.engine.kernel import kernel
from rackwright.engine.stalls import stalled_text
from rackwright.engine.status import (
    DONE,
    FOREVER_PS,
    GROW,
    RUNNING,
    STALLED,
    Control,
    new_control,
)
from rackwright.errors import InputError
from rackwright.units import ps_to_seconds, seconds_to_ps

__all__ = ["ShareState", "new_share", "share_advance", "share_flows", "share_grow", "share_waits"]

FIRST_SLOTS = 1024
WORK = 64  # live flows whose re-share takes about as long as one event of a slice should


class ShareState(NamedTuple):
    """Flows to come, flows that move, and finish times. Flow i takes route i."""

    control: Control
    flows: Flows
    order: npt.NDArray[np.int64]      # flows by (start, number)
    start_ps: npt.NDArray[np.int64]
    nbytes: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    finish_ps: npt.NDArray[np.int64]  # -1 until it has finished
    started: npt.NDArray[np.int64]    # shape (1,)


def share_flows(
    link_bandwidth: npt.ArrayLike,
    path_offsets: npt.ArrayLike,
    path_links: npt.ArrayLike,
    nbytes: npt.ArrayLike,
    start_time: npt.ArrayLike = 0.0,
    *,
    weight: npt.ArrayLike = 1.0,
) -> npt.NDArray[np.float64]:
    """Finish time in seconds of every flow, shape (flows,), under exact max-min sharing.

    `link_bandwidth`: bytes/s of each directed link, shape (links,), finite and >= 0. Flow i
    crosses ``path_links[path_offsets[i]:path_offsets[i + 1]]`` (shape (flows + 1,)), moves
    ``nbytes[i]`` bytes (a number or shape (flows,)) from ``start_time[i]`` (s, likewise) on, and
    gets a share in proportion to ``weight[i]`` (likewise; 1e-6 to 1e6, counted in steps of
    2**-20). A flow of no bytes or with an empty path finishes when it starts. Times are rounded
    up to whole picoseconds.

    Raises `InputError` for arrays that do not fit together or values out of range, `Stalled`
    when flows wait for ever for links of no bandwidth, `Interrupted` on Ctrl-C.

    >>> share_flows([100.0], [0, 1, 2], [0, 0], [100.0, 300.0])
    array([2., 4.])
    """
    state = new_share(link_bandwidth, path_offsets, path_links, nbytes, start_time, weight)
    state = drive(share_advance, state, grow=share_grow, waits=share_waits)
    return np.asarray(ps_to_seconds(state.finish_ps))


def new_share(
    link_bandwidth: npt.ArrayLike,
    path_offsets: npt.ArrayLike,
    path_links: npt.ArrayLike,
    nbytes: npt.ArrayLike,
    start_time: npt.ArrayLike = 0.0,
    weight: npt.ArrayLike = 1.0,
) -> ShareState:
    """The state before the first event; arguments and errors are those of `share_flows`."""
    count = max(np.size(path_offsets) - 1, 0)
    flows = new_flows(link_bandwidth, path_offsets, path_links,
                      slots=min(max(count, 1), FIRST_SLOTS))
    size = _each(nbytes, count, "nbytes", 0.0, "0 or more bytes")
    start = _each(start_time, count, "start_time", 0.0, "0 or more seconds")
    share = _each(weight, count, "weight", 1e-6, "1e-6 to 1e6", 1e6)
    start_ps = np.asarray(seconds_to_ps(start), np.int64)
    order = np.argsort(start_ps, kind="mergesort")
    return ShareState(new_control(), flows, order, start_ps, size, share,
                      np.full(count, -1, np.int64), np.zeros(1, np.int64))


@kernel
def share_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One tick after another: ends, starts, one re-share; see `rackwright.engine.status`."""
    control, flows = state.control, state.flows
    work = 0
    while work < max_events:
        starts = state.order.shape[0] - state.started[0]
        if starts == 0 and flows.live[0] == 0:
            return DONE
        ends_ps = flow_first_ps(flows)
        start_ps = FOREVER_PS
        if starts > 0:
            start_ps = state.start_ps[state.order[state.started[0]]]
        now_ps = min(ends_ps, start_ps)
        if now_ps == FOREVER_PS:
            return STALLED
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        control.now_ps[0] = now_ps
        take_ended(state, now_ps)
        while state.started[0] < state.order.shape[0]:
            flow = state.order[state.started[0]]
            if state.start_ps[flow] > now_ps:
                break
            if flow_room(flows) == 0:
                return GROW
            flow_open(flows, now_ps, flow, state.nbytes[flow], state.weight[flow], flow)
            state.started[0] += 1
            control.events[0] += 1
        take_ended(state, now_ps)
        flow_share(flows, now_ps)
        work += 1 + flows.live[0] // WORK  # nonzero: a constant
    return RUNNING


@kernel
def take_ended(state, now_ps):  # type: ignore[no-untyped-def]
    """Note the finish of every flow that ends now."""
    slot = flow_take(state.flows, now_ps)
    while slot >= 0:
        state.finish_ps[state.flows.slots.tag[slot]] = now_ps
        state.control.events[0] += 1
        slot = flow_take(state.flows, now_ps)


def share_grow(state: ShareState, what: int) -> ShareState:
    """More room for live flows, the only thing that grows."""
    return state._replace(flows=grown_flows(state.flows))


def share_waits(state: ShareState) -> str:
    """What waits for what, for the report of a stall."""
    return stalled_text(state.flows)


def _each(given: npt.ArrayLike, count: int, what: str, least: float, rule: str,
          most: float = np.inf) -> npt.NDArray[np.float64]:
    values = np.asarray(given, np.float64)
    if values.ndim and values.shape != (count,):
        raise InputError(f"{what} has shape {values.shape}; path_offsets names {count} flows, so "
                         f"({count},) or one number is needed")
    whole = np.array(np.broadcast_to(values, (count,)))
    good = np.isfinite(whole) & (whole >= least) & (whole <= most)
    if not good.all():
        bad = int(np.argmin(good))
        raise InputError(f"{what}[{bad}] is {whole[bad]}; {rule} is needed")
    return whole
