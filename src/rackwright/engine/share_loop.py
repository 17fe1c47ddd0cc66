"""The loop of `share_flows`: one tick after another of ends, changes of bandwidth, and starts."""

from __future__ import annotations

from rackwright.engine.capacity import apply_changes, next_change_ps
from rackwright.engine.flow_state import FREED, NOTHING
from rackwright.engine.flows import (
    flow_first_ps,
    flow_open_as,
    flow_room,
    flow_share,
    flow_take,
)
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FOREVER_PS, GROW, RUNNING, STALLED

__all__ = ["share_advance"]

WORK = 256  # hops whose re-share takes about as long as one event of a slice should


@kernel
def share_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One tick after another: ends, starts, one re-share; see `rackwright.engine.status`."""
    control, flows = state.control, state.flows
    work = 0
    while work < max_events:
        if flows.live[0] == 0 and state.started[0] == state.order.shape[0]:
            return DONE
        start_ps = next_start_ps(state)
        now_ps = min(min(flow_first_ps(flows), start_ps),
                     min(next_change_ps(state.changes), next_share_ps(state)))
        if now_ps == FOREVER_PS:
            return STALLED
        if now_ps > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        if start_ps == now_ps and flow_room(flows) < due_starts(state, now_ps):
            control.code[0] = 0
            return GROW
        control.now_ps[0] = now_ps
        before = flows.work[0]
        control.events[0] += apply_changes(state.changes, flows, now_ps)
        take_ended(state, now_ps)
        start_due(state, now_ps)
        take_ended(state, now_ps)
        share_or_wait(state, now_ps)
        work += 1 + (flows.work[0] - before) // WORK  # nonzero: a constant
    return RUNNING


@kernel
def next_start_ps(state):  # type: ignore[no-untyped-def]
    """When the next flow starts; FOREVER_PS if all have."""
    if state.started[0] == state.order.shape[0]:
        return FOREVER_PS
    return state.start_ps[state.order[state.started[0]]]


@kernel
def next_share_ps(state):  # type: ignore[no-untyped-def]
    """When bandwidth that waits is shared out; FOREVER_PS if none does."""
    if state.flows.dirty[0] == NOTHING:
        return FOREVER_PS
    return state.shared_ps[0] + state.reaction_ps[0]


@kernel
def due_starts(state, now_ps):  # type: ignore[no-untyped-def]
    """How many flows start now."""
    at = state.started[0]
    while at < state.order.shape[0] and state.start_ps[state.order[at]] == now_ps:
        at += 1
    return at - state.started[0]


@kernel
def start_due(state, now_ps):  # type: ignore[no-untyped-def]
    """Open the flows that start now."""
    while next_start_ps(state) == now_ps and state.started[0] < state.order.shape[0]:
        flow = state.order[state.started[0]]
        flow_open_as(state.flows, now_ps, flow, state.nbytes[flow], state.weight[flow], flow,
                     state.priority[flow], state.members[flow])
        state.started[0] += 1
        state.control.events[0] += 1


@kernel
def share_or_wait(state, now_ps):  # type: ignore[no-untyped-def]
    """Share out what has changed, unless it is only freed bandwidth that can wait."""
    flows = state.flows
    if flows.dirty[0] == NOTHING:
        return
    if flows.dirty[0] == FREED and now_ps < next_share_ps(state):
        return
    flow_share(flows, now_ps)
    state.shared_ps[0] = now_ps


@kernel
def take_ended(state, now_ps):  # type: ignore[no-untyped-def]
    """Note the finish of every flow that ends now."""
    slot = flow_take(state.flows, now_ps)
    while slot >= 0:
        state.finish_ps[state.flows.slots.tag[slot]] = now_ps
        state.control.events[0] += 1
        if state.reaction_ps[0] > 0:
            note_idle(state, slot, now_ps)
        slot = flow_take(state.flows, now_ps)


@kernel
def note_idle(state, slot, now_ps):  # type: ignore[no-untyped-def]
    """Add up what an ended flow leaves idle for others until the next re-share, at the longest."""
    wait_ps = state.shared_ps[0] + state.reaction_ps[0] - now_ps
    if wait_ps <= 0:
        return
    flows = state.flows
    load = flows.slots.rate[slot] * flows.slots.members[slot] * wait_ps * 1e-12
    route = flows.slots.route[slot]
    for at in range(flows.routes.offsets[route], flows.routes.offsets[route + 1]):
        link = flows.routes.links[at]
        if flows.links.hops[link] > 0 and flows.links.bandwidth[link] > 0.0:
            state.idle_time[link] += load / flows.links.bandwidth[link]  # nonzero: tested
