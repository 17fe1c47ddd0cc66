"""The arrays of streams of kernels that share one GPU; `advance` changes them.

A *kernel* is a number of thread blocks that walk its tiles; a *stream* runs its list of kernels one
after the other, over and over (laps). An SM has ROOM units of room (registers, threads, shared
memory, whichever a block needs most of) and ISSUE units of issue slots. Blocks of a kernel that
start together on an SM are one *group*; live groups are dense at the front of their arrays.

Units: int64 picoseconds for the clock, float64 picoseconds for work. The *virtual* time of a stream
is how long its blocks have run at full speed: memory bandwidth that is short slows it down.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.status import FOREVER_PS, Control, new_control

__all__ = ["IDLE", "ISSUE", "PLACED", "QUEUED", "ROOM", "WAITING", "KernelArrays", "StreamState",
           "grown", "new_state"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
ISSUE = 4096    # units of an SM: fine enough for any block
ROOM = 48       # units of an SM: a third, a quarter and a sixteenth are whole numbers
FIRST_LAPS = 16  # laps of a stream that there is room for at first
WAITING, QUEUED, PLACED, IDLE = 0, 1, 2, 3  # for the launch; for SMs; all blocks on SMs; done


class KernelArrays(NamedTuple):
    """One entry a kernel."""

    blocks: I64
    tiles: I64      # >= blocks; the first ones walk one more than the last
    room: I64       # units of a block, 1 to ROOM
    issue: I64      # units that a block asks for, 1 to ISSUE
    work: F64       # ps of a tile at full speed
    memory: F64     # ps of the memory system that a tile takes
    gap_ps: I64     # after the end of the kernel before it
    priority: I64   # lower goes first
    finish_ps: I64  # of its last run; -1 before


class StreamState(NamedTuple):
    """All of a run. Per stream unless said otherwise."""

    control: Control
    kernels: KernelArrays
    first: I64       # its kernels are first ... first + length - 1
    length: I64
    wanted: I64      # laps after which the run may end
    loops: I64       # 1: it goes on until all have their laps
    phase: I64
    at: I64          # the kernel, counted from `first`
    ready_ps: I64
    arrival: I64     # order in which kernels have been queued
    placed: I64      # blocks of the kernel that have been put on SMs
    resident: I64    # of these, blocks that have not ended
    virtual: F64
    speed: F64       # 0 to 1
    first_end: F64   # virtual time of the next end of a group
    laps: I64
    lap_ps: I64      # (streams, capacity): ends of laps
    sm_ps: F64       # SMs held times ps
    memory_ps: F64   # of the memory system
    free: I64        # per SM: units of room
    busy: I64        # per SM: units of issue slots asked for
    put: I64         # per SM: scratch
    group_sm: I64    # per group
    group_stream: I64
    group_blocks: I64
    group_end: F64   # in the stream's virtual time
    groups: I64      # one element: live ones
    arrivals: I64    # one element: kernels queued so far
    touched_ps: I64  # one element: the clock of `virtual`


def new_state(sms: int, kernels: KernelArrays, first: I64, length: I64, wanted: I64, loops: I64,
              start_ps: I64) -> StreamState:
    """Streams that start their first kernel's launch at `start_ps`."""
    streams, most = len(first), sms * (ROOM // int(kernels.room.min()))
    phase, at, arrival, placed, resident, laps = np.zeros((6, streams), np.int64)
    virtual, sm_ps, memory_ps = np.zeros((3, streams))
    group_sm, group_stream, group_blocks = np.zeros((3, most), np.int64)
    groups, arrivals, touched_ps = np.zeros((3, 1), np.int64)
    return StreamState(
        new_control(), kernels, first, length, wanted, loops, phase, at,
        start_ps + kernels.gap_ps[first], arrival, placed, resident, virtual, np.ones(streams),
        np.full(streams, float(FOREVER_PS)), laps, np.zeros((streams, FIRST_LAPS), np.int64),
        sm_ps, memory_ps, np.full(sms, ROOM, np.int64), np.zeros(sms, np.int64),
        np.zeros(sms, np.int64), group_sm, group_stream, group_blocks, np.zeros(most), groups,
        arrivals, touched_ps)


def grown(state: StreamState, what: int) -> StreamState:
    """The same state with room for twice the laps, the only array that can fill up."""
    return state._replace(lap_ps=np.concatenate([state.lap_ps, np.zeros_like(state.lap_ps)], 1))
