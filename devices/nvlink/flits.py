"""NVLink flit by flit: the compiled loop.

Every flit is an event on each wire, and so is every credit on its way back. A packet starts when
its receiver has room for all of it; at the switch it leaves as soon as its head is there (virtual
cut-through), and waits where its next flit has not come. A GPU serves its flows in turn, a packet
each; an output of the switch takes its inputs in turn; responses go before data. An input sends
one packet of a class at a time, first come, first out: what waits behind it waits too.

Left out: flits between packets of one class, retries, bit errors, the memory behind the GPUs (it
takes and gives flits at once). Times: int64 ps. Sources: `format`; arbitration and buffers of
NVSwitches are not public: assumed.
"""

from __future__ import annotations

from rackwright.devices.nvlink.choices import begin_packet, class_of
from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, GROW, RUNNING, STALLED

__all__ = ["flits_advance", "flits_begin"]

SLOT, AT_SWITCH, AT_GPU, CREDIT = 0, 1, 2, 3
OUT_OF_ORDER = 1
MILLION = 1_000_000


@kernel
def flits_begin(state):  # type: ignore[no-untyped-def]
    """Let every GPU start at time 0."""
    for gpu in range(state.gpus):
        pump(state, gpu, 0)


@kernel
def flits_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Handle events; see `engine.status`. Faults: OUT_OF_ORDER with flow and packet."""
    heap, control = state.heap, state.control
    for _ in range(max_events):
        if heap.size[0] == 0:
            return DONE if all_done(state) == 1 else STALLED
        if heap_room(heap) < 4 * state.gpus + 8:
            control.code[0] = 0
            return GROW
        if heap.time_ps[0] > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        now_ps, kind, item = heap_pop(heap)
        control.now_ps[0] = now_ps
        control.events[0] += 1
        if kind == SLOT:
            state.channels.busy[item] = 0
            pump(state, item, now_ps)
        elif kind == CREDIT:
            state.channels.credits[item >> 1, item & 1] += 1
            pump(state, item >> 1, now_ps)
        elif kind == AT_SWITCH:
            reach_switch(state, item, now_ps)
        elif reach_gpu(state, item, now_ps) == 0:
            return FAULT
    return RUNNING


@kernel
def all_done(state):  # type: ignore[no-untyped-def]
    for flow in range(state.flows.packets.shape[0]):
        if state.flows.arrived[flow] < state.flows.packets[flow]:
            return 0
    return 1


@kernel
def pump(state, channel, now_ps):  # type: ignore[no-untyped-def]
    """Send the next flit of a channel, if it is free and has one."""
    channels, packets = state.channels, state.packets
    if channels.busy[channel] == 1:
        return
    if channels.current[channel] < 0:
        begin_packet(state, channel)
    packet = channels.current[channel]
    up = channel < state.gpus
    if packet < 0 or (not up and packets.down_sent[packet] >= packets.at_switch[packet]):
        return  # nothing may go, or its next flit is still on the wire
    channels.busy[channel] = 1
    channels.sent[channel] += 1
    left_ps = now_ps + state.flit_ps
    heap_push(state.heap, left_ps, 0, SLOT, channel)
    if up:
        send_up(state, channel, packet, left_ps)
    else:
        send_down(state, channel, packet, now_ps)


@kernel
def send_up(state, channel, packet, left_ps):  # type: ignore[no-untyped-def]
    """A flit leaves its GPU."""
    packets = state.packets
    packets.up_sent[packet] += 1
    if packets.up_sent[packet] == packets.flits[packet]:
        state.channels.current[channel] = -1
    if state.switched == 1:
        heap_push(state.heap, left_ps + state.wire_ps + state.switch_ps, 0, AT_SWITCH, packet)
    else:
        heap_push(state.heap, left_ps + state.wire_ps, 0, AT_GPU, packet)


@kernel
def send_down(state, channel, packet, now_ps):  # type: ignore[no-untyped-def]
    """A flit leaves the switch, and its input's credit goes back."""
    packets = state.packets
    there_ps = now_ps + state.flit_ps + state.wire_ps
    queue = 2 * packets.source[packet] + class_of(state, packet)
    packets.down_sent[packet] += 1
    heap_push(state.heap, there_ps, 0, AT_GPU, packet)
    heap_push(state.heap, there_ps, 0, CREDIT, queue)
    if packets.down_sent[packet] == packets.flits[packet]:
        state.channels.current[channel] = -1
        release_input(state, queue, now_ps, channel)


@kernel
def release_input(state, queue, now_ps, channel):  # type: ignore[no-untyped-def]
    """The packet that this input was sending has gone: its next one may go to another output.

    That output is woken by a slot of no length, since a kernel cannot call itself.
    """
    state.reading[queue] = 0
    if state.queue_size[queue] == 0:
        return
    head = state.queue[queue, state.queue_head[queue]]
    other = state.gpus + state.packets.target[head]
    channels = state.channels
    if other != channel and channels.busy[other] == 0 and channels.current[other] < 0:
        begin_packet(state, other)
        if channels.current[other] >= 0:
            channels.busy[other] = 1
            heap_push(state.heap, now_ps, 0, SLOT, other)


@kernel
def reach_switch(state, packet, now_ps):  # type: ignore[no-untyped-def]
    """A flit is ready at its input of the switch; the head joins the queue."""
    packets = state.packets
    packets.at_switch[packet] += 1
    if packets.at_switch[packet] == 1:
        queue = 2 * packets.source[packet] + class_of(state, packet)
        place = state.queue_head[queue] + state.queue_size[queue]
        # nonzero: a ring has room for a buffer and one more
        state.queue[queue, place % state.queue.shape[1]] = packet
        state.queue_size[queue] += 1
    pump(state, state.gpus + packets.target[packet], now_ps)


@kernel
def reach_gpu(state, packet, now_ps):  # type: ignore[no-untyped-def]
    """A flit arrives: its credit goes back; a whole packet is answered. 0: out of order."""
    packets = state.packets
    packets.came[packet] += 1
    kind = class_of(state, packet)
    target = packets.target[packet]
    channel = state.gpus + target if state.switched == 1 else packets.source[packet]
    heap_push(state.heap, now_ps + state.wire_ps, 0, CREDIT, 2 * channel + kind)
    if packets.came[packet] < packets.flits[packet]:
        return 1
    flow = packets.flow[packet]
    packets.free[state.free_count[0]] = packet
    state.free_count[0] += 1
    if flow < 0:
        return 1
    if packets.number[packet] != state.flows.arrived[flow]:
        state.control.code[0] = OUT_OF_ORDER
        state.control.code[1] = flow
        state.control.code[2] = packets.number[packet]
        return 0
    state.flows.arrived[flow] += 1
    if state.flows.arrived[flow] == state.flows.packets[flow]:
        state.flows.done_ps[flow] = now_ps
    state.fraction[target] += state.response_ppm
    if state.fraction[target] >= MILLION:
        state.fraction[target] -= MILLION
        state.owed[target, packets.source[packet]] += 1
        pump(state, target, now_ps)
    return 1
