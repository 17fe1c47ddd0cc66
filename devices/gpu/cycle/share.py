"""How fast blocks run: memory bandwidth shared max-min among the kernels on the GPU.

A block at full speed takes a part of the memory system. While all resident blocks together ask for
no more than there is, all run at full speed. Otherwise a kernel gets what it asks for as long as
that is no more than its share by the SM room that it holds, and what is left goes to the others.

Leaves out: L2 as a limit of its own, and what kernels evict from it; issue slots and matrix units
within an SM, which blocks of different kernels on one SM would share; the clock.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.status import FOREVER_PS

__all__ = ["demand_of", "find_ends", "share_memory"]


@kernel
def demand_of(state, stream):  # type: ignore[no-untyped-def]
    """The part of the memory system that a stream's resident blocks take at full speed."""
    index = state.first[stream] + state.at[stream]
    if state.resident[stream] == 0:
        return 0.0
    # nonzero: work is at least 1 ps
    return state.resident[stream] * state.kernels.memory[index] / state.kernels.work[index]


@kernel
def share_memory(state):  # type: ignore[no-untyped-def]
    """Set the speed of every stream; while they are found, -1 marks those that are not yet."""
    streams = state.first.shape[0]
    for stream in range(streams):
        state.speed[stream] = -1.0
    left = 1.0
    level = 0.0
    found = 1
    while found > 0:
        found = 0
        level = fair_level(state, left)
        for stream in range(streams):
            demand = demand_of(state, stream)
            if state.speed[stream] < 0.0 and demand <= level * held(state, stream):
                state.speed[stream] = 1.0
                left -= demand
                found += 1
    for stream in range(streams):
        if state.speed[stream] < 0.0:
            # nonzero: a stream that asks for nothing has been found
            state.speed[stream] = level * held(state, stream) / demand_of(state, stream)


@kernel
def fair_level(state, left):  # type: ignore[no-untyped-def]
    """The part of the memory system for each unit of room, of streams without a speed.

    When what they ask for fits, so much that all of them get it.
    """
    asked = 0.0
    room = 0.0
    steepest = 0.0
    for stream in range(state.first.shape[0]):
        if state.speed[stream] < 0.0 and state.resident[stream] > 0:
            demand = demand_of(state, stream)
            asked += demand
            room += held(state, stream)
            # nonzero: a resident block holds room
            steepest = max(steepest, demand / held(state, stream))
    if asked <= left:
        return steepest * 2.0
    return max(left, 0.0) / room  # nonzero: who asks for memory holds room


@kernel
def held(state, stream):  # type: ignore[no-untyped-def]
    """Units of SM room that a stream's blocks hold."""
    index = state.first[stream] + state.at[stream]
    return float(state.resident[stream] * state.kernels.room[index])


@kernel
def find_ends(state):  # type: ignore[no-untyped-def]
    """Set each stream's next end of a group, in its virtual time."""
    for stream in range(state.first.shape[0]):
        state.first_end[stream] = float(FOREVER_PS)
    for group in range(state.groups[0]):
        stream = state.group_stream[group]
        state.first_end[stream] = min(state.first_end[stream], state.group_end[group])
