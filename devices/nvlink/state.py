"""What the flit model keeps: flows, channels with credits, packets on their way.

GPU g sends on channel g (up) and receives on channel gpus + g (down); without a switch, channel g
leads to the other GPU. One link stands for a bundle. Class 0 carries data, class 1 responses, each
with its own credits and its own queue at each input of the switch. Units: flits, int64 ps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.nvlink.patterns import Pairs
from rackwright.engine.heap import EventHeap, grown_heap, new_heap
from rackwright.engine.slots import free_slots
from rackwright.engine.status import Control, new_control

__all__ = ["Channels", "FlitState", "Flows", "Packets", "grow_flits", "new_flits"]

I64 = npt.NDArray[np.int64]


class Flows(NamedTuple):
    """One entry a flow."""

    source: I64
    target: I64
    packets: I64        # to send in all
    last_flits: I64     # of the last one
    started: I64        # packets begun
    arrived: I64        # packets that came, in order
    done_ps: I64        # -1 until the last one came


class Channels(NamedTuple):
    """One entry a directed link."""

    busy: I64           # 1 while a flit leaves
    current: I64        # packet being sent, -1: none
    turn: I64           # where the next search for a packet begins
    credits: I64        # (channels, 2)
    sent: I64           # flits, for utilisation


class Packets(NamedTuple):
    """A pool of packets on their way."""

    flow: I64           # -1 in a response
    source: I64
    target: I64
    flits: I64
    number: I64         # within its flow
    up_sent: I64
    at_switch: I64
    down_sent: I64
    came: I64
    free: I64


class FlitState(NamedTuple):
    control: Control
    heap: EventHeap
    gpus: int
    switched: int               # 0: channel g leads straight to the other GPU
    flit_ps: int
    wire_ps: int
    switch_ps: int
    packet_flits: int
    response_ppm: int           # responses a million packets
    buffer_flits: int
    flows: Flows
    channels: Channels
    packets: Packets
    free_count: I64             # (1,)
    owed: I64                   # (gpus, gpus): responses that GPU i has yet to send to GPU j
    fraction: I64               # (gpus,): millionths of a response due
    queue: I64                  # (gpus * 2, room): rings of packets at the switch's inputs
    queue_head: I64
    queue_size: I64
    reading: I64                # (gpus * 2,): 1 while the queue's last taken packet leaves


def new_flits(pairs: Pairs, packets: int, last_flits: int, *, switched: bool, flit_ps: int,
              wire_ps: int, switch_ps: int, packet_flits: int, response_ppm: int,
              buffer_flits: int, heap_room: int = 0) -> FlitState:
    """The state before the first flit: every pair sends `packets`, the last of `last_flits`."""
    gpus = 1 + max(max(pair) for pair in pairs)
    count, channels = len(pairs), 2 * gpus
    # a packet holds a credit in a buffer, or is the one that a GPU sends
    room = 2 * channels * (buffer_flits + 1)
    flows = Flows(np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]),
                  np.full(count, packets), np.full(count, last_flits), _zeros(count),
                  _zeros(count), np.full(count, -1))
    return FlitState(
        new_control(), new_heap(heap_room or 4 * channels * (buffer_flits + 4)), gpus,
        int(switched), flit_ps, wire_ps, switch_ps, packet_flits, response_ppm, buffer_flits,
        Flows(*(array.astype(np.int64) for array in flows)),
        Channels(_zeros(channels), np.full(channels, -1, np.int64), _zeros(channels),
                 np.full((channels, 2), buffer_flits, np.int64), _zeros(channels)),
        Packets(*[*(_zeros(room) for _ in range(9)), free_slots(0, room)]),
        np.array([room], np.int64), np.zeros((gpus, gpus), np.int64), _zeros(gpus),
        np.zeros((2 * gpus, buffer_flits + 1), np.int64), _zeros(2 * gpus), _zeros(2 * gpus),
        _zeros(2 * gpus))


def grow_flits(state: FlitState, _what: int) -> FlitState:
    """Room for more events; nothing else can be full."""
    return state._replace(heap=grown_heap(state.heap))


def _zeros(count: int) -> I64:
    return np.zeros(count, np.int64)
