"""The packet pipeline cycle by cycle: queues, credits, drops. `stages` has its closed form.

At a moment every stage, the last one first, may start the packet at the front of its queue:
when it has come (its head, or all of it where the stage wants that), the stage is free, and the
next queue has a slot. Packets arrive at the first queue at clock edges and are dropped when it is
full. Time is counted in ticks, sixteenths of a cycle, since the line and PCIe keep their own pace;
ticks in which nothing can start or arrive are skipped, not stepped, which changes nothing.

How long a stage is held is computed once for every packet (`Pipeline.held_ticks`). The depth of a
stage is a delay line: it never stalls, since the slot behind it is taken beforehand. Leaves out
what `stages` leaves out. Units: ticks inside, seconds outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import sizes
from rackwright.devices.nic.stages import TICKS, Pipeline
from rackwright.engine.driver import drive
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, RUNNING, STALLED, Control, new_control
from rackwright.errors import ModelFault, UsageError
from rackwright.units import seconds_to_ps

__all__ = ["PipelineRun", "PipelineState", "new_pipeline_state", "pipeline_advance",
           "run_pipeline"]

I64 = npt.NDArray[np.int64]
DROPPED = -2
NEVER = 1 << 62
MAX_PS = 1 << 62


class PipelineState(NamedTuple):
    """Packets, and the queue before each stage as a ring of packet numbers."""

    control: Control
    period_ps: int
    depth: I64              # (stages,)
    whole: I64              # (stages,): 1 where the whole packet must have come
    slots: I64              # (stages,)
    held: I64               # (stages, packets)
    nbytes: I64             # (packets,)
    arrive: I64             # (packets,): tick; never falls
    head: I64               # (packets,): tick at which it is at its next stage
    tail: I64               # (packets,)
    left: I64               # (packets,): tick at which its tail left; -1, or DROPPED
    ring: I64               # (stages, most slots)
    first: I64              # (stages,)
    waiting: I64            # (stages,): packets in the queue
    most: I64               # (stages,): longest that each queue was
    free: I64               # (stages,): tick from which it can start the next packet
    busy: I64               # (stages,): ticks for which it was held
    came: I64               # (1,): packets that have arrived
    totals: I64             # (6,): packets out, dropped, inside; bytes out, dropped, inside


@dataclass(frozen=True)
class PipelineRun:
    """Per packet: seconds at which its tail left (nan when dropped) and that it spent inside.
    Per stage: the longest queue, the share of the time for which it was held. `moments`: ticks at
    which something happened."""

    left_time: npt.NDArray[np.float64]
    spent_time: npt.NDArray[np.float64]
    dropped: npt.NDArray[np.bool_]
    longest_queue: I64
    busy_share: npt.NDArray[np.float64]
    moments: int

    @property
    def packet_rate(self) -> float:
        """Packets/s between the first and the last that left."""
        left = self.left_time[~self.dropped]
        span = float(left.max() - left.min()) if len(left) > 1 else 0.0
        return (len(left) - 1) / span if span > 0 else 0.0


def run_pipeline(pipeline: Pipeline, arrival_time: npt.ArrayLike, nbytes: npt.ArrayLike, *,
                 debug: bool = False) -> PipelineRun:
    """Send packets of `nbytes` through `pipeline`; they come at `arrival_time` (s, not falling)
    and wait for the next clock edge. `debug` checks after every moment that packets, slots and
    bytes are conserved. Raises `UsageError`, `Interrupted`."""
    state = new_pipeline_state(pipeline, arrival_time, nbytes)
    state = drive(pipeline_advance, state, waits=_waits, check=_check if debug else None)
    dropped = state.left == DROPPED
    left = np.where(dropped, np.nan, state.left * pipeline.tick_time)
    came = np.broadcast_to(np.asarray(arrival_time, np.float64), left.shape)
    span = max(int(state.left.max(initial=0)), 1)
    return PipelineRun(left, left - came, dropped, state.most.copy(), state.busy / span,
                       int(state.control.events[0]))


def new_pipeline_state(pipeline: Pipeline, arrival_time: npt.ArrayLike,
                       nbytes: npt.ArrayLike) -> PipelineState:
    """The state before the first cycle. Raises `UsageError` for times that fall or bytes that
    are no whole numbers."""
    n, = sizes(nbytes=nbytes)
    arrived_ps = np.asarray(seconds_to_ps(np.asarray(arrival_time, np.float64)))
    if arrived_ps.ndim != 1 or (np.diff(arrived_ps) < 0).any():
        raise UsageError("arrival_time must be one row of times that never fall")
    n = np.broadcast_to(n, arrived_ps.shape)
    arrive = -(-arrived_ps // pipeline.period_ps) * TICKS
    held = np.ascontiguousarray(pipeline.held_ticks(n))
    stages = pipeline.stages
    inside = int(held.sum()) + TICKS * sum(stage.depth_cycles for stage in stages)
    last = int(arrive.max(initial=0)) + inside
    if last * pipeline.period_ps > MAX_PS:
        raise UsageError("these packets may take longer than the engine's clock goes: send fewer "
                         "or shorter ones")
    depth, whole, slots = (np.array([getattr(stage, name) for stage in stages], np.int64)
                           for name in ("depth_cycles", "whole", "slots"))
    depth *= TICKS
    first, waiting, most, free, busy = np.zeros((5, len(stages)), np.int64)
    head, tail = np.zeros((2, len(arrive)), np.int64)
    ring = np.zeros((len(stages), int(slots.max())), np.int64)
    return PipelineState(new_control(), pipeline.period_ps, depth, whole, slots, held,
                         n.astype(np.int64), arrive, head, tail,
                         np.full(len(arrive), -1, np.int64), ring, first, waiting, most, free,
                         busy, np.zeros(1, np.int64), np.zeros(6, np.int64))


@kernel
def start_tick(state, stage):  # type: ignore[no-untyped-def]
    """The first tick at which `stage` can start its front packet; NEVER when something else
    has to happen before."""
    if state.waiting[stage] == 0:
        return NEVER
    after = stage + 1
    if after < state.waiting.shape[0] and state.waiting[after] == state.slots[after]:
        return NEVER
    packet = state.ring[stage, state.first[stage]]
    ready = state.head[packet]
    if state.whole[stage] == 1:
        ready = state.tail[packet]
    return max(ready, state.free[stage])


@kernel
def put(state, stage, packet):  # type: ignore[no-untyped-def]
    """Queue `packet` before `stage`, which has a slot."""
    place = state.first[stage] + state.waiting[stage]
    if place >= state.slots[stage]:
        place -= state.slots[stage]
    state.ring[stage, place] = packet
    state.waiting[stage] += 1
    state.most[stage] = max(state.most[stage], state.waiting[stage])


@kernel
def start(state, stage, tick):  # type: ignore[no-untyped-def]
    """`stage` takes its front packet; its times downstream are known at once."""
    packet = state.ring[stage, state.first[stage]]
    state.first[stage] += 1
    if state.first[stage] == state.slots[stage]:
        state.first[stage] = 0
    state.waiting[stage] -= 1
    end = max(tick + state.held[stage, packet], state.tail[packet])
    state.free[stage] = end
    state.busy[stage] += end - tick
    state.head[packet] = tick + state.depth[stage]
    state.tail[packet] = end + state.depth[stage]
    if stage + 1 < state.waiting.shape[0]:
        put(state, stage + 1, packet)
        return
    state.left[packet] = state.tail[packet]
    totals, nbytes = state.totals, state.nbytes[packet]
    totals[0] += 1
    totals[2] -= 1
    totals[3] += nbytes
    totals[5] -= nbytes


@kernel
def arrivals(state, tick):  # type: ignore[no-untyped-def]
    """Packets that come at this tick enter the first queue, or are dropped."""
    totals = state.totals
    packet = state.came[0]
    while packet < state.arrive.shape[0] and state.arrive[packet] <= tick:
        nbytes = state.nbytes[packet]
        if state.waiting[0] == state.slots[0]:
            state.left[packet] = DROPPED
            totals[1] += 1
            totals[4] += nbytes
        else:
            state.head[packet] = tick
            state.tail[packet] = tick
            put(state, 0, packet)
            totals[2] += 1
            totals[5] += nbytes
        packet += 1
    state.came[0] = packet


@kernel
def pipeline_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One moment at which something happens after another; see `rackwright.engine.status`."""
    control, stages = state.control, state.waiting.shape[0]
    for _ in range(max_events):
        tick = NEVER
        if state.came[0] < state.arrive.shape[0]:
            tick = state.arrive[state.came[0]]
        for stage in range(stages):
            tick = min(tick, start_tick(state, stage))
        if tick == NEVER:
            return DONE if state.totals[2] == 0 else STALLED
        now_ps = tick * state.period_ps // TICKS  # nonzero: a constant
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        control.now_ps[0] = now_ps
        for back in range(stages):
            if start_tick(state, stages - 1 - back) <= tick:
                start(state, stages - 1 - back, tick)
        arrivals(state, tick)
        if start_tick(state, 0) <= tick:
            start(state, 0, tick)
        control.events[0] += 1
    return RUNNING


def _waits(state: PipelineState) -> str:
    return f"{int(state.totals[2])} packets wait in queues of {state.waiting.tolist()}"


def _check(state: PipelineState) -> None:
    """Packets and bytes are inside, out or dropped; no queue is longer than its slots."""
    out, dropped, inside, *volumes = (int(value) for value in state.totals)
    came = int(state.came[0])
    if came != out + dropped + inside or inside != int(state.waiting.sum()):
        raise ModelFault(f"{came} packets came; {out} are out, {dropped} dropped, {inside} inside "
                         f"in queues of {state.waiting.tolist()}")
    if int(state.nbytes[:came].sum()) != sum(volumes):
        raise ModelFault(f"{int(state.nbytes[:came].sum())} bytes came; out, dropped and inside "
                         f"are {volumes}")
    if (state.waiting > state.slots).any() or (state.waiting < 0).any():
        raise ModelFault(f"queues of {state.waiting.tolist()} packets have {state.slots.tolist()} "
                         "slots")
