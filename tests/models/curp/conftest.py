"""The reference fabric, small traces, and replays that hand back their state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from rackwright import topologies
from rackwright.engine.driver import drive
from rackwright.models.curp import MODEL, CurpOptions
from rackwright.models.curp.kernel import advance
from rackwright.models.curp.report import outcome
from rackwright.models.curp.state import grow
from rackwright.models.curp.workload import Prepared, prepare
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces import OperationTrace, generate_operations


class Run(NamedTuple):
    made: Prepared
    state: Any
    outcome: Outcome

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self.outcome.metrics)


@pytest.fixture(scope="session")
def star() -> Fabric:
    return topologies.compile(topologies.preset(MODEL.sample_topology))


@pytest.fixture(scope="session")
def writes() -> OperationTrace:
    return generate_operations("writes", 3000, keys=100_000, theta=0.0, seed=3)


@pytest.fixture(scope="session")
def skewed() -> OperationTrace:
    """Half reads, few hot keys: conflicts of all kinds."""
    return generate_operations("a", 6000, keys=200, theta=0.9, rate_per_s=300_000.0, seed=4)


@pytest.fixture(scope="session")
def run(star: Fabric) -> Callable[..., Run]:
    def go(trace: OperationTrace, *, check: Callable[[Any], None] | None = None,
           max_events: int | None = None, fabric: Fabric = star, seed: int = 0,
           **settings: Any) -> Run:
        options = CurpOptions.from_settings({"timeline_spans": 0, **settings})
        made = prepare(fabric, trace, options, seed)
        kernel: Any = advance
        end = drive(kernel, made.state, grow=grow, check=check, max_events=max_events)
        return Run(made, end, outcome(fabric, trace, options, made, end, complete=True))
    return go
