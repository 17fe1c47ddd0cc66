"""Who gets SMs: the block scheduler of the GPU.

Kernels whose launch is over queue by priority, then in the order in which they came. Only the
first one's blocks are put on SMs, each on the one with most room left (of equals, the first); the
next kernel's turn comes when the first has no block left to place. Running blocks stay: a kernel of
higher priority gets room as blocks end.

These are the rules that experiments on several generations found (Amert et al., RTSS 2017,
recalled, not checked; Gilman et al., SIGMETRICS PER 48(3), 2020, abstract: SMs are chosen by what
is free), and CUDA's own: priorities pick among what waits and stop nothing that runs.

An SM whose blocks together ask for more issue slots than it has slows those that come to it, for as
long as they stay, in proportion.

Leaves out: what comes and goes on an SM after a block has started; registers, threads and shared
memory as separate limits; clusters of blocks.
"""

from __future__ import annotations

from rackwright.devices.gpu.cycle.state import ISSUE, PLACED, QUEUED
from rackwright.engine.kernel import kernel

__all__ = ["place_blocks"]


@kernel
def place_blocks(state):  # type: ignore[no-untyped-def]
    """Put blocks of waiting kernels on SMs while the first of them has one that fits."""
    while True:
        stream = next_in_line(state)
        if stream < 0:
            return
        index = state.first[stream] + state.at[stream]
        spread(state, stream, index)
        start_groups(state, stream, index)
        if state.placed[stream] < state.kernels.blocks[index]:
            return
        state.phase[stream] = PLACED


@kernel
def next_in_line(state):  # type: ignore[no-untyped-def]
    """The stream whose kernel is first in the queue; -1 when nothing waits for SMs."""
    best = -1
    best_priority = 0
    for stream in range(state.first.shape[0]):
        if state.phase[stream] != QUEUED:
            continue
        priority = state.kernels.priority[state.first[stream] + state.at[stream]]
        if best < 0 or priority < best_priority or (
                priority == best_priority and state.arrival[stream] < state.arrival[best]):
            best = stream
            best_priority = priority
    return best


@kernel
def spread(state, stream, index):  # type: ignore[no-untyped-def]
    """Take room for as many blocks as fit, emptiest SMs first; `put` counts them per SM."""
    left = state.kernels.blocks[index] - state.placed[stream]
    room = state.kernels.room[index]
    sms = state.free.shape[0]
    while left > 0:
        most = 0
        for sm in range(sms):
            most = max(most, state.free[sm])
        if most < room:
            return
        for sm in range(sms):
            if state.free[sm] == most and left > 0:
                state.free[sm] -= room
                state.put[sm] += 1
                left -= 1


@kernel
def start_groups(state, stream, index):  # type: ignore[no-untyped-def]
    """Turn `put` into running groups."""
    kernels = state.kernels
    blocks = kernels.blocks[index]
    share = kernels.tiles[index] // blocks  # nonzero: a kernel has at least one block
    longer = kernels.tiles[index] - share * blocks
    for sm in range(state.free.shape[0]):
        count = state.put[sm]
        if count == 0:
            continue
        tiles = share + 1 if state.placed[stream] < longer else share
        slot = state.groups[0]
        state.groups[0] = slot + 1
        state.group_sm[slot] = sm
        state.group_stream[slot] = stream
        state.group_blocks[slot] = count
        state.busy[sm] += count * kernels.issue[index]
        # nonzero: a constant
        slow = max(state.busy[sm] / ISSUE, 1.0)
        state.group_end[slot] = state.virtual[stream] + tiles * kernels.work[index] * slow
        state.placed[stream] += count
        state.resident[stream] += count
        state.put[sm] = 0
