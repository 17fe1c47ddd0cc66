"""Devices whose jobs share a few resources: rates of a given mix, and finish times of known jobs.

The rule is that of `fluid_fill` (max-min fair in progress, strict priority between classes); the
kernels for models are in `fluids`, which also says what is left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.batch import Batch, new_batch, numbers, whole_numbers
from rackwright.engine.driver import drive
from rackwright.engine.fluid_fill import fill_station
from rackwright.engine.fluid_state import Fluids, grown_fluids, new_fluids
from rackwright.engine.fluids import fluid_next_ps, fluid_open, fluid_room, fluid_take, fluid_use
from rackwright.engine.kernel import kernel
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
from rackwright.units import ps_to_seconds

__all__ = [
    "SharingState", "new_sharing", "resource_rates", "share_resources", "sharing_advance",
    "sharing_grow", "sharing_waits",
]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
MOST_CLASS = (1 << 31) - 1
MOST_STATION = 999_999  # all up to the highest are made
FIRST_SLOTS = 64
MOST_NAMED = 5  # jobs named in one message


class SharingState(NamedTuple):
    """Jobs on their way through stations with resources."""

    control: Control
    batch: Batch
    fluids: Fluids
    station: I64
    demand: F64         # (jobs, resources)
    weight: F64
    priority: I64
    next_ps: I64        # (1,): when the next job ends


def resource_rates(demand: npt.ArrayLike, *, weight: npt.ArrayLike = 1.0,
                   priority: npt.ArrayLike = 0, capacity: npt.ArrayLike = 1.0) -> F64:
    """How fast jobs run side by side, 1 being as fast as alone; shape (jobs,).

    ``demand[job, resource]`` (>= 0) is what a job uses at full speed, `capacity` what there is of
    each resource (a number or shape (resources,)), `weight` (> 0) scales how fast a job's rate
    rises, `priority` is its class, 0 first. A job that is left nothing has rate 0.

    Raises `InputError` for arrays that do not fit together or values out of range.

    >>> resource_rates([[0.1, 1.0], [0.1, 1.0]])
    array([0.5, 0.5])
    >>> resource_rates([[0.1, 1.0], [0.1, 0.5]], priority=[1, 0])
    array([0.5, 1. ])
    """
    state = new_sharing(0.0, 0.0, demand, weight=weight, priority=priority, capacity=capacity)
    count = len(state.demand)
    fluids = new_fluids(state.fluids.capacity, slots=max(count, 1))
    jobs = fluids.jobs
    jobs.after[:count] = np.arange(1, count + 1)
    jobs.after[count - 1:count] = -1
    jobs.demand[:count], jobs.weight[:count] = state.demand, state.weight
    jobs.priority[:count] = state.priority
    fluids.first[0] = 0 if count else -1
    fill_station(fluids, 0)
    return jobs.wanted[:count].copy()


def share_resources(
    start_time: npt.ArrayLike,
    solo_time: npt.ArrayLike,
    demand: npt.ArrayLike,
    *,
    station: npt.ArrayLike = 0,
    weight: npt.ArrayLike = 1.0,
    priority: npt.ArrayLike = 0,
    capacity: npt.ArrayLike = 1.0,
) -> F64:
    """Finish time in seconds of jobs that share the resources of their stations, shape (jobs,).

    Job i starts at ``start_time[i]`` and would take ``solo_time[i]`` alone (s; a number or shape
    (jobs,)). `demand`, `weight`, `priority` are those of `resource_rates`; `station` is the
    device of each job, all of them with the same `capacity`, or ``capacity[station, resource]``.
    Times are rounded up to whole picoseconds.

    Raises `InputError` for arrays that do not fit together or values out of range, `Stalled`
    when jobs wait for ever for a resource of no capacity, `Interrupted` on Ctrl-C.

    >>> share_resources([0.0, 1.0], [2.0, 2.0], [[1.0], [1.0]])
    array([3., 4.])
    """
    state = new_sharing(start_time, solo_time, demand, station=station, weight=weight,
                        priority=priority, capacity=capacity)
    state = drive(sharing_advance, state, grow=sharing_grow, waits=sharing_waits)
    return np.asarray(ps_to_seconds(state.batch.finish_ps))


def new_sharing(
    start_time: npt.ArrayLike,
    solo_time: npt.ArrayLike,
    demand: npt.ArrayLike,
    *,
    station: npt.ArrayLike = 0,
    weight: npt.ArrayLike = 1.0,
    priority: npt.ArrayLike = 0,
    capacity: npt.ArrayLike = 1.0,
    slots: int = FIRST_SLOTS,
) -> SharingState:
    """The state before the first event; arguments and errors are those of `share_resources`."""
    use = _demands(demand)
    count, resources = use.shape
    own = whole_numbers(station, count, "station", 0, MOST_STATION)
    room = np.asarray(capacity, np.float64)
    if room.ndim < 2:
        _refuse_shape(room, resources)
        room = np.broadcast_to(room, (int(own.max(initial=0)) + 1, resources))
    if room.shape[1:] != (resources,) or int(own.max(initial=0)) >= len(room):
        raise InputError(f"capacity has shape {room.shape}; jobs use {resources} resources of "
                         f"stations 0 to {int(own.max(initial=0))}")
    return SharingState(
        new_control(), new_batch(start_time, solo_time, count, ("start_time", "solo_time")),
        new_fluids(room, slots=slots), own, use,
        numbers(weight, count, "weight", float(np.finfo(np.float64).tiny), "more than 0"),
        whole_numbers(priority, count, "priority", 0, MOST_CLASS), np.full(1, FOREVER_PS, np.int64))


@kernel
def sharing_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One tick after another: ends, starts, one re-share; see `rackwright.engine.status`."""
    control, batch, fluids = state.control, state.batch, state.fluids
    jobs = batch.order.shape[0]
    first = control.events[0]
    while control.events[0] - first < max_events:
        start_ps = FOREVER_PS
        if batch.begun[0] < jobs:
            start_ps = batch.arrival_ps[batch.order[batch.begun[0]]]
        now_ps = min(state.next_ps[0], start_ps)
        if now_ps == FOREVER_PS:
            return DONE if batch.ended[0] == jobs else STALLED
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        control.now_ps[0] = now_ps
        slot = fluid_take(fluids, now_ps)
        while slot >= 0:
            batch.finish_ps[fluids.jobs.tag[slot]] = now_ps
            batch.ended[0] += 1
            control.events[0] += 1
            slot = fluid_take(fluids, now_ps)
        while batch.begun[0] < jobs:
            job = batch.order[batch.begun[0]]
            if batch.arrival_ps[job] > now_ps:
                break
            if fluid_room(fluids) == 0:
                return GROW
            begin(state, now_ps, job)
            control.events[0] += 1
        state.next_ps[0] = fluid_next_ps(fluids, now_ps)
    return RUNNING


@kernel
def begin(state, now_ps, job):  # type: ignore[no-untyped-def]
    """Start a job."""
    state.batch.begun[0] += 1
    slot = fluid_open(state.fluids, state.station[job], now_ps, state.batch.service_ps[job],
                      state.weight[job], state.priority[job], job)
    for resource in range(state.demand.shape[1]):
        fluid_use(state.fluids, slot, resource, state.demand[job, resource])


def sharing_grow(state: SharingState, what: int) -> SharingState:
    """More room for running jobs, the only thing that grows."""
    return state._replace(fluids=grown_fluids(state.fluids))


def sharing_waits(state: SharingState) -> str:
    """What waits for what, for the report of a stall."""
    waiting = np.flatnonzero(state.batch.finish_ps < 0)
    empty = state.fluids.capacity == 0
    words = []
    for job in waiting[:MOST_NAMED]:
        station = state.station[job]
        lacks = np.flatnonzero(empty[station] & (state.demand[job] > 0))
        of = f"resource {lacks[0]}, of which it has none" if len(lacks) else "a better class to end"
        words.append(f"job {job} waits at station {station} for {of}")
    more = f"; and {len(waiting) - MOST_NAMED} more jobs" if len(waiting) > MOST_NAMED else ""
    return "; ".join(words) + more


def _demands(given: npt.ArrayLike) -> F64:
    values: npt.NDArray[Any] = np.asarray(given)
    if values.ndim != 2 or values.shape[1] == 0 or values.dtype.kind not in "iuf":
        raise InputError(f"demand is {values.dtype} of shape {values.shape}; numbers of shape "
                         "(jobs, resources) are needed")
    demand = values.astype(np.float64)
    good = np.isfinite(demand) & (demand >= 0)
    if not good.all():
        job, resource = (int(at) for at in np.argwhere(~good)[0])
        raise InputError(f"demand[{job}, {resource}] is {demand[job, resource]}; a finite number, "
                         "0 or more, is needed")
    return demand


def _refuse_shape(capacity: F64, resources: int) -> None:
    if capacity.ndim and capacity.shape != (resources,):
        raise InputError(f"capacity has shape {capacity.shape}; jobs use {resources} resources, "
                         f"so ({resources},) or one number is needed")
