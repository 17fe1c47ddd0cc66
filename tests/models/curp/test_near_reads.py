"""Reads at a backup near by, in time."""

from __future__ import annotations

from typing import Any

import pytest

from rackwright import topologies
from rackwright.models.curp.costs import costs
from rackwright.models.curp.options import CurpOptions
from rackwright.topologies.fabric import Fabric
from rackwright.traces import OperationTrace, generate_operations


@pytest.fixture(scope="module")
def reading() -> OperationTrace:
    return generate_operations("reads", 300, keys=50_000, theta=0.0, seed=1)


@pytest.fixture(scope="module")
def continents() -> Fabric:
    """Master on one coast, backup and client on the other: near by is 1/3 of the way."""
    graph = topologies.wan("us-east-1,us-west-1,us-west-2", rate="10Gbps")
    return topologies.compile(graph)


def test_near_by_costs_the_witness_more(run: Any, reading: OperationTrace) -> None:
    """On a star all ways are equal: the probe of the witness is what is added."""
    far, near = (run(reading, clients=1, reads=place) for place in ("master", "backup"))
    assert near.metrics["near_read_share"] == 1
    more = near.metrics["latency_read_p50_s"] - far.metrics["latency_read_p50_s"]
    assert more == pytest.approx(costs(CurpOptions()).record_time, abs=2e-12)


def test_near_by_is_a_short_way(run: Any, reading: OperationTrace, continents: Fabric) -> None:
    settings = {"fabric": continents, "clients": 1, "replicas": 1}
    far, near = (run(reading, reads=place, **settings) for place in ("master", "backup"))
    paths, ports = far.made.state.paths, far.made.state.ports

    def there_and_back(end: int) -> float:
        client, total = 3, 0
        for way in ((client, end), (end, client)):
            total += int(ports.latency_ps[paths.first[way]] + ports.latency_ps[paths.last[way]]
                         + paths.middle_ps[way])
        return total * 1e-12

    gained = far.metrics["latency_read_p50_s"] - near.metrics["latency_read_p50_s"]
    assert gained == pytest.approx(there_and_back(0) - there_and_back(1), abs=1e-6)
    assert near.metrics["latency_read_p50_s"] < 0.5 * far.metrics["latency_read_p50_s"]


def test_what_is_recorded_or_not_known_is_read_at_the_master(run: Any,
                                                             skewed: OperationTrace) -> None:
    found = run(skewed, reads="backup", clients=8)
    assert 0.1 < found.metrics["near_read_share"] < 0.9
    assert found.metrics["operations_finished"] == len(skewed)
    few = generate_operations("b", 6000, keys=100_000, theta=0.5, seed=4)
    assert run(few, reads="backup", clients=8).metrics["near_read_share"] > 0.95


def test_backups_take_load_off_the_master(run: Any) -> None:
    trace = generate_operations("b", 20_000, keys=100_000, theta=0.5, seed=4)
    far, near = (run(trace, reads=place, clients=40).metrics for place in ("master", "backup"))
    assert near["throughput_steady_ops_per_s"] > 2 * far["throughput_steady_ops_per_s"]


def test_baselines_read_at_the_master(run: Any, reading: OperationTrace) -> None:
    found = run(reading, reads="backup", variant="original", clients=1)
    assert "near_read_share" in found.outcome.undefined
    assert any("reads at the master" in note for note in found.outcome.notes)
