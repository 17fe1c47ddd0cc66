"""What must hold in the packet model after every event: frames and bytes are conserved.

Used by `simulate(..., checked=True)`; raises `ModelFault` and says what is off.
"""

from __future__ import annotations

import numpy as np

from rackwright.devices.ethernet.packets import REACH
from rackwright.devices.ethernet.state import PacketState
from rackwright.errors import ModelFault

__all__ = ["check_packets"]


def check_packets(state: PacketState) -> None:
    """Frames of each transfer, buffers of each node, bytes held for each port, and their bounds."""
    queued = _queued(state)
    _check_frames(state, queued)
    _check_buffers(state, queued)
    nodes, ports = state.nodes, state.ports
    over = (nodes.used > nodes.buffer) & (nodes.is_switch == 1)
    if over.any() or (nodes.used < 0).any() or (ports.held < 0).any():
        raise ModelFault(f"buffers hold {nodes.used.tolist()} of {nodes.buffer.tolist()} bytes")


def _queued(state: PacketState) -> list[tuple[int, int]]:
    """(port, frame) of every frame in a switch's queue."""
    found = []
    for port, kind in np.argwhere(state.ports.head >= 0):
        if state.nodes.is_switch[state.ports.source[port]]:
            frame = int(state.ports.head[port, kind])
            while frame >= 0:
                found.append((int(port), frame))
                frame = int(state.frames.following[frame])
    return found


def _check_frames(state: PacketState, queued: list[tuple[int, int]]) -> None:
    transfers, size = state.transfers, int(state.heap.size[0])
    flying = [int(item) for kind, item in zip(state.heap.kind[:size], state.heap.item[:size],
                                              strict=True) if kind == REACH]
    inside = np.zeros(len(transfers.sent), np.int64)
    for frame in [*flying, *(frame for _, frame in queued)]:
        inside[state.frames.transfer[frame]] += 1
    if (transfers.sent != transfers.arrived + transfers.dropped + inside).any():
        raise ModelFault(f"frames sent {transfers.sent.tolist()}, arrived "
                         f"{transfers.arrived.tolist()}, dropped {transfers.dropped.tolist()}, "
                         f"in the network {inside.tolist()}")
    taken = len(state.frames.free) - int(state.free_count[0])
    if taken != len(flying) + len(queued):
        raise ModelFault(f"{taken} frames are taken from the pool, "
                         f"{len(flying) + len(queued)} are in the network")


def _check_buffers(state: PacketState, queued: list[tuple[int, int]]) -> None:
    ports = state.ports
    used = np.zeros_like(state.nodes.used)
    held = np.zeros_like(ports.held)
    for port, frame in queued:
        size = state.frames.wire[frame] - state.spacing
        used[ports.source[port]] += size
        kind = state.transfers.kind[state.frames.transfer[frame]]
        held[state.frames.came_by[frame], kind] += size
    for sending in np.flatnonzero((ports.busy == 1) & (ports.leaving_port >= 0)):
        port = int(sending)
        used[ports.source[port]] += ports.leaving[port]
        held[ports.leaving_port[port], ports.leaving_kind[port]] += ports.leaving[port]
    if (used != state.nodes.used).any() or (held != ports.held).any():
        raise ModelFault(f"buffers count {state.nodes.used.tolist()} bytes, frames in them have "
                         f"{used.tolist()}")
