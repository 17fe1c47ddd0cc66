"""Frames through hosts and switches: the compiled loop.

A frame is an event when it reaches a node (its head where the next port cuts through, else its
end) and when a port has sent it, gap included. A switch charges its buffer when the frame comes
and frees it when the frame has left; what does not fit is dropped. With PFC, a switch asks the
sender of a port and class for silence when what came in there exceeds xoff, and takes it back at
xon; the frame being sent ends first, and a class that is silent holds up all behind it. A pause
frame waits for the frame being sent its way, takes its time on the wire, and delays no data.

Left out: expiry of pauses (a switch renews them), ECN, retransmission. Times: int64 ps, rounded up
a frame. Sources: IEEE 802.3 and 802.1Qbb (recalled).
"""

from __future__ import annotations

from rackwright.devices.ethernet.queues import (
    append,
    drr_class,
    next_of_host,
    port_of,
    strict_class,
    take,
    whole_ps,
)
from rackwright.devices.ethernet.state import GROW_FRAMES, GROW_HEAP
from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, GROW, RUNNING, STALLED

__all__ = ["PAUSE_BYTES", "packets_advance"]

START, SENT, REACH, QUIET, RESUME = 0, 1, 2, 3, 4
PAUSE_BYTES = 64 + 20  # the shortest frame, preamble and gap: IEEE 802.3 annex 31B
OUT_OF_ORDER = 1


@kernel
def packets_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Handle events; see `engine.status`. Faults: OUT_OF_ORDER with transfer and frame."""
    heap, control = state.heap, state.control
    for _ in range(max_events):
        if heap.size[0] == 0:
            return DONE if all_through(state) == 1 else STALLED
        if heap_room(heap) < 8:
            control.code[0] = GROW_HEAP
            return GROW
        if state.free_count[0] < 2:
            control.code[0] = GROW_FRAMES
            return GROW
        if heap.time_ps[0] > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        now_ps, kind, item = heap_pop(heap)
        control.now_ps[0] = now_ps
        control.events[0] += 1
        if kind == REACH:
            if reach(state, item, now_ps) == 0:
                return FAULT
        elif kind == SENT:
            sent(state, item, now_ps)
        elif kind == START:
            begin(state, item, now_ps)
        else:
            classes = state.ports.paused.shape[1]
            # nonzero: there is at least one class
            port, silent = item // classes, item % classes
            state.ports.paused[port, silent] = 1 if kind == QUIET else 0
            kick(state, port, now_ps)
    return RUNNING


@kernel
def all_through(state):  # type: ignore[no-untyped-def]
    transfers = state.transfers
    for one in range(transfers.sent.shape[0]):
        if transfers.arrived[one] + transfers.dropped[one] < transfers.sizes.frames[one]:
            return 0
    return 1


@kernel
def begin(state, transfer, now_ps):  # type: ignore[no-untyped-def]
    port = port_of(state, transfer, 0)
    append(state.ports, state.transfers.following, port, state.transfers.kind[transfer], transfer)
    kick(state, port, now_ps)


@kernel
def kick(state, port, now_ps):  # type: ignore[no-untyped-def]
    """Send the next frame of a port, if it is free and has one that may go."""
    ports = state.ports
    if ports.busy[port] == 1:
        return
    node = ports.source[port]
    if state.nodes.drr[node] == 1:
        kind = drr_class(state, port)
    else:
        kind = strict_class(ports, port)
    if kind < 0:
        return
    if state.nodes.is_switch[node] == 0:
        frame = next_of_host(state, port, kind)
    else:
        frame = take(ports, state.frames.following, port, kind)
        ports.queued[port, kind] -= state.frames.wire[frame] - state.spacing
    send(state, port, kind, frame, now_ps)


@kernel
def send(state, port, kind, frame, now_ps):  # type: ignore[no-untyped-def]
    ports, frames = state.ports, state.frames
    transfer, hop, wire = frames.transfer[frame], frames.hop[frame], frames.wire[frame]
    ports.busy[port] = 1
    ports.leaving[port] = wire - state.spacing
    ports.leaving_port[port] = frames.came_by[frame]
    ports.leaving_kind[port] = kind
    ports.sent_bytes[port] += wire
    serial = whole_ps(wire * ports.ps_per_byte[port])
    ports.free_ps[port] = now_ps + serial
    heap_push(state.heap, now_ps + serial, 0, SENT, port)
    ready = serial
    if hop + 1 < state.transfers.hops[transfer]:
        following = port_of(state, transfer, hop + 1)
        node = ports.target[port]
        if state.nodes.cut_through[node] == 1 and (
                ports.ps_per_byte[following] >= ports.ps_per_byte[port]):
            ready = min(serial, whole_ps(state.cut_bytes * ports.ps_per_byte[port]))
        ready += state.nodes.latency_ps[node]
    frames.came_by[frame] = port
    heap_push(state.heap, now_ps + ready + ports.latency_ps[port], 0, REACH, frame)


@kernel
def sent(state, port, now_ps):  # type: ignore[no-untyped-def]
    """A frame has left: its buffer is free, its sender may speak again."""
    ports = state.ports
    ports.busy[port] = 0
    node, came_by = ports.source[port], ports.leaving_port[port]
    if came_by >= 0:
        kind = ports.leaving_kind[port]
        state.nodes.used[node] -= ports.leaving[port]
        ports.held[came_by, kind] -= ports.leaving[port]
        if ports.pausing[came_by, kind] == 1 and (
                ports.held[came_by, kind] <= state.nodes.xon[node]):
            ports.pausing[came_by, kind] = 0
            tell(state, came_by, kind, RESUME, now_ps)
    kick(state, port, now_ps)


@kernel
def tell(state, port, kind, what, now_ps):  # type: ignore[no-untyped-def]
    """Send a pause, or its end, against the direction of `port`: after the frame being sent."""
    back = port ^ 1
    begin_ps = max(now_ps, state.ports.free_ps[back])
    way = whole_ps(PAUSE_BYTES * state.ports.ps_per_byte[back]) + state.ports.latency_ps[back]
    item = port * state.ports.paused.shape[1] + kind
    heap_push(state.heap, begin_ps + way + state.response_ps, 0, what, item)


@kernel
def reach(state, frame, now_ps):  # type: ignore[no-untyped-def]
    """A frame comes to a node: 0 if it overtook another of its transfer."""
    frames, transfers = state.frames, state.transfers
    transfer = frames.transfer[frame]
    frames.hop[frame] += 1
    if frames.hop[frame] < transfers.hops[transfer]:
        if admit(state, frame, now_ps) == 0:
            transfers.dropped[transfer] += 1
            release(state, frame)
        return 1
    number = frames.number[frame]
    release(state, frame)
    if number < transfers.expected[transfer]:
        state.control.code[0] = OUT_OF_ORDER
        state.control.code[1] = transfer
        state.control.code[2] = number
        return 0
    transfers.expected[transfer] = number + 1
    transfers.arrived[transfer] += 1
    transfers.finish_ps[transfer] = now_ps
    return 1


@kernel
def release(state, frame):  # type: ignore[no-untyped-def]
    state.frames.free[state.free_count[0]] = frame
    state.free_count[0] += 1


@kernel
def admit(state, frame, now_ps):  # type: ignore[no-untyped-def]
    """Queue a frame for its next port; 0: no room, it is lost."""
    ports, nodes, frames = state.ports, state.nodes, state.frames
    transfer = frames.transfer[frame]
    port, came_by = port_of(state, transfer, frames.hop[frame]), frames.came_by[frame]
    node, kind = ports.source[port], state.transfers.kind[transfer]
    size = frames.wire[frame] - state.spacing
    if nodes.used[node] + size > nodes.buffer[node] or (
            ports.queued[port, kind] + size > nodes.port_limit[node]) or (
            nodes.pfc[node] == 1 and ports.held[came_by, kind] + size > nodes.held_limit[node]):
        nodes.drops[node] += 1
        return 0
    nodes.used[node] += size
    nodes.most_used[node] = max(nodes.most_used[node], nodes.used[node])
    ports.held[came_by, kind] += size
    ports.most_held[came_by] = max(ports.most_held[came_by], ports.held[came_by, kind])
    if nodes.pfc[node] == 1 and ports.pausing[came_by, kind] == 0 and (
            ports.held[came_by, kind] > nodes.xoff[node]):
        ports.pausing[came_by, kind] = 1
        ports.pauses[came_by] += 1
        tell(state, came_by, kind, QUIET, now_ps)
    append(ports, frames.following, port, kind, frame)
    ports.queued[port, kind] += size
    ports.most_queued[port] = max(ports.most_queued[port], ports.queued[port, kind])
    kick(state, port, now_ps)
    return 1
