"""Queues of the packet model: what waits at a port, and which class goes next. Kernels.

Strict priority serves class 0 first; deficit round robin gives each class its quantum of bytes a
round and keeps what a class could not use, while it has something to send. A host serves the
transfers of a class in turn, a frame each. Units: bytes, int64 ps.
Source: Shreedhar and Varghese, Efficient Fair Queuing Using Deficit Round Robin, 1995 (recalled).
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["append", "drr_class", "next_of_host", "port_of", "strict_class", "take", "whole_ps"]


@kernel
def whole_ps(exact):  # type: ignore[no-untyped-def]
    """Picoseconds, rounded up."""
    down = int(exact)
    return down + 1 if down < exact else down


@kernel
def port_of(state, transfer, hop):  # type: ignore[no-untyped-def]
    return state.transfers.ports[state.transfers.way[transfer] + hop]


@kernel
def append(ports, links, port, kind, entry):  # type: ignore[no-untyped-def]
    """Put a frame (or a transfer) at the end of a port's queue; `links` are the next pointers."""
    links[entry] = -1
    if ports.head[port, kind] < 0:
        ports.head[port, kind] = entry
    else:
        links[ports.tail[port, kind]] = entry
    ports.tail[port, kind] = entry


@kernel
def take(ports, links, port, kind):  # type: ignore[no-untyped-def]
    """Remove the first entry of a port's queue, which is not empty."""
    entry = ports.head[port, kind]
    ports.head[port, kind] = links[entry]
    return entry


@kernel
def strict_class(ports, port):  # type: ignore[no-untyped-def]
    """The first class that has something and may speak; -1: none."""
    for kind in range(ports.head.shape[1]):
        if ports.head[port, kind] >= 0 and ports.paused[port, kind] == 0:
            return kind
    return -1


@kernel
def drr_class(state, port):  # type: ignore[no-untyped-def]
    """The class that deficit round robin serves next; -1: none."""
    ports, node = state.ports, state.ports.source[port]
    classes = state.nodes.classes[node]
    if strict_class(ports, port) < 0:
        return -1
    while True:
        kind = ports.turn[port]
        head = ports.head[port, kind]
        if head >= 0 and ports.paused[port, kind] == 0:
            size = state.frames.wire[head] - state.spacing
            if ports.deficit[port, kind] >= size:
                ports.deficit[port, kind] -= size
                return kind
        if head < 0:
            ports.deficit[port, kind] = 0
        # nonzero: a switch has at least one class
        kind = (kind + 1) % classes
        ports.turn[port] = kind
        if ports.head[port, kind] >= 0 and ports.paused[port, kind] == 0:
            ports.deficit[port, kind] += state.nodes.quanta[node, kind]


@kernel
def next_of_host(state, port, kind):  # type: ignore[no-untyped-def]
    """The next frame of the transfer whose turn it is; the transfer goes to the end."""
    transfers, frames = state.transfers, state.frames
    transfer = take(state.ports, transfers.following, port, kind)
    number = transfers.sent[transfer]
    transfers.sent[transfer] = number + 1
    size = transfers.sizes.full[transfer]
    if number == 0:
        size = transfers.sizes.first[transfer]
    elif number + 1 == transfers.sizes.frames[transfer]:
        size = transfers.sizes.last[transfer]
    if number + 1 < transfers.sizes.frames[transfer]:
        append(state.ports, transfers.following, port, kind, transfer)
    state.free_count[0] -= 1
    frame = frames.free[state.free_count[0]]
    frames.transfer[frame] = transfer
    frames.number[frame] = number
    frames.wire[frame] = size
    frames.hop[frame] = 0
    frames.came_by[frame] = -1
    return frame
