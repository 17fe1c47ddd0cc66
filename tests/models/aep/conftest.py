"""Small workloads on real parts, and looks inside a replay's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.models.aep import AepOptions
from rackwright.models.aep.workload import prepare
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform, generate_requests


@pytest.fixture(scope="session")
def dgx() -> Fabric:
    return topologies.compile(topologies.dgx("a100-sxm-80", hosts=1))


@pytest.fixture(scope="session")
def two_gpus() -> Fabric:
    """One attention and one expert GPU of 141 GB: a whole model on two boards."""
    return topologies.compile(topologies.dgx("h200-sxm", hosts=1, gpus=2, nics=0))


@pytest.fixture(scope="session")
def busy_trace() -> RequestTrace:
    """120 requests in about 0.1 s, 3 to 9 tokens each: queues build up, schedulers differ."""
    return generate_requests(1000.0, count=120, seed=3, input_tokens=Uniform(10, 50),
                             output_tokens=Uniform(3, 9))


@pytest.fixture(scope="session")
def short_trace() -> RequestTrace:
    """12 requests of 1 to 3 tokens within 2 ms: few enough to inspect after every event."""
    return generate_requests(6000.0, count=12, seed=3, input_tokens=Uniform(10, 50),
                             output_tokens=Uniform(1, 3))


@pytest.fixture(scope="session")
def single() -> RequestTrace:
    """One request of 4 tokens."""
    return RequestTrace(np.zeros(1), np.array([100]), np.array([4]), "single", "made here")


@pytest.fixture(scope="session")
def state_of() -> Callable[..., Any]:
    def build(fabric: Fabric, trace: RequestTrace, seed: int = 0, **settings: Any) -> Any:
        return prepare(fabric, trace, AepOptions.checked(settings), seed)[0]
    return build
