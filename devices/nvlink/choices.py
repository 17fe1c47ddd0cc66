"""What a free channel of the flit model sends next: kernels.

A GPU answers before it sends data, and serves its flows in turn; an output of the switch takes
responses before data, and its inputs in turn. Nothing is begun that its receiver has no room for.
See `flits` for what is left out and for sources.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["DATA", "RESPONSE", "begin_packet", "class_of"]

DATA, RESPONSE = 0, 1  # classes, each with its own credits and queues


@kernel
def begin_packet(state, channel):  # type: ignore[no-untyped-def]
    """Choose what a free channel sends next and reserve its credits; -1 stays if nothing can go."""
    if channel < state.gpus:
        if begin_response(state, channel) == 0:
            begin_data(state, channel)
        return
    target = channel - state.gpus
    for kind in (RESPONSE, DATA):
        for step in range(state.gpus):
            # nonzero: gpus is at least 2
            source = (state.channels.turn[channel] + step) % state.gpus
            queue = 2 * source + kind
            if state.queue_size[queue] == 0 or state.reading[queue] == 1:
                continue
            packet = state.queue[queue, state.queue_head[queue]]
            if state.packets.target[packet] != target or (
                    state.channels.credits[channel, kind] < state.packets.flits[packet]):
                continue
            # nonzero: a ring has room for a buffer and one more
            state.queue_head[queue] = (state.queue_head[queue] + 1) % state.queue.shape[1]
            state.queue_size[queue] -= 1
            state.reading[queue] = 1
            reserve(state, channel, kind, packet)
            state.channels.turn[channel] = source + 1
            return


@kernel
def reserve(state, channel, kind, packet):  # type: ignore[no-untyped-def]
    state.channels.credits[channel, kind] -= state.packets.flits[packet]
    state.channels.current[channel] = packet


@kernel
def begin_response(state, gpu):  # type: ignore[no-untyped-def]
    if state.channels.credits[gpu, RESPONSE] < 1:
        return 0
    for step in range(state.gpus):
        # nonzero: gpus is at least 2
        target = (gpu + 1 + step) % state.gpus
        if state.owed[gpu, target] > 0:
            state.owed[gpu, target] -= 1
            packet = new_packet(state, -1, gpu, target, 1, 0)
            reserve(state, gpu, RESPONSE, packet)
            return 1
    return 0


@kernel
def begin_data(state, gpu):  # type: ignore[no-untyped-def]
    flows = state.flows
    count = flows.packets.shape[0]
    for step in range(count):
        # nonzero: a state has at least one flow
        flow = (state.channels.turn[gpu] + step) % count
        if flows.source[flow] != gpu or flows.started[flow] == flows.packets[flow]:
            continue
        number = flows.started[flow]
        last = number + 1 == flows.packets[flow]
        flits = flows.last_flits[flow] if last else state.packet_flits
        if state.channels.credits[gpu, DATA] < flits:
            return
        packet = new_packet(state, flow, gpu, flows.target[flow], flits, number)
        flows.started[flow] += 1
        reserve(state, gpu, DATA, packet)
        state.channels.turn[gpu] = flow + 1
        return


@kernel
def new_packet(state, flow, source, target, flits, number):  # type: ignore[no-untyped-def]
    packets = state.packets
    state.free_count[0] -= 1
    packet = packets.free[state.free_count[0]]
    packets.flow[packet] = flow
    packets.source[packet] = source
    packets.target[packet] = target
    packets.flits[packet] = flits
    packets.number[packet] = number
    packets.up_sent[packet] = 0
    packets.at_switch[packet] = 0
    packets.down_sent[packet] = 0
    packets.came[packet] = 0
    return packet


@kernel
def class_of(state, packet):  # type: ignore[no-untyped-def]
    return RESPONSE if state.packets.flow[packet] < 0 else DATA
