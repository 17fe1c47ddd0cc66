"""Kernels of one channel: what it sends next, replay, acknowledgements, credits.

A channel sends, in this order: DLLPs; TLPs that a NAK asked for again; new TLPs, one turn after
another, if credits and the replay buffer have room. Acknowledgements and credits are held back by
the receiver's timer and then sent together. In flit mode they ride in the next flit and cost
nothing. What the receiver will say of a TLP is decided when it is sent: the link keeps order and
its delay is constant, so nothing is known later that matters.

Left out: errors in DLLPs, hence replay timers; a TLP with a wrong CRC is not forwarded (a real
cut-through switch forwards and nullifies it). No TLP passes an older posted one from its turn.
"""

from __future__ import annotations

from rackwright.devices.pcie.cycle_source import turn_take
from rackwright.devices.pcie.cycle_state import (
    ACK,
    ACK_DUE,
    ARRIVE,
    BAD,
    CREDITS,
    FC_DUE,
    NAK,
    SENT,
)
from rackwright.engine.hashing import hash31
from rackwright.engine.heap import heap_push
from rackwright.engine.kernel import kernel

__all__ = ["channel_freed", "channel_send", "credits_come", "nak_come"]

HEADER_BITS = 20  # of credits in an event, above 16 bits for channel and class
M20, M16 = (1 << HEADER_BITS) - 1, (1 << 16) - 1
CERTAIN = 2147483648.0  # 2**31, the range of hash31


@kernel
def flit_end(channels, c, now_ps):  # type: ignore[no-untyped-def]
    """When the flit that holds the last bit at `now_ps` is over; `now_ps` without flits."""
    flit = channels.flit_ps[c]
    if flit == 0:
        return now_ps
    whole = now_ps // flit  # nonzero: checked above
    return now_ps if whole * flit == now_ps else (whole + 1) * flit


@kernel
def channel_send(state, c, now_ps):  # type: ignore[no-untyped-def]
    """Send the next thing over `c`, if it is idle and there is one."""
    channels = state.channels
    if channels.sending[c] != 0 or control_send(state, c, now_ps):
        return
    mask = channels.ring.shape[1] - 1
    if channels.sent[c] < channels.ends[c]:
        seq = channels.sent[c]
        channels.again_tlps[c] += 1
        channels.leaving[c] = -1
        tlp = channels.ring[c, seq & mask]
    elif channels.ends[c] - channels.acked[c] < channels.room[c]:
        seq = channels.ends[c]
        tlp = next_tlp(state, c)
        if tlp < 0:
            return
        channels.ring[c, seq & mask] = tlp
        channels.ends[c] = seq + 1
        channels.new_tlps[c] += 1
        channels.leaving[c] = state.tlps.came[tlp]
        channels.leaving_class[c] = state.tlps.kind[tlp]
        channels.leaving_data[c] = state.tlps.data[tlp]
    else:
        return
    channels.sent[c] = seq + 1
    tlp_send(state, c, tlp, seq, now_ps)


@kernel
def next_tlp(state, c):  # type: ignore[no-untyped-def]
    """A TLP from the turns of `c`, the one after the last served first; -1 when none can go."""
    turns = state.turns
    first = turns.first[c]
    count = turns.first[c + 1] - first
    offset = state.channels.last_turn[c]
    for _ in range(count):
        offset += 1
        if offset >= count:
            offset = 0
        tlp = turn_take(state, first + offset, c)
        if tlp >= 0:
            state.channels.last_turn[c] = offset
            return tlp
    return -1


@kernel
def tlp_send(state, c, tlp, seq, now_ps):  # type: ignore[no-untyped-def]
    """Put a TLP on the wire; decide what becomes of it at the far end."""
    channels, tlps = state.channels, state.tlps
    over = channels.over[c, tlps.kind[tlp]]
    wire = tlps.nbytes[tlp] + over
    serial_ps = (wire * channels.byte_fs[c] + 999) // 1000
    end_ps = max(now_ps + serial_ps, tlps.tail_ps[tlp])
    channels.busy_ps[c] += serial_ps
    channels.wire_nbytes[c] += wire
    channels.sending[c] = 1
    heap_push(state.heap, end_ps, 0, SENT, c)
    if channels.bad[c] != 0:
        return
    tail_ps = flit_end(channels, c, end_ps) + channels.latency_ps[c]
    chance = wire * channels.byte_error[c] * CERTAIN
    if chance > 0 and hash31(state.seed[0], c, seq, channels.tries[c], 0) < chance:
        channels.bad[c] = 1
        heap_push(state.heap, tail_ps, 0, BAD, c)
        return
    channels.good[c] = seq + 1
    channels.ring_ps[c, seq & (channels.ring.shape[1] - 1)] = tail_ps
    if tail_ps > channels.ack_until_ps[c]:
        channels.ack_until_ps[c] = tail_ps + channels.ack_ps[c]
        heap_push(state.heap, tail_ps + channels.ack_ps[c], 0, ACK_DUE, c)
    if tlps.at[tlp] == tlps.last[tlp]:
        heap_push(state.heap, tail_ps + channels.end_ps[c], 0, ARRIVE, tlp)
        return
    head_ps = tail_ps
    if channels.cut[c] != 0:
        header_ps = (over * channels.byte_fs[c] + 999) // 1000
        head_ps = flit_end(channels, c, now_ps + header_ps) + channels.latency_ps[c]
    tlps.tail_ps[tlp] = tail_ps + channels.node_ps[c]
    heap_push(state.heap, head_ps + channels.node_ps[c], 0, ARRIVE, tlp)


@kernel
def control_send(state, c, now_ps):  # type: ignore[no-untyped-def]
    """Send what is due of DLLPs over `c`; True when they keep it busy."""
    channels = state.channels
    b = channels.back[c]
    count = channels.nak_due[b] + channels.ack_due[b]
    for kind in range(3):
        count += channels.fc_due[b, kind]
    if count == 0:
        return False
    end_ps = now_ps + count * channels.dllp_ps[c]
    there_ps = flit_end(channels, c, end_ps) + channels.latency_ps[c]
    channels.dllps[c] += count
    if channels.nak_due[b] != 0:
        channels.nak_due[b] = 0
        heap_push(state.heap, there_ps, 0, NAK, b)
    if channels.ack_due[b] != 0:
        channels.ack_due[b] = 0
        told = acknowledged(channels, b, now_ps)
        heap_push(state.heap, there_ps, 0, ACK, (told << 16) | b)
    for kind in range(3):
        if channels.fc_due[b, kind] != 0:
            credits_send(state, b, kind, there_ps)
    if channels.dllp_ps[c] == 0:
        return False
    channels.sending[c] = 1
    channels.leaving[c] = -1
    channels.busy_ps[c] += count * channels.dllp_ps[c]
    heap_push(state.heap, end_ps, 0, SENT, c)
    return True


@kernel
def acknowledged(channels, b, now_ps):  # type: ignore[no-untyped-def]
    """How far the far end of `b` has everything whole at `now_ps`; remembered."""
    mask = channels.ring.shape[1] - 1
    told = channels.told[b]
    while told < channels.good[b] and channels.ring_ps[b, told & mask] <= now_ps:
        told += 1
    channels.told[b] = told
    return told


@kernel
def credits_send(state, b, kind, there_ps):  # type: ignore[no-untyped-def]
    """Return all credits of class `kind` that the far end of `b` owes."""
    channels = state.channels
    channels.fc_due[b, kind] = 0
    headers, data = channels.owed_headers[b, kind], channels.owed_data[b, kind]
    channels.owed_headers[b, kind] = 0
    channels.owed_data[b, kind] = 0
    channels.away_headers[b, kind] += headers
    channels.away_data[b, kind] += data
    item = (((data << HEADER_BITS) | headers) << 16) | (b * 3 + kind)
    heap_push(state.heap, there_ps, 0, CREDITS, item)


@kernel
def credits_come(state, item, now_ps):  # type: ignore[no-untyped-def]
    """Credits arrive at the sender, which may go on."""
    channels = state.channels
    row = item & M16
    b, kind = row // 3, row % 3
    headers, data = (item >> 16) & M20, item >> (16 + HEADER_BITS)
    channels.away_headers[b, kind] -= headers
    channels.away_data[b, kind] -= data
    channels.have_headers[b, kind] += headers
    channels.have_data[b, kind] += data
    channel_send(state, b, now_ps)


@kernel
def nak_come(state, b, now_ps):  # type: ignore[no-untyped-def]
    """Everything from the TLP that was bad on is sent again."""
    channels = state.channels
    channels.bad[b] = 0
    channels.tries[b] += 1
    channels.acked[b] = max(channels.acked[b], channels.good[b])
    channels.told[b] = max(channels.told[b], channels.good[b])
    channels.sent[b] = channels.good[b]
    channel_send(state, b, now_ps)


@kernel
def channel_freed(state, c, kind, data, now_ps):  # type: ignore[no-untyped-def]
    """The buffer at the far end of `c` has lost a TLP: start the timer that returns its credits."""
    channels = state.channels
    channels.held_headers[c, kind] -= 1
    channels.held_data[c, kind] -= data
    channels.owed_headers[c, kind] += 1
    channels.owed_data[c, kind] += data
    limited = channels.headers[c, kind] + channels.data[c, kind]
    if limited != 0 and channels.fc_timer[c, kind] == 0:
        channels.fc_timer[c, kind] = 1
        heap_push(state.heap, now_ps + channels.fc_ps[c], 0, FC_DUE, c * 3 + kind)
