"""What the packet model keeps: transfers, ports with queues, switches with buffers, frames.

Queues are linked lists of frames, one a port and class; a host's queues are linked lists of the
transfers that have begun, served in turn. Bytes in buffers are without preamble and gap.
Units: bytes, int64 ps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.heap import EventHeap, grown_heap, new_heap
from rackwright.engine.slots import free_slots, grown_pool
from rackwright.engine.status import Control, new_control

__all__ = [
    "FrameSizes", "Frames", "Nodes", "PacketState", "Ports", "Transfers", "grow_packets",
    "new_packets",
]

I64 = npt.NDArray[np.int64]
GROW_HEAP, GROW_FRAMES = 0, 1


class FrameSizes(NamedTuple):
    """Wire bytes of each transfer's first, middle and last frame, and how many there are."""

    frames: I64
    first: I64
    full: I64
    last: I64


class Transfers(NamedTuple):
    """One entry a transfer."""

    start_ps: I64
    source: I64
    target: I64
    kind: I64           # class: its priority
    sizes: FrameSizes
    way: I64            # where its ports begin in `ports`
    ports: I64          # the ways of all, one after the other
    hops: I64
    sent: I64           # frames begun at the source
    arrived: I64
    dropped: I64
    expected: I64       # number that the next frame to arrive has at least
    finish_ps: I64      # of the last frame that came; -1 before
    following: I64      # next in a host's queue


class Ports(NamedTuple):
    """One entry a direction of a link."""

    source: I64
    target: I64
    ps_per_byte: npt.NDArray[np.float64]
    latency_ps: I64
    busy: I64
    free_ps: I64        # when the frame being sent, or the last one, is through
    head: I64           # (ports, classes): first frame, or transfer at a host; -1: none
    tail: I64
    queued: I64         # (ports, classes) bytes
    paused: I64         # (ports, classes): 1 while the far end asks for silence
    deficit: I64        # (ports, classes): of deficit round robin
    turn: I64           # class that deficit round robin serves
    leaving: I64        # buffer bytes of the frame being sent
    leaving_port: I64   # where that frame came in, -1 at its source
    leaving_kind: I64
    sent_bytes: I64     # wire bytes
    held: I64           # (ports, classes): buffer bytes that came in by this port
    pausing: I64        # (ports, classes): 1 while its sender has been asked for silence
    most_held: I64      # highest of held
    most_queued: I64
    pauses: I64         # pauses asked for


class Nodes(NamedTuple):
    """One entry a node; hosts have is_switch 0."""

    is_switch: I64
    latency_ps: I64
    cut_through: I64
    buffer: I64
    port_limit: I64
    classes: I64
    drr: I64
    quanta: I64         # (nodes, classes)
    pfc: I64
    xoff: I64
    xon: I64
    held_limit: I64     # xoff + headroom
    used: I64           # bytes
    most_used: I64
    drops: I64


class Frames(NamedTuple):
    """A pool of frames in the network."""

    transfer: I64
    number: I64
    wire: I64           # bytes with preamble and gap
    hop: I64            # index of the port that it is on, or waits for, within its way
    came_by: I64        # port, -1 at the source
    following: I64
    free: I64


class PacketState(NamedTuple):
    control: Control
    heap: EventHeap
    spacing: int            # wire bytes that take no buffer
    cut_bytes: int
    response_ps: int        # from a pause's arrival to its effect
    transfers: Transfers
    ports: Ports
    nodes: Nodes
    frames: Frames
    free_count: I64         # (1,)


def new_packets(transfers: Transfers, ports: Ports, nodes: Nodes, *, spacing: int, cut_bytes: int,
                response_ps: int, room: int = 1024) -> PacketState:
    """The state before the first event, with `room` for frames and events."""
    return PacketState(new_control(), new_heap(max(room, 4 * len(ports.busy) + 64)), spacing,
                       cut_bytes, response_ps, transfers, ports, nodes, _frames(0, room),
                       np.array([room], np.int64))


def grow_packets(state: PacketState, what: int) -> PacketState:
    """Twice the room for events or frames."""
    if what == GROW_HEAP:
        return state._replace(heap=grown_heap(state.heap))
    room = len(state.frames.free)
    return state._replace(frames=grown_pool(state.frames, _frames(room, room), state.free_count))


def _frames(first: int, room: int) -> Frames:
    columns = [np.full(room, -1, np.int64) for _ in range(6)]
    return Frames(*[*columns, free_slots(first, room)])
