"""The event model of PCI Express, TLP by TLP: the loop, arrivals, ends of flows.

Models requesters with tags, posted writes, reads and their completions, credits of three classes,
acknowledgement and replay, switches, memories of finite bandwidth, and flows that wait for each
other. Approximate to the TLP: bytes within one are not followed, and the delay of a port is one
number. See `cycle_link` for what is left out of a link, `cycle_net` for how a network is built.
"""

from __future__ import annotations

import numpy as np

from rackwright.devices.pcie.cycle_check import check_state
from rackwright.devices.pcie.cycle_link import (
    channel_freed,
    channel_send,
    credits_come,
    nak_come,
)
from rackwright.devices.pcie.cycle_source import followers_go, queue_put, tlp_free
from rackwright.devices.pcie.cycle_state import (
    ACK,
    ACK_DUE,
    ARRIVE,
    BAD,
    CREDITS,
    FC_DUE,
    GROW_HEAP,
    GROW_TLPS,
    LANDED,
    NAK,
    READY,
    SENT,
    CycleState,
    grown_state,
)
from rackwright.devices.pcie.wire import COMPLETION, NON_POSTED, POSTED
from rackwright.engine.driver import drive
from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, FOREVER_PS, GROW, RUNNING, STALLED

__all__ = ["cycle_advance", "run_cycles"]

SPARE_TLPS = 4  # that one event may make


@kernel
def cycle_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Handle events; see `rackwright.engine.status`."""
    control, heap = state.control, state.heap
    first = control.events[0]
    while control.events[0] - first < max_events:
        if state.left[0] == 0:
            return DONE
        if heap.size[0] == 0:
            return STALLED
        if heap.time_ps[0] > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        if heap_room(heap) < state.margin[0]:
            control.code[0] = GROW_HEAP
            return GROW
        if state.tlps.free[1] < SPARE_TLPS:
            control.code[0] = GROW_TLPS
            return GROW
        now_ps, kind, item = heap_pop(heap)
        control.now_ps[0] = now_ps
        control.events[0] += 1
        if kind == SENT or kind == ARRIVE or kind == ACK or kind == CREDITS:
            usual(state, kind, item, now_ps)
        else:
            other(state, kind, item, now_ps)
        if state.faults[0] != 0:
            control.code[0] = state.faults[0]
            return FAULT
    return RUNNING


@kernel
def usual(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """The events of every TLP."""
    channels = state.channels
    if kind == SENT:
        channels.sending[item] = 0
        left = channels.leaving[item]
        if left >= 0:
            channel_freed(state, left, channels.leaving_class[item], channels.leaving_data[item],
                          now_ps)
        channel_send(state, item, now_ps)
    elif kind == ARRIVE:
        arrive(state, item, now_ps)
    elif kind == CREDITS:
        credits_come(state, item, now_ps)
    else:
        c, told = item & 65535, item >> 16
        channels.acked[c] = max(channels.acked[c], told)
        channel_send(state, c, now_ps)


@kernel
def other(state, kind, item, now_ps):  # type: ignore[no-untyped-def]
    """Timers, errors, reads that a memory has served, starts."""
    channels = state.channels
    if kind == ACK_DUE:
        channels.ack_due[item] = 1
        channel_send(state, channels.back[item], now_ps)
    elif kind == FC_DUE:
        c = item // 3
        channels.fc_timer[c, item - 3 * c] = 0
        channels.fc_due[c, item - 3 * c] = 1
        channel_send(state, channels.back[c], now_ps)
    elif kind == BAD:
        channels.nak_due[item] = 1
        channel_send(state, channels.back[item], now_ps)
    elif kind == NAK:
        nak_come(state, item, now_ps)
    elif kind == READY:
        answer(state, item, now_ps)
    elif kind == LANDED:
        landed(state, item, now_ps)
    else:
        flow_start(state, item, now_ps)


@kernel
def arrive(state, tlp, now_ps):  # type: ignore[no-untyped-def]
    """A TLP is at the next node and may leave it, or has got where it was sent to."""
    tlps, hops = state.tlps, state.hops
    tlps.came[tlp] = hops.channel[tlps.at[tlp]]
    if tlps.at[tlp] < tlps.last[tlp]:
        tlps.at[tlp] += 1
        queue_put(state, hops.turn[tlps.at[tlp]], tlps.kind[tlp], tlp)
        channel_send(state, hops.channel[tlps.at[tlp]], now_ps)
    elif tlps.kind[tlp] == POSTED:
        done_ps = memory_take(state, tlps.came[tlp], tlps.nbytes[tlp], now_ps)
        if done_ps > now_ps:
            heap_push(state.heap, done_ps, 0, LANDED, tlp)
        else:
            landed(state, tlp, now_ps)
    elif tlps.kind[tlp] == NON_POSTED:
        asked(state, tlp, now_ps)
    else:
        completed(state, tlp, now_ps)


@kernel
def memory_take(state, c, nbytes, now_ps):  # type: ignore[no-untyped-def]
    """When the memory behind channel `c` has moved `nbytes`."""
    memory = state.channels.memory[c]
    if memory < 0 or state.memory_fs[memory] == 0:
        return now_ps
    start_ps = max(now_ps, state.memory_ps[memory])
    state.memory_ps[memory] = start_ps + (nbytes * state.memory_fs[memory] + 999) // 1000
    return state.memory_ps[memory]


@kernel
def landed(state, tlp, now_ps):  # type: ignore[no-untyped-def]
    """A posted write is done."""
    tlps, flows = state.tlps, state.flows
    f, nbytes, data = tlps.flow[tlp], tlps.nbytes[tlp], tlps.data[tlp]
    if tlps.number[tlp] != flows.came[f]:
        state.faults[0] = 1
        state.control.code[1] = f
        state.control.code[2] = tlps.number[tlp]
        state.control.code[3] = flows.came[f]
    flows.came[f] += 1
    channel_freed(state, tlps.came[tlp], POSTED, data, now_ps)
    tlp_free(tlps, tlp)
    bytes_come(state, f, nbytes, now_ps)


@kernel
def asked(state, tlp, now_ps):  # type: ignore[no-untyped-def]
    """A read request is at its completer."""
    tlps = state.tlps
    c, tag, f = tlps.came[tlp], tlps.tag[tlp], tlps.flow[tlp]
    channel_freed(state, c, NON_POSTED, 0, now_ps)
    tlp_free(tlps, tlp)
    ready_ps = memory_take(state, c, state.tags.left[tag], now_ps)
    heap_push(state.heap, ready_ps + state.flows.respond_ps[f], 0, READY, tag)


@kernel
def answer(state, tag, now_ps):  # type: ignore[no-untyped-def]
    """A completer has the first data of a read."""
    turns, tags, hops = state.turns, state.tags, state.hops
    position = state.flows.in_first[tags.flow[tag]]
    q = hops.turn[position]
    last = turns.tail[q, COMPLETION]
    if last < 0:
        turns.head[q, COMPLETION] = tag
    else:
        tags.next[last] = tag
    turns.tail[q, COMPLETION] = tag
    channel_send(state, hops.channel[position], now_ps)


@kernel
def completed(state, tlp, now_ps):  # type: ignore[no-untyped-def]
    """A completion is at its requester; the last one of a read frees the tag."""
    tlps, tags, flows = state.tlps, state.tags, state.flows
    f, tag, nbytes, data = tlps.flow[tlp], tlps.tag[tlp], tlps.nbytes[tlp], tlps.data[tlp]
    channel_freed(state, tlps.came[tlp], COMPLETION, data, now_ps)
    tlp_free(tlps, tlp)
    tags.missing[tag] -= nbytes
    if tags.missing[tag] == 0:
        pool = flows.pool[f]
        tags.next[tag] = tags.free[pool]
        tags.free[pool] = tag
        tags.spare[pool] += 1
        tags.flow[tag] = -1
        channel_send(state, state.hops.channel[flows.out_first[f]], now_ps)
    bytes_come(state, f, nbytes, now_ps)


@kernel
def bytes_come(state, f, nbytes, now_ps):  # type: ignore[no-untyped-def]
    """Bytes of a flow are where they were to go; the last ones end it."""
    flows = state.flows
    flows.done[f] += nbytes
    if flows.done[f] == flows.nbytes[f]:
        flows.finish_ps[f] = now_ps
        state.left[0] -= 1
        followers_go(state, flows.after_first, flows.after, f)


@kernel
def flow_start(state, f, now_ps):  # type: ignore[no-untyped-def]
    """A flow may issue; one of no bytes is only a delay."""
    flows = state.flows
    flows.started[f] = 1
    flows.start_ps[f] = now_ps
    if flows.nbytes[f] == 0:
        followers_go(state, flows.issue_first, flows.issue, f)
        bytes_come(state, f, 0, now_ps)
    else:
        channel_send(state, state.hops.channel[flows.out_first[f]], now_ps)


def run_cycles(state: CycleState, *, debug: bool = False, max_events: int | None = None,
               until_ps: int = FOREVER_PS) -> CycleState:
    """Drive `state` until all flows have finished.

    `debug`: the invariants are checked after every event. Raises `Stalled`, `ModelFault`,
    `Interrupted`.
    """
    return drive(cycle_advance, state, grow=grown_state, waits=_waits, faults=_faults,
                 check=check_state if debug else None, max_events=max_events, until_ps=until_ps)


def _waits(state: CycleState) -> str:
    waiting = np.flatnonzero(state.flows.finish_ps < 0)
    named = ", ".join(f"flow {f} has {state.flows.done[f]} of {state.flows.nbytes[f]} bytes"
                      for f in waiting[:5])
    more = f" and {len(waiting) - 5} more" if len(waiting) > 5 else ""
    return (f"{named}{more} wait for credits, tags or each other; flows that wait in a circle "
            "never start")


def _faults(state: CycleState) -> str:
    _, flow, number, expected = (int(word) for word in state.control.code)
    return f"posted write {number} of flow {flow} came when write {expected} was next"
