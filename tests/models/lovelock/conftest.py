"""Small pods and traces, and replays that hand back their state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright import topologies
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.report import outcome
from rackwright.models.lovelock.workload import prepare, run_side
from rackwright.topologies.fabric import Fabric
from rackwright.traces import Operator, QueryTrace, generate_queries

Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="session")
def pod() -> Fabric:
    """4 compute and 4 storage nodes."""
    return topologies.compile(topologies.lovelock(accelerators=0, storage=4, compute=4))


@pytest.fixture(scope="session")
def mixed() -> Fabric:
    """Nodes of all three kinds, two of each."""
    return topologies.compile(topologies.lovelock(accelerators=2, storage=2, compute=2, gpus=2))


@pytest.fixture(scope="session")
def queries() -> QueryTrace:
    return generate_queries(2.0, 12, scale=100.0, seed=1)


@pytest.fixture(scope="session")
def jobs() -> Callable[..., QueryTrace]:
    """A trace of (arrival, [(stage, class, bytes_in, bytes_out, core_seconds), ...]) jobs."""
    def build(*wanted: tuple[float, Rows]) -> QueryTrace:
        return QueryTrace.of(
            [(f"job{number}", arrival, [Operator(stage, kind, kind, 10, 10, *amounts)
                                        for stage, kind, *amounts in rows])
             for number, (arrival, rows) in enumerate(wanted)], "jobs", "tests")

    return build


@pytest.fixture(scope="session")
def play(a_run: Callable[..., Any]) -> Callable[..., Any]:
    """Replay the chosen cluster, and the servers beside it."""
    def run(fabric: Fabric, trace: QueryTrace, **options: Any) -> Any:
        chosen = LovelockOptions.checked(options)
        made = prepare(fabric, trace, chosen)
        state = run_side(made.chosen, trace, chosen)
        reference = run_side(made.reference, trace, chosen)
        return a_run(made, state, outcome(made, chosen, state, reference, complete=True))

    return run
