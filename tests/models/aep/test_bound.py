"""Without a network, without skew and without host time, AEP approaches what its GPUs can do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.driver import drive
from rackwright.models.aep import AepOptions
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.state import grow
from rackwright.models.aep.workload import prepare
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

FREE = {name: "0us" for name in (
    "message_time", "attention_fixed_time", "attention_token_time", "expert_fixed_time",
    "sampler_fixed_time", "sampler_token_time")}
TOKENS = 3      # a request


@pytest.fixture(scope="module")
def free_fabric() -> Fabric:
    graph = topologies.dgx("a100-sxm-80", hosts=1)
    for _, _, edge in graph.edges(data=True):
        link = edge["link"]
        edge["link"] = link.__class__(link.name, link.kind, link.rate_bps * 1e5, link.efficiency,
                                      0.0, "ideal")
    return topologies.compile(graph)


def share_of_bound(fabric: Fabric, requests: int, **options: Any) -> float:
    """Tokens/s, all requests at once, over those of the slower side at its best batch."""
    trace = RequestTrace(np.zeros(requests), np.full(requests, 100), np.full(requests, TOKENS),
                         "at once", "made here")
    state, placed, _ = prepare(fabric, trace, AepOptions.checked({**FREE, **options}), 0)
    end: Any = drive(advance, state, grow=grow)  # type: ignore[arg-type]
    sizes = range(1, min(requests, 1024) + 1)
    attention = min(int(table2_ps(end.fixed.attention, n, 100.0)) / n for n in sizes)
    expert = min(int(table1_ps(end.fixed.expert, n)) / n for n in sizes)
    others = len(placed.gpus) - placed.attention
    bound = 1e12 / 32 * min(placed.attention / attention, others / expert)
    return float(requests * TOKENS / (end.control.now_ps[0] * 1e-12) / bound)


def test_it_comes_near_the_bound_with_the_load(free_fabric: Fabric) -> None:
    shares = [share_of_bound(free_fabric, requests, routing_skew=1.0)
              for requests in (1000, 8000, 24_000)]
    assert shares[0] < shares[1] < shares[2]
    assert 0.8 < shares[2] <= 1.0


def test_skew_takes_it_away(free_fabric: Fabric) -> None:
    """The hottest pair of experts of a block has more than a quarter of its tokens."""
    even, skewed = (share_of_bound(free_fabric, 8000, routing_skew=skew) for skew in (1.0, 0.59))
    assert skewed < even


def test_so_does_the_network(free_fabric: Fabric) -> None:
    fast, slow = (share_of_bound(free_fabric, 8000, routing_skew=1.0, message_time=each)
                  for each in ("0us", "2ms"))
    assert slow < fast
