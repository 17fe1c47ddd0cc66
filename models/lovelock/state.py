"""The state of a replay: NamedTuples of arrays, and their growth.

Operators are numbered as in the trace; a query's operators run in *groups*, one after the other:
single operators, or all of a stage. Times are int64 picoseconds, bytes float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.flow_state import Flows, grown_flows
from rackwright.engine.fluid_state import Fluids, grown_fluids
from rackwright.engine.heap import EventHeap, grown_heap, new_heap
from rackwright.engine.record import SpanLog
from rackwright.engine.status import Control, new_control
from rackwright.models.lovelock.work import KINDS

__all__ = ["GROW_FLOWS", "GROW_FLUIDS", "GROW_HEAP", "Fixed", "LovelockState", "Operators",
           "Queries", "grow", "new_queries", "new_state"]

GROW_HEAP, GROW_FLOWS, GROW_FLUIDS = 1, 2, 3

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Fixed(NamedTuple):
    """What does not change during a replay."""

    clients: int              # 0: open loop
    most_flows: int           # that one event may open
    most_group: int           # operators of the largest group
    lanes: int                # tracks of the timeline
    first_class: Ints         # (patterns + 1,)
    share: Floats             # per class: bytes of a member over the operator's
    members: Floats
    latency_ps: Ints          # per pattern


class Operators(NamedTuple):
    """One entry an operator; -1: no such phase."""

    query: Ints
    group_end: Ints           # first operator behind its group
    pattern: Ints
    nbytes: Floats
    station: Ints
    service_ps: Ints
    demand: Floats            # (operators, resources)
    moves_first: Ints
    kind: Ints
    phase: Ints               # 0, 1: which of its phases runs; 2: none is left
    flows: Ints               # classes of flows under way
    started_ps: Ints          # of the phase that runs


class Queries(NamedTuple):
    """One entry a query, in order of arrival; -1: not yet."""

    first: Ints               # (queries + 1,) operators
    arrival_ps: Ints
    finish_ps: Ints
    left: Ints                # operators of the running group
    issued: Ints              # (1,)
    finished: Ints            # (1,)


class LovelockState(NamedTuple):
    control: Control
    fixed: Fixed
    heap: EventHeap           # tails of routes, by operator
    flows: Flows
    fluids: Fluids
    operators: Operators
    queries: Queries
    ready: Ints               # stack of operators that may start; scratch
    ready_count: Ints         # (1,)
    spent_ps: Floats          # (kinds,) time of operators, waiting for shares included
    done: Ints                # (1,) operators
    spans: SpanLog


def new_queries(offsets: Ints, arrival_ps: Ints) -> Queries:
    count = len(arrival_ps)
    return Queries(offsets, arrival_ps, np.full(count, -1, np.int64), np.zeros(count, np.int64),
                   np.zeros(1, np.int64), np.zeros(1, np.int64))


def new_state(fixed: Fixed, flows: Flows, fluids: Fluids, operators: Operators,
              queries: Queries, spans: SpanLog) -> LovelockState:
    """Idle clusters before the first arrival."""
    return LovelockState(new_control(), fixed, new_heap(256), flows, fluids, operators, queries,
                         np.zeros(max(fixed.most_group, 1), np.int64), np.zeros(1, np.int64),
                         np.zeros(len(KINDS)), np.zeros(1, np.int64), spans)


def grow(state: LovelockState, what: int) -> LovelockState:
    """The driver's `grow`: twice the room in the heap, for flows or for jobs."""
    if what == GROW_HEAP:
        return state._replace(heap=grown_heap(state.heap))
    if what == GROW_FLOWS:
        return state._replace(flows=grown_flows(state.flows))
    return state._replace(fluids=grown_fluids(state.fluids))
