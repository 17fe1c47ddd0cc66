"""Small fabrics and traces, and replays that hand back their state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright import topologies
from rackwright.engine.driver import drive
from rackwright.models.hyperrag import HyperragOptions
from rackwright.models.hyperrag.kernel import advance
from rackwright.models.hyperrag.report import outcome
from rackwright.models.hyperrag.state import grow
from rackwright.models.hyperrag.workload import prepare
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace, generate_documents


@pytest.fixture(scope="session")
def dgx() -> Fabric:
    return topologies.compile(topologies.preset("dgx-a100"))


@pytest.fixture(scope="session")
def box() -> Fabric:
    """One GPU, one processor pair, one drive, no switch."""
    return topologies.compile(topologies.pcie_box("a100-pcie-80", gpus=1, nics=0, drives=1,
                                                  switches=0))


@pytest.fixture(scope="session")
def pod() -> Fabric:
    """Two GPUs on smart NICs, one storage node with two drives: no host memory."""
    return topologies.compile(topologies.lovelock(accelerators=2, storage=1, compute=0, drives=2))


@pytest.fixture(scope="session")
def small() -> DocumentTrace:
    """40 queries of 12 of 200 documents: batches of both kinds, hits and misses."""
    return generate_documents(50.0, 40, documents=200, per_query=12, skew=0.8, seed=5)


@pytest.fixture(scope="session")
def run(a_run: Callable[..., Any]) -> Callable[..., Any]:
    def go(fabric: Fabric, trace: DocumentTrace, **settings: Any) -> Any:
        options = HyperragOptions.from_settings(settings)
        made = prepare(fabric, trace, options)
        end: Any = drive(advance, made.state, grow=grow)
        return a_run(made, end, outcome(fabric, options, made, end, complete=True))
    return go
