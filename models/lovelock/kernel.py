"""Queries on a cluster, event by event.

A query's groups of operators run one after the other; within a group all start together. An
operator moves bytes (flows of its pattern, max-min fair beside those of other queries, then the
latency of the longest route) and is served at its station (a fluid job that shares cores, memory
and blocks with other queries), in its own order. Stages are barriers: a group starts when the one
before it has ended on all nodes, which are alike. Source: section 2.4 of our sheet.

Events at the same time: ends of flows, then of routes, of services, then arrivals.
"""

from __future__ import annotations

from rackwright.engine.flows import flow_next_ps, flow_open_as, flow_room, flow_take
from rackwright.engine.fluids import fluid_next_ps, fluid_open, fluid_room, fluid_take, fluid_use
from rackwright.engine.heap import heap_pop, heap_push, heap_room
from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.engine.status import FOREVER_PS, RUNNING
from rackwright.models.arrivals import GOES_ON, before_event, clock_to, issue, next_arrival_ps
from rackwright.models.lovelock.state import GROW_FLOWS, GROW_FLUIDS, GROW_HEAP

__all__ = ["advance"]


@kernel
def push_group(state, at):  # type: ignore[no-untyped-def]
    """Make the group that starts with operator `at` ready."""
    operators = state.operators
    end = operators.group_end[at]
    state.queries.left[operators.query[at]] = end - at
    for operator in range(end - 1, at - 1, -1):
        state.ready[state.ready_count[0]] = operator
        state.ready_count[0] += 1


@kernel
def open_flows(state, operator, now_ps):  # type: ignore[no-untyped-def]
    """Start the flows of an operator, one for each class of its pattern."""
    operators, fixed = state.operators, state.fixed
    pattern = operators.pattern[operator]
    first, end = fixed.first_class[pattern], fixed.first_class[pattern + 1]
    for each in range(first, end):
        flow_open_as(state.flows, now_ps, each, operators.nbytes[operator] * fixed.share[each],
                     1.0, operator, 0, fixed.members[each])
    operators.flows[operator] = end - first


@kernel
def open_job(state, operator, now_ps):  # type: ignore[no-untyped-def]
    """Start the service of an operator."""
    operators, fluids = state.operators, state.fluids
    job = fluid_open(fluids, operators.station[operator], now_ps, operators.service_ps[operator],
                     1.0, 0, operator)
    for resource in range(operators.demand.shape[1]):
        fluid_use(fluids, job, resource, operators.demand[operator, resource])


@kernel
def begin(state, operator, now_ps):  # type: ignore[no-untyped-def]
    """Start the next phase that an operator has; False when none is left."""
    operators = state.operators
    while operators.phase[operator] < 2:
        moving = (operators.phase[operator] == 0) == (operators.moves_first[operator] == 1)
        operators.started_ps[operator] = now_ps
        if moving and operators.pattern[operator] >= 0:
            open_flows(state, operator, now_ps)
            return True
        if not moving and operators.station[operator] >= 0:
            open_job(state, operator, now_ps)
            return True
        operators.phase[operator] += 1
    return False


@kernel
def end_operator(state, operator, now_ps):  # type: ignore[no-untyped-def]
    """An operator is done: its group, and its query, may be."""
    operators, queries = state.operators, state.queries
    q = operators.query[operator]
    state.done[0] += 1
    queries.left[q] -= 1
    if queries.left[q] > 0:
        return
    following = operators.group_end[operator]
    if following < queries.first[q + 1]:
        push_group(state, following)
    else:
        queries.finish_ps[q] = now_ps
        queries.finished[0] += 1


@kernel
def start_ready(state, now_ps):  # type: ignore[no-untyped-def]
    """Start what is ready; operators without any phase end at once."""
    while state.ready_count[0] > 0:
        state.ready_count[0] -= 1
        operator = state.ready[state.ready_count[0]]
        if not begin(state, operator, now_ps):
            end_operator(state, operator, now_ps)


@kernel
def end_phase(state, operator, now_ps):  # type: ignore[no-untyped-def]
    """The running phase of an operator has ended."""
    operators = state.operators
    start_ps, kind = operators.started_ps[operator], operators.kind[operator]
    # service of what moves bytes is work of cores, unless it is an accelerator's
    moving = (operators.phase[operator] == 0) == (operators.moves_first[operator] == 1)
    if not moving and operators.station[operator] == 0:
        kind = 0
    state.spent_ps[kind] += now_ps - start_ps
    q = operators.query[operator]
    lane = q % state.fixed.lanes  # nonzero: at least one lane
    span_add(state.spans, lane, kind, start_ps, now_ps, q)
    operators.phase[operator] += 1
    state.ready[state.ready_count[0]] = operator
    state.ready_count[0] += 1


@kernel
def end_flow(state, now_ps):  # type: ignore[no-untyped-def]
    """Take one class of flows that has ended; the last of an operator leaves the route's tail."""
    slot = flow_take(state.flows, now_ps)
    operator = state.flows.slots.tag[slot]
    state.operators.flows[operator] -= 1
    if state.operators.flows[operator] == 0:
        latency = state.fixed.latency_ps[state.operators.pattern[operator]]
        heap_push(state.heap, now_ps + latency, 0, 0, operator)


@kernel
def arrive(state, now_ps):  # type: ignore[no-untyped-def]
    """The next query starts."""
    q = issue(state.queries, now_ps)
    push_group(state, state.queries.first[q])


@kernel
def wanting(state):  # type: ignore[no-untyped-def]
    """What must grow before the next event can be handled: 0 for nothing."""
    if heap_room(state.heap) < 2:
        return GROW_HEAP
    if flow_room(state.flows) < state.fixed.most_flows:
        return GROW_FLOWS
    return GROW_FLUIDS if fluid_room(state.fluids) < state.fixed.most_group else 0


@kernel
def advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Run until `until_ps` or for `max_events` events; see `rackwright.engine.status`."""
    control, heap = state.control, state.heap
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        status = before_event(state, wanting(state))
        if status != GOES_ON:
            return status
        ends = flow_next_ps(state.flows, control.now_ps[0])
        served = fluid_next_ps(state.fluids, control.now_ps[0])
        pending = heap.time_ps[0] if heap.size[0] > 0 else FOREVER_PS
        now_ps = min(min(ends, served), min(pending, next_arrival_ps(state)))
        status = clock_to(control, now_ps, until_ps)
        if status != GOES_ON:
            return status
        operator = -1
        if ends <= now_ps:
            end_flow(state, now_ps)
        elif pending <= now_ps:
            _, _, operator = heap_pop(heap)
        elif served <= now_ps:
            operator = state.fluids.jobs.tag[fluid_take(state.fluids, now_ps)]
        else:
            arrive(state, now_ps)
        if operator >= 0:
            end_phase(state, operator, now_ps)
        start_ready(state, now_ps)
    return RUNNING
