"""Random jobs against an independent recursion over their events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import topologies
from rackwright.models.training import TrainingOptions, replay
from rackwright.traces.chakra import COLLECTIVES, ExecutionNode, ExecutionTrace

US = 1e-6

@st.composite
def jobs(draw):
    """(ranks, rounds of microseconds that each rank computes, between collectives of all)."""
    ranks, rounds = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    work = st.lists(st.integers(0, 50), min_size=ranks, max_size=ranks)
    return ranks, [draw(work) for _ in range(rounds)], draw(st.booleans())


@settings(max_examples=60, deadline=None)
@given(jobs())
def test_rounds_of_work_and_reductions(fabric, job):
    """Waiting for a reduction: the sum of the longest works and of the reductions. Not waiting:
    a reduction starts when the one before it has ended and all its inputs are there."""
    ranks, rounds, waits = job
    nbytes = 4 << 20
    alone = topologies.collective_time("all_reduce", nbytes, fabric, fabric.gpus()[:ranks]) \
        if ranks > 1 else 0.0
    made = []
    for rank in range(ranks):
        nodes, last = [], None
        for works in rounds:
            after = () if last is None else (last,)
            nodes.append(ExecutionNode(len(nodes), "c", "COMP", after, works[rank] * US))
            computed = nodes[-1].id
            nodes.append(ExecutionNode(len(nodes), "r", "COMM_COLL", (computed,), 0.0,
                                       {"comm_type": COLLECTIVES.index("ALL_REDUCE"),
                                        "comm_size": nbytes}))
            last = nodes[-1].id if waits else computed
        made.append(tuple(nodes))
    found = replay(fabric, ExecutionTrace(tuple(made)), TrainingOptions())
    clock, free = [0.0] * ranks, 0.0
    for works in rounds:
        clock = [at + work * US for at, work in zip(clock, works, strict=True)]
        free = max(free, *clock) + alone
        if waits:
            clock = [free] * ranks
    assert abs(found.metrics["step_time_s"] - max(free, *clock)) < 20e-12
