"""Small engines: tables made once, traces and memory varied around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.models.serving import ServingOptions, prepare
from rackwright.models.serving.workload import _started, padded_sizes
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform, generate_requests

MS = 10**9
LONGEST = 600     # tokens of a request that the small engine's tables reach


@pytest.fixture(scope="session")
def dgx() -> Fabric:
    return topologies.compile(topologies.dgx("h100-sxm", hosts=1))


@pytest.fixture(scope="session")
def busy_trace() -> RequestTrace:
    """60 requests within a second: prompts of 5 to 300 tokens, answers of 1 to 40."""
    return generate_requests(60.0, count=60, seed=3, input_tokens=Uniform(5, 300),
                             output_tokens=Uniform(1, 40))


@pytest.fixture(scope="session")
def state_of() -> Callable[..., Any]:
    def build(fabric: Fabric, trace: RequestTrace, seed: int = 0, **settings: Any) -> Any:
        return prepare(fabric, trace, ServingOptions.checked(settings), seed)[0]
    return build


@pytest.fixture(scope="session")
def small(dgx: Fabric) -> Callable[..., Any]:
    """An engine of 16 running requests at most, for any trace of `LONGEST` tokens a request.

    `graph`, the largest captured size, `span`, arrivals between which snapshots lie, and fields of
    `Fixed` (`pages`, ...) as keywords.
    """
    options = ServingOptions.checked({"max_num_seqs": 16, "max_num_batched_tokens": 512})
    widest = requests([(0, LONGEST - 1, 1)] * 16)
    base, placed, _ = prepare(dgx, widest, options)

    def build(trace: RequestTrace, graph: int = 32, span: Any = None, **fields: Any) -> Any:
        fixed = base.fixed._replace(padded=padded_sizes(graph), **fields)
        state = _started(trace, options, placed, fixed, span)
        state.admission.kv_free[0] = fixed.pages
        return state
    return build


@pytest.fixture(scope="session")
def made() -> Callable[..., RequestTrace]:
    return requests


def requests(rows: list[tuple[int, int, int]]) -> RequestTrace:
    """A trace of (arrival in us, prompt, answer), sorted by arrival."""
    rows = sorted(rows, key=lambda row: row[0])
    return RequestTrace(np.array([row[0] * 1e-6 for row in rows]),
                        np.array([row[1] for row in rows]), np.array([row[2] for row in rows]),
                        "made", "made in a test")
