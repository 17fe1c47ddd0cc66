"""Streams of kernels on the SMs of one GPU, event by event.

An event is the end of a group of blocks or of a kernel's launch. At each, in this order: groups
end, kernels whose last block has ended end, launches end, blocks are placed (`place`), memory
bandwidth is shared anew (`share`). Ends are rounded up to the picosecond; groups that would end
within half of one end together.
"""

from __future__ import annotations

from rackwright.devices.gpu.cycle.place import place_blocks
from rackwright.devices.gpu.cycle.share import demand_of, find_ends, share_memory
from rackwright.devices.gpu.cycle.state import IDLE, PLACED, QUEUED, ROOM, WAITING
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FOREVER_PS, GROW, RUNNING

__all__ = ["advance_streams"]

TICK = 0.5      # ps within which ends of groups are one event
CLOCK_END = 9.2e18  # ps; a little below 2**63, above any time that the clock can show


@kernel
def advance_streams(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Handle events up to `until_ps`, at most `max_events`; DONE when all have their laps."""
    for _ in range(max_events):
        if all_done(state):
            return DONE
        if laps_full(state):
            state.control.code[0] = 0
            return GROW
        now_ps = next_event_ps(state)
        if now_ps > until_ps:
            state.control.now_ps[0] = until_ps
            return RUNNING
        progress(state, now_ps)
        state.control.now_ps[0] = now_ps
        state.control.events[0] += 1
        end_groups(state)
        end_kernels(state, now_ps)
        end_launches(state, now_ps)
        place_blocks(state)
        share_memory(state)
        find_ends(state)
    return RUNNING


@kernel
def all_done(state):  # type: ignore[no-untyped-def]
    for stream in range(state.first.shape[0]):
        if state.laps[stream] < state.wanted[stream]:
            return False
    return True


@kernel
def laps_full(state):  # type: ignore[no-untyped-def]
    for stream in range(state.first.shape[0]):
        if state.laps[stream] == state.lap_ps.shape[1]:
            return True
    return False


@kernel
def next_event_ps(state):  # type: ignore[no-untyped-def]
    """The next end of a launch or of a group. There is one: a placed kernel's, or a launch's."""
    next_ps = FOREVER_PS
    touched_ps = state.touched_ps[0]
    for stream in range(state.first.shape[0]):
        if state.phase[stream] == WAITING:
            next_ps = min(next_ps, state.ready_ps[stream])
        if state.resident[stream] > 0:
            # nonzero: resident blocks have a positive speed
            exact = (state.first_end[stream] - state.virtual[stream]) / state.speed[stream]
            if exact < CLOCK_END - touched_ps:
                whole = int(exact)
                if whole < exact:
                    whole += 1
                next_ps = min(next_ps, touched_ps + max(whole, 0))
    return next_ps


@kernel
def progress(state, now_ps):  # type: ignore[no-untyped-def]
    """Let resident blocks run until `now_ps`."""
    passed = float(now_ps - state.touched_ps[0])
    for stream in range(state.first.shape[0]):
        if state.resident[stream] > 0:
            room = state.kernels.room[state.first[stream] + state.at[stream]]
            run = passed * state.speed[stream]
            state.virtual[stream] += run
            state.memory_ps[stream] += run * demand_of(state, stream)
            # nonzero: a constant
            state.sm_ps[stream] += passed * (state.resident[stream] * room / ROOM)
    state.touched_ps[0] = now_ps


@kernel
def end_groups(state):  # type: ignore[no-untyped-def]
    """Take groups that are done off their SMs; the last one fills the hole."""
    group = 0
    while group < state.groups[0]:
        stream = state.group_stream[group]
        if state.group_end[group] - state.virtual[stream] > TICK:
            group += 1
            continue
        blocks = state.group_blocks[group]
        index = state.first[stream] + state.at[stream]
        sm = state.group_sm[group]
        state.free[sm] += blocks * state.kernels.room[index]
        state.busy[sm] -= blocks * state.kernels.issue[index]
        state.resident[stream] -= blocks
        last = state.groups[0] - 1
        state.groups[0] = last
        state.group_sm[group] = state.group_sm[last]
        state.group_stream[group] = state.group_stream[last]
        state.group_blocks[group] = state.group_blocks[last]
        state.group_end[group] = state.group_end[last]


@kernel
def end_kernels(state, now_ps):  # type: ignore[no-untyped-def]
    """Begin the next launch of streams whose kernel has no block left."""
    for stream in range(state.first.shape[0]):
        if state.phase[stream] == PLACED and state.resident[stream] == 0:
            state.kernels.finish_ps[state.first[stream] + state.at[stream]] = now_ps
            state.at[stream] += 1
            state.placed[stream] = 0
            state.phase[stream] = WAITING
            if state.at[stream] == state.length[stream]:
                end_lap(state, stream, now_ps)
            state.ready_ps[stream] = now_ps + state.kernels.gap_ps[
                state.first[stream] + state.at[stream]]


@kernel
def end_lap(state, stream, now_ps):  # type: ignore[no-untyped-def]
    state.lap_ps[stream, state.laps[stream]] = now_ps
    state.laps[stream] += 1
    state.at[stream] = 0
    state.virtual[stream] = 0.0
    if state.loops[stream] == 0 and state.laps[stream] >= state.wanted[stream]:
        state.phase[stream] = IDLE


@kernel
def end_launches(state, now_ps):  # type: ignore[no-untyped-def]
    """Queue kernels whose launch is over, streams in their order."""
    for stream in range(state.first.shape[0]):
        if state.phase[stream] == WAITING and state.ready_ps[stream] <= now_ps:
            state.phase[stream] = QUEUED
            state.arrival[stream] = state.arrivals[0]
            state.arrivals[0] += 1
