"""The state of the event model of PCI Express: channels, turns, TLPs, read tags, flows.

A channel is one direction of a link with the buffer at its far end. A turn is one way into a
channel: a flow that issues, a completer that answers, or another channel through a switch; turns
of a channel are served in rotation. A TLP lives in a pool from its making to its delivery; the
replay buffer of a channel is a ring of pool entries by sequence number. A flow is one transfer, a
node of a graph of flows that wait for each other.

Only data here; `cycle_net` builds it, the kernels (`cycle_link`, `cycle_source`, `cycle`) move
it, `cycle_check` holds it against its invariants. Times are int64 picoseconds, wire times int64
femtoseconds a byte.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.heap import EventHeap, grown_heap
from rackwright.engine.status import Control

__all__ = [
    "Channels", "CycleState", "FlowRows", "Hops", "Tags", "Tlps", "Turns", "grown_state",
    "new_tlps",
]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
GROW_HEAP, GROW_TLPS = 0, 1
FLOW, COMPLETER, FORWARD = 0, 1, 2  # kinds of turns
# kinds of events: a channel has sent; a TLP is at the next node; timers and what they send; ...
SENT, ARRIVE, BAD, ACK_DUE, FC_DUE, ACK, NAK, CREDITS, READY, LANDED, START = range(11)


class Channels(NamedTuple):
    """One row a channel; arrays of shape (channels, 3) by class: posted, non-posted, completion."""

    byte_fs: I64          # fs a byte on the wire
    latency_ps: I64
    flit_ps: I64          # 0: TLPs framed one by one, with DLLPs
    dllp_ps: I64
    ack_ps: I64           # what the far end may wait before it acknowledges ...
    fc_ps: I64            # ... or returns credits
    node_ps: I64          # through the node at the far end, before the next channel
    end_ps: I64           # at the far end, when it is the TLP's last
    cut: I64              # 1: the far end forwards when the header is in
    byte_error: F64       # chance a byte that the TLP is sent again
    back: I64             # the channel the other way
    memory: I64           # memory behind the far end, -1 none
    over: I64             # (channels, 3): bytes around a payload
    headers: I64          # (channels, 3): credits of the far end, 0 unlimited
    data: I64
    sending: I64          # 1: the serialiser is at work
    have_headers: I64     # (channels, 3): credits that the sender has
    have_data: I64
    held_headers: I64     # (channels, 3): ... that TLPs on the way or in the far buffer hold
    held_data: I64
    owed_headers: I64     # (channels, 3): ... freed, not yet sent back
    owed_data: I64
    away_headers: I64     # (channels, 3): ... in DLLPs on the way back
    away_data: I64
    fc_timer: I64         # (channels, 3): 1: running
    fc_due: I64           # (channels, 3): 1: to be sent over the channel `back`
    room: I64             # of the replay buffer, TLPs
    ring: I64             # (channels, ring): pool entries by sequence number
    ring_ps: I64          # (channels, ring): when the far end has an accepted one whole
    sent: I64             # next sequence number to send; falls back after a NAK
    ends: I64             # next new sequence number
    good: I64             # next sequence number that the far end takes
    told: I64             # up to here the far end has acknowledged, the DLLP being sent
    acked: I64            # up to here the sender knows
    bad: I64              # 1: the far end waits for the one that it asked for again
    tries: I64            # NAKs so far: another draw for a TLP sent again
    ack_until_ps: I64     # when the far end acknowledges next; what comes later needs a new timer
    ack_due: I64
    nak_due: I64
    leaving: I64          # channel whose buffer the TLP being sent vacates, -1 none ...
    leaving_class: I64    # ... its class and data credits
    leaving_data: I64
    last_turn: I64        # served last
    busy_ps: I64          # counters from here on
    wire_nbytes: I64
    new_tlps: I64
    again_tlps: I64       # sent again, or for nothing
    dllps: I64


class Turns(NamedTuple):
    """Ways into channels; those of channel c are ``first[c]`` to ``first[c + 1] - 1``."""

    first: I64
    kind: I64             # FLOW, COMPLETER or FORWARD
    flow: I64             # of a FLOW turn
    head: I64             # (turns, 3): queues by class; of read tags in a COMPLETER turn
    tail: I64


class Hops(NamedTuple):
    """Routes: positions in two arrays, one route behind the other."""

    channel: I64
    turn: I64             # the turn by which the channel is entered


class Tlps(NamedTuple):
    """The pool; `next` chains free entries (from `free`) and queues."""

    flow: I64
    kind: I64
    nbytes: I64           # payload
    data: I64             # its credits
    at: I64               # position in `Hops`
    last: I64             # position of its last channel
    tail_ps: I64          # when its last byte can leave the node where it is
    came: I64             # channel it came over, -1 where it was made
    number: I64           # of the flow's TLPs, to see their order
    tag: I64
    age: I64              # order of arrival at its queue
    next: I64
    free: I64             # (2,): first free entry, free entries


class Tags(NamedTuple):
    """Outstanding reads; pools of tags belong to requesters."""

    flow: I64
    left: I64             # bytes that the completer has still to send
    missing: I64          # bytes that the requester has still to get
    address: I64          # of the next completion
    next: I64
    free: I64             # (pools,): first free tag
    spare: I64            # (pools,): free tags
    size: I64             # (pools,)


class FlowRows(NamedTuple):
    """Transfers, and who waits for whom."""

    kind: I64             # POSTED: a write; NON_POSTED: a read
    nbytes: I64
    address: I64          # of the next request
    request: I64          # bytes of a request: requests end at its multiples
    chunk: I64            # bytes of a completion, likewise
    pool: I64             # of tags
    out_first: I64        # route of its requests
    out_last: I64
    in_first: I64         # route of its completions
    in_last: I64
    respond_ps: I64       # from a request's arrival to the first completion
    waits: I64            # flows to finish (or be issued) before it starts
    delay_ps: I64         # ... and then this
    after_first: I64      # (flows + 1,): who waits until it has finished
    after: I64
    issue_first: I64      # (flows + 1,): who waits until its last TLP was sent
    issue: I64
    started: I64
    asked: I64            # bytes requested or written so far
    done: I64             # bytes that arrived
    made: I64             # posted TLPs made ...
    came: I64             # ... and delivered: equal order
    start_ps: I64
    finish_ps: I64


class CycleState(NamedTuple):
    """Everything; `left` flows have not finished, `faults` counts breaches of order."""

    control: Control
    heap: EventHeap
    channels: Channels
    turns: Turns
    hops: Hops
    tlps: Tlps
    tags: Tags
    flows: FlowRows
    memory_fs: I64        # fs a byte of a memory, 0 unlimited
    memory_ps: I64        # when it is free
    seed: I64
    ages: I64
    left: I64
    faults: I64
    margin: I64           # events that one event may push


def new_tlps(count: int) -> Tlps:
    """A pool of `count` free entries."""
    chain = np.arange(1, count + 1, dtype=np.int64)
    chain[-1] = -1
    rows = {name: np.full(count, -1, np.int64) for name in Tlps._fields}
    return Tlps(**rows | {"next": chain, "free": np.array([0, count], np.int64)})


def grown_state(state: CycleState, what: int) -> CycleState:
    """Twice the events or TLPs, for the driver."""
    if what == GROW_HEAP:
        return state._replace(heap=grown_heap(state.heap))
    old = state.tlps
    count = len(old.next)
    more = new_tlps(count)
    rows = {name: np.concatenate([getattr(old, name), getattr(more, name)])
            for name in Tlps._fields}
    rows["next"][count:] = more.next + count
    rows["next"][-1] = old.free[0]
    rows["free"] = np.array([count, old.free[1] + count])
    return state._replace(tlps=Tlps(**rows))
