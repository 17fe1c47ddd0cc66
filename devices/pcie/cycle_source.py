"""Kernels that give a channel its next TLP: flows that issue, completers, switches.

A flow cuts writes and read requests at multiples of their size, so that none crosses a 4 KiB
boundary; a completer cuts what was read at multiples of the completion's size. TLPs are made only
when they can be sent.
"""

from __future__ import annotations

from rackwright.devices.pcie.cycle_state import COMPLETER, FLOW, START
from rackwright.devices.pcie.wire import COMPLETION, CREDIT_NBYTES, NON_POSTED, POSTED
from rackwright.engine.heap import heap_push
from rackwright.engine.kernel import kernel

__all__ = ["followers_go", "queue_put", "tlp_free", "turn_take"]


@kernel
def turn_take(state, q, c):  # type: ignore[no-untyped-def]
    """A TLP of turn `q` for channel `c`, its credits taken; -1 when it has none that may go."""
    kind = state.turns.kind[q]
    if kind == FLOW:
        return flow_take(state, state.turns.flow[q], c)
    if kind == COMPLETER:
        return answer_take(state, q, c)
    return forward_take(state, q, c)


@kernel
def credits_take(channels, c, kind, data):  # type: ignore[no-untyped-def]
    """Take the credits of a TLP; False when there are too few."""
    if channels.headers[c, kind] != 0 and channels.have_headers[c, kind] < 1:
        return False
    if channels.data[c, kind] != 0 and channels.have_data[c, kind] < data:
        return False
    channels.have_headers[c, kind] -= 1
    channels.have_data[c, kind] -= data
    channels.held_headers[c, kind] += 1
    channels.held_data[c, kind] += data
    return True


@kernel
def flow_take(state, f, c):  # type: ignore[no-untyped-def]
    """The next write or read request of flow `f`."""
    flows, tags = state.flows, state.tags
    left = flows.nbytes[f] - flows.asked[f]
    if flows.started[f] == 0 or left == 0:
        return -1
    size = flows.request[f]
    # nonzero: requests have 128 bytes or more
    nbytes = min(size - flows.address[f] % size, left)
    kind = flows.kind[f]
    pool = flows.pool[f]
    if kind == NON_POSTED and tags.spare[pool] == 0:
        return -1
    payload = nbytes if kind == POSTED else 0
    data = (payload + CREDIT_NBYTES - 1) // 16
    if not credits_take(state.channels, c, kind, data):
        return -1
    tlp = tlp_make(state, f, kind, payload, data, flows.out_first[f], flows.out_last[f])
    if kind == POSTED:
        state.tlps.number[tlp] = flows.made[f]
        flows.made[f] += 1
    else:
        state.tlps.tag[tlp] = tag_take(tags, pool, f, nbytes, flows.address[f])
    flows.asked[f] += nbytes
    flows.address[f] += nbytes
    if flows.asked[f] == flows.nbytes[f]:
        followers_go(state, flows.issue_first, flows.issue, f)
    return tlp


@kernel
def followers_go(state, first, rows, f):  # type: ignore[no-untyped-def]
    """One thing less to wait for, for the flows that wait for `f`; those that can, start."""
    flows = state.flows
    for row in range(first[f], first[f + 1]):
        waiting = rows[row]
        flows.waits[waiting] -= 1
        if flows.waits[waiting] == 0:
            start_ps = state.control.now_ps[0] + flows.delay_ps[waiting]
            heap_push(state.heap, start_ps, 0, START, waiting)


@kernel
def tag_take(tags, pool, f, nbytes, address):  # type: ignore[no-untyped-def]
    """A free tag of `pool`, which has one."""
    tag = tags.free[pool]
    tags.free[pool] = tags.next[tag]
    tags.spare[pool] -= 1
    tags.flow[tag] = f
    tags.left[tag] = nbytes
    tags.missing[tag] = nbytes
    tags.address[tag] = address
    tags.next[tag] = -1
    return tag


@kernel
def answer_take(state, q, c):  # type: ignore[no-untyped-def]
    """The next completion of the read that a completer serves."""
    tags, turns = state.tags, state.turns
    tag = turns.head[q, COMPLETION]
    if tag < 0:
        return -1
    f = tags.flow[tag]
    size = state.flows.chunk[f]
    # nonzero: completions have 64 bytes or more
    nbytes = min(size - tags.address[tag] % size, tags.left[tag])
    data = (nbytes + CREDIT_NBYTES - 1) // 16
    if not credits_take(state.channels, c, COMPLETION, data):
        return -1
    tlp = tlp_make(state, f, COMPLETION, nbytes, data, state.flows.in_first[f],
                   state.flows.in_last[f])
    state.tlps.tag[tlp] = tag
    tags.left[tag] -= nbytes
    tags.address[tag] += nbytes
    if tags.left[tag] == 0:
        turns.head[q, COMPLETION] = tags.next[tag]
        if tags.next[tag] < 0:
            turns.tail[q, COMPLETION] = -1
    return tlp


@kernel
def forward_take(state, q, c):  # type: ignore[no-untyped-def]
    """The oldest TLP that a switch may forward: nothing passes a posted one."""
    turns, tlps = state.turns, state.tlps
    tried = 0
    for _ in range(3):
        best = -1
        for kind in range(3):
            tlp = turns.head[q, kind]
            if tlp >= 0 and (tried >> kind) & 1 == 0 and (
                    best < 0 or tlps.age[tlp] < tlps.age[turns.head[q, best]]):
                best = kind
        if best < 0:
            return -1
        tlp = turns.head[q, best]
        if credits_take(state.channels, c, best, tlps.data[tlp]):
            turns.head[q, best] = tlps.next[tlp]
            if tlps.next[tlp] < 0:
                turns.tail[q, best] = -1
            tlps.next[tlp] = -1
            return tlp
        if best == POSTED:
            return -1
        tried |= 1 << best
    return -1


@kernel
def queue_put(state, q, kind, tlp):  # type: ignore[no-untyped-def]
    """Put a TLP at the end of a queue of a switch."""
    turns, tlps = state.turns, state.tlps
    tlps.next[tlp] = -1
    tlps.age[tlp] = state.ages[0]
    state.ages[0] += 1
    last = turns.tail[q, kind]
    if last < 0:
        turns.head[q, kind] = tlp
    else:
        tlps.next[last] = tlp
    turns.tail[q, kind] = tlp


@kernel
def tlp_make(state, f, kind, nbytes, data, first, last):  # type: ignore[no-untyped-def]
    """A TLP from the pool, which has one (`cycle_advance` sees to that)."""
    tlps = state.tlps
    tlp = tlps.free[0]
    tlps.free[0] = tlps.next[tlp]
    tlps.free[1] -= 1
    tlps.flow[tlp] = f
    tlps.kind[tlp] = kind
    tlps.nbytes[tlp] = nbytes
    tlps.data[tlp] = data
    tlps.at[tlp] = first
    tlps.last[tlp] = last
    tlps.tail_ps[tlp] = 0
    tlps.came[tlp] = -1
    tlps.number[tlp] = -1
    tlps.tag[tlp] = -1
    tlps.next[tlp] = -1
    return tlp


@kernel
def tlp_free(tlps, tlp):  # type: ignore[no-untyped-def]
    """Give an entry back."""
    tlps.kind[tlp] = -1
    tlps.next[tlp] = tlps.free[0]
    tlps.free[0] = tlp
    tlps.free[1] += 1
