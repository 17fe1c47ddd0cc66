"""Fabrics, and execution traces made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rackwright import topologies
from rackwright.models.training import TrainingOptions, replay
from rackwright.models.training.costs import Costs, place_ranks
from rackwright.models.training.run import Run
from rackwright.traces.chakra import COLLECTIVES, ExecutionNode, ExecutionTrace

ALL_REDUCE = COLLECTIVES.index("ALL_REDUCE")


@pytest.fixture(scope="session")
def fabric():
    """Eight H100s behind an NVSwitch."""
    return topologies.compile(topologies.dgx("h100-sxm"))


def compute(number: int, time: float, after: tuple[int, ...] = (), **more) -> ExecutionNode:
    return ExecutionNode(number, f"work {number}", "COMP", after, time, more)


def reduce(number: int, nbytes: int, after: tuple[int, ...] = (), group: str = ""
           ) -> ExecutionNode:
    more = {"pg_name": group} if group else {}
    return ExecutionNode(number, f"reduce {number}", "COMM_COLL", after, 0.0,
                         {"comm_type": ALL_REDUCE, "comm_size": nbytes, **more})


def move(number: int, to: int | None, of: int | None, nbytes: int, after: tuple[int, ...] = (),
         tag: int = 0) -> ExecutionNode:
    """A send to rank `to`, or a receive from rank `of`."""
    ends = {"comm_dst": to} if to is not None else {"comm_src": of}
    return ExecutionNode(number, f"{'send' if of is None else 'receive'} {number}",
                         "COMM_SEND" if of is None else "COMM_RECV", after, 0.0,
                         {"comm_size": nbytes, "comm_tag": tag, **ends})


@pytest.fixture
def nodes():
    """(compute, reduce, move): makers of nodes."""
    return compute, reduce, move


@pytest.fixture
def step_time(fabric) -> Callable[..., float]:
    """Seconds of a replay of ranks, on eight H100s unless told."""
    def run(*ranks, groups=None, on=None, **options) -> float:
        trace = ExecutionTrace(tuple(tuple(rank) for rank in ranks), groups or {})
        found = replay(on or fabric, trace, TrainingOptions(**options))
        return found.metrics["step_time_s"]
    return run


@pytest.fixture
def spans(fabric):
    """The spans of a replay."""
    def run(*ranks, groups=None, overlap=True, **options):
        trace = ExecutionTrace(tuple(tuple(rank) for rank in ranks), groups or {})
        costs = Costs(fabric, trace, place_ranks(fabric, trace), TrainingOptions(**options))
        return Run(trace, costs, overlap).run()
    return run
