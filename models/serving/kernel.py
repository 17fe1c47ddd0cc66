"""Continuous batching, step by step: arrivals, a scheduling round, the step, its tokens.

An event is a step, or a jump to the next arrival. A request that arrives during a step waits for
the next one. In a closed loop, request i arrives when fewer than `clients` others are under way.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, FOREVER_PS, RUNNING, STALLED
from rackwright.models.serving.scheduler import admit_waiting, schedule_running
from rackwright.models.serving.snapshots import take_snapshots
from rackwright.models.serving.state import OUTSIDE_TABLE
from rackwright.models.serving.steps import end_step, step_time

__all__ = ["advance"]


@kernel
def next_arrival_ps(fixed, requests, admission, step):  # type: ignore[no-untyped-def]
    """When the next request that was sent reaches the queue; FOREVER_PS for none."""
    if admission.arrived[0] >= step.sent[0]:
        return FOREVER_PS
    return requests.arrival_ps[admission.arrived[0]] + fixed.frontend_ps


@kernel
def arrivals(fixed, requests, admission, step, now_ps):  # type: ignore[no-untyped-def]
    """Clients of a closed loop send; then count what has reached the queue by now."""
    total = requests.arrival_ps.shape[0]
    while step.sent[0] < total and step.sent[0] - admission.finished[0] < fixed.clients:
        requests.arrival_ps[step.sent[0]] = now_ps
        step.sent[0] += 1
    while next_arrival_ps(fixed, requests, admission, step) <= now_ps:
        admission.arrived[0] += 1


@kernel
def note_levels(state, before):  # type: ignore[no-untyped-def]
    """Queue and pages at the snapshots that were just taken."""
    admission, work = state.admission, state.work
    for at in range(before, state.snapshots.taken[0]):
        work.queue[at] = admission.arrived[0] - admission.admitted[0] + state.step.returned[0]
        work.pages[at] = state.fixed.pages - admission.kv_free[0]


@kernel
def advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Run whole steps; see `rackwright.engine.status`."""
    control, fixed, requests = state.control, state.fixed, state.requests
    admission, sequences, step = state.admission, state.sequences, state.step
    total = requests.arrival_ps.shape[0]
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        if admission.finished[0] == total:
            return DONE
        now_ps = control.now_ps[0]
        if now_ps > until_ps:
            return RUNNING
        before = state.snapshots.taken[0]
        take_snapshots(state.snapshots, now_ps, admission, state.work.busy_ps, state.work.links_ps)
        note_levels(state, before)
        arrivals(fixed, requests, admission, step, now_ps)
        budget = schedule_running(fixed, requests, admission, state.prefix, sequences, step,
                                  state.work)
        if budget >= 0:
            admit_waiting(fixed, requests, admission, state.prefix, sequences, step, budget, now_ps)
        control.events[0] += 1
        if step.running[0] == 0:
            following = next_arrival_ps(fixed, requests, admission, step)
            if following == FOREVER_PS or following <= now_ps:
                return STALLED
            control.now_ps[0] = following
            step.idle[0] = 1
            continue
        lasted_ps = step_time(fixed, requests, sequences, step)
        if lasted_ps < 0:
            control.code[0] = OUTSIDE_TABLE
            control.code[1] = step.tokens[0]
            control.code[2] = step.rows[0]
            return FAULT
        step.idle[0] = 0
        end_step(state, now_ps, now_ps + lasted_ps)
        control.now_ps[0] = now_ps + lasted_ps
    return RUNNING
