"""Queries that arrive in an event loop, and the steps of that loop: kernels of several systems.

An open loop has the arrivals of the trace; in a closed one each of so many clients sends its next
query when its last one is answered. What a state needs: `control`; `queries` with `arrival_ps` (an
entry a query), `issued` and `finished` (one element each); `fixed.clients`, 0 for an open loop.
Left out: who serves the queries, and think times. Times in ps.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FOREVER_PS, GROW, RUNNING, STALLED

__all__ = ["GOES_ON", "before_event", "clock_to", "issue", "next_arrival_ps"]

GOES_ON = -1    # beside the statuses of rackwright.engine.status


@kernel
def next_arrival_ps(state):  # type: ignore[no-untyped-def]
    """When the next query comes; FOREVER_PS if none does before something else happens."""
    queries = state.queries
    q = queries.issued[0]
    if q == queries.arrival_ps.shape[0]:
        return FOREVER_PS
    if state.fixed.clients == 0:
        return queries.arrival_ps[q]
    if q - queries.finished[0] < state.fixed.clients:
        return state.control.now_ps[0]
    return FOREVER_PS


@kernel
def issue(queries, now_ps):  # type: ignore[no-untyped-def]
    """The query that arrives now."""
    q = queries.issued[0]
    queries.issued[0] += 1
    queries.arrival_ps[q] = now_ps
    return q


@kernel
def before_event(state, need):  # type: ignore[no-untyped-def]
    """GOES_ON, or what `advance` is to return: DONE when all queries are answered, GROW when
    something must grow first (`need`, 0 for nothing).
    """
    if state.queries.finished[0] == state.queries.arrival_ps.shape[0]:
        return DONE
    if need > 0:
        state.control.code[0] = need
        return GROW
    return GOES_ON


@kernel
def clock_to(control, now_ps, until_ps):  # type: ignore[no-untyped-def]
    """Set the clock to an event and count it: GOES_ON. Else what `advance` is to return: STALLED
    without an event, RUNNING with the clock at `until_ps` for one behind that.
    """
    if now_ps == FOREVER_PS:
        return STALLED
    if now_ps > until_ps:
        control.now_ps[0] = until_ps
        return RUNNING
    control.now_ps[0] = now_ps
    control.events[0] += 1
    return GOES_ON
