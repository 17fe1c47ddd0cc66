"""The consensus variant in time: superquorums of witnesses, majorities of replicas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.models.curp.costs import costs
from rackwright.models.curp.formulas import superquorum
from rackwright.models.curp.options import CurpOptions
from rackwright.topologies.fabric import Fabric
from rackwright.traces import OperationTrace, generate_operations


@pytest.fixture(scope="module")
def sites() -> Fabric:
    """Hosts are in the order of their names: a leader, four replicas, the client in the west."""
    names = "ca-central-1,eu-west-1,sa-east-1,us-east-1,us-east-2,us-west-2"
    return topologies.compile(topologies.wan(names, rate="10Gbps"))


@pytest.mark.parametrize("f", [1, 2, 3])
def test_a_write_costs_a_send_for_every_witness(run: Any, writes: OperationTrace, f: int) -> None:
    """6.1 us + 0.3 us x (2 f + 1): on a star the leader answers last."""
    alone = run(writes, variant="unreplicated", clients=1).metrics["latency_write_p50_s"]
    found = run(writes, group="consensus", replicas=f, clients=1)
    more = (2 * f + 1) * costs(CurpOptions()).send_time
    assert found.metrics["latency_write_p50_s"] == pytest.approx(alone + more, abs=2e-12)
    assert found.metrics["fast_path_share"] > 0.99
    assert found.metrics["copies_per_update"] == 1 + 2 * f + 2 * f + 1


def round_trips(found: Any, ends: range) -> list[float]:
    """Seconds of light from the only client to `ends` and back, ascending."""
    paths, ports = found.made.state.paths, found.made.state.ports
    client = len(paths.first) - 1
    return sorted(sum(int(ports.latency_ps[paths.first[way]] + ports.latency_ps[paths.last[way]]
                          + paths.middle_ps[way]) for way in ((client, end), (end, client))) * 1e-12
                  for end in ends)


def test_the_superquorums_slowest_witness_decides(run: Any, sites: Fabric) -> None:
    """f = 2: the fourth of five witnesses; a primary's client waits for all its backups'."""
    trace = generate_operations("writes", 60, keys=1000, theta=0.0, seed=2)
    found = run(trace, fabric=sites, group="consensus", replicas=2, clients=1, batch=4096)
    witnesses = round_trips(found, range(5, 10))
    assert len(witnesses) == 5 and superquorum(2) == 4
    assert found.metrics["latency_write_p50_s"] == pytest.approx(witnesses[3], abs=20e-6)
    assert witnesses[4] > 1.3 * witnesses[3]


def test_a_majority_is_waited_for_where_there_are_no_witnesses(run: Any, sites: Fabric) -> None:
    """Client to leader and back, leader to the second nearest of four replicas and back."""
    trace = generate_operations("writes", 60, keys=1000, theta=0.0, seed=2)
    found = run(trace, fabric=sites, group="consensus", replicas=2, clients=1, variant="original")
    paths, ports = found.made.state.paths, found.made.state.ports
    nearest = sorted(2 * int(ports.latency_ps[paths.first[0, end]] + paths.middle_ps[0, end]
                             + ports.latency_ps[paths.last[0, end]]) * 1e-12
                     for end in range(1, 5))
    expected = round_trips(found, range(1))[0] + nearest[1]
    assert found.metrics["latency_write_p50_s"] == pytest.approx(expected, abs=20e-6)


def check(state: Any) -> None:
    for which in range(state.fixed.witnesses):    # records that a witness holds commute
        held = state.witnesses.key_hash[which][state.witnesses.valid[which] == 1]
        assert len(np.unique(held)) == len(held)
    assert (np.sort(state.master.acked)[-2:] >= state.master.counts[1]).all()


def test_every_event_with_conflicts(run: Any) -> None:
    trace = generate_operations("f", 400, keys=30, theta=0.9, seed=2)
    found = run(trace, check=check, group="consensus", replicas=2, clients=6, witness_sets=4,
                witness_ways=2, batch=8)
    ops = found.state.ops
    assert found.metrics["operations_finished"] == 400 == found.metrics["updates"] + np.sum(
        ops.kind == 0)
    assert set(np.unique(ops.trips).tolist()) == {1, 2, 3}
    for client in range(6):    # one operation at a time
        mine = np.flatnonzero(ops.client == client)
        assert (ops.start_ps[mine][1:] >= ops.finish_ps[mine][:-1]).all()


@pytest.mark.parametrize("variant", ["curp", "original", "asynchronous", "unreplicated"])
def test_slices_give_the_same(run: Any, skewed: OperationTrace, variant: str) -> None:
    whole = run(skewed, group="consensus", replicas=1, variant=variant)
    assert whole.metrics["operations_finished"] == len(skewed)
    assert run(skewed, group="consensus", replicas=1, variant=variant,
               max_events=97).metrics == whole.metrics


def test_one_replica_down_the_road_is_not_felt(run: Any, sites: Fabric) -> None:
    """The farthest replica is behind all the time; what was its write says so when it comes."""
    trace = generate_operations("writes", 400, keys=20, theta=0.5, seed=2)
    found = run(trace, fabric=sites, group="consensus", replicas=2, clients=4, batch=1)
    acked = np.sort(found.state.master.acked)
    assert acked[0] < acked[2]
    assert found.metrics["operations_finished"] == 400
