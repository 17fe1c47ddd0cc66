"""Replays against closed forms: one query alone, two that share, stages as barriers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.models.lovelock.traffic import READ, SHUFFLE
from rackwright.topologies.fabric import Fabric
from rackwright.traces import QueryTrace

LINE = 200e9 / 8


def test_one_query_alone_takes_the_sum_of_its_operators(pod: Fabric, queries: QueryTrace,
                                                        play: Callable[..., Any]) -> None:
    found = play(pod, queries, clients=1)
    work = found.made.chosen.work
    sums = np.add.reduceat(work.alone_time, queries.offsets[:-1])
    assert found.latency_time == pytest.approx(sums, rel=1e-9)


def test_processing_is_the_roofline(pod: Fabric, jobs: Callable[..., QueryTrace],
                                    play: Callable[..., Any]) -> None:
    found = play(pod, jobs((0.0, [(0, "scan", 400_000_000_000, 0, 0.001)]),
                           (100.0, [(0, "scan", 1000, 0, 50.0)])), memory="datasheet")
    assert found.latency_time == pytest.approx([4e11 / (4 * 102.4e9), 50 / (4 * 16 * 0.79)])


def test_a_shuffle_fills_every_line(pod: Fabric, jobs: Callable[..., QueryTrace],
                                    play: Callable[..., Any]) -> None:
    found = play(pod, jobs((0.0, [(0, "shuffle", 0, 10**12, 0.0)])))
    cable = next(float(each) for each, kind in zip(pod.links.bandwidth, pod.link_kinds,
                                                   strict=True) if kind == "ethernet")
    assert cable <= LINE
    assert found.latency_time[0] == pytest.approx(10**12 / 4 * 3 / 4 / cable, rel=1e-4)


def test_storage_gives_the_least_of_drives_lanes_and_line(jobs: Callable[..., QueryTrace],
                                                          play: Callable[..., Any]) -> None:
    from rackwright import topologies
    from rackwright.devices import catalog

    card, drive = catalog.smart_nic("e2000"), catalog.nvme("nvme-gen4")
    for drives in (1, 2, 4):
        fabric = topologies.compile(topologies.lovelock(accelerators=0, storage=1, compute=4,
                                                        drives=drives))
        found = play(fabric, jobs((0.0, [(0, "io", 10**12, 0, 0.0)])), phi=1)
        assert 10**12 / found.latency_time[0] == pytest.approx(
            min(card.storage_bandwidth(drive, drives), 24.6e9), rel=0.02)


def test_two_queries_share_cores_and_lines(pod: Fabric, jobs: Callable[..., QueryTrace],
                                           play: Callable[..., Any]) -> None:
    for row in ((0, "scan", 1000, 0, 50.0), (0, "shuffle", 0, 10**12, 0.0)):
        alone = play(pod, jobs((0.0, [row]))).latency_time[0]
        both = play(pod, jobs((0.0, [row]), (0.0, [row]))).latency_time
        assert both == pytest.approx([2 * alone, 2 * alone], rel=1e-3)


def test_cores_are_shared_as_by_processor_sharing(pod: Fabric, jobs: Callable[..., QueryTrace],
                                                  play: Callable[..., Any]) -> None:
    """Against a plain recursion over arrivals and ends."""
    draw = np.random.default_rng(7)
    arrivals = np.sort(draw.uniform(0, 60, 25))
    work = draw.exponential(80.0, 25)          # reference core-seconds
    found = play(pod, jobs(*((float(at), [(0, "scan", 0, 0, float(need))])
                             for at, need in zip(arrivals, work, strict=True))))
    rate, now, left, ends = 4 * 16 * 0.79, 0.0, dict[int, float](), np.zeros(25)
    waiting = list(range(25))
    while waiting or left:
        share = rate / max(len(left), 1)
        done = min((need / share, job) for job, need in left.items()) if left else (np.inf, -1)
        until = arrivals[waiting[0]] - now if waiting else np.inf
        step = min(done[0], until)
        left = {job: need - share * step for job, need in left.items()}
        now += step
        if done[0] <= until:
            ends[done[1]] = now
            del left[done[1]]
        else:
            job = waiting.pop(0)
            left[job] = float(work[job])
    assert found.latency_time == pytest.approx(ends - arrivals, rel=1e-8)


def test_queries_bound_by_different_resources_do_not_slow_one_another(
        pod: Fabric, jobs: Callable[..., QueryTrace], play: Callable[..., Any]) -> None:
    scan, compute = (0, "scan", 4 * 10**11, 0, 1e-6), (0, "scan", 1000, 0, 50.0)
    alone = [play(pod, jobs((0.0, [row]))).latency_time[0] for row in (scan, compute)]
    both = play(pod, jobs((0.0, [scan]), (0.0, [compute]))).latency_time
    assert both == pytest.approx(alone, rel=1e-4)


def test_overlap_runs_a_stage_together_but_stages_stay_barriers(
        pod: Fabric, jobs: Callable[..., QueryTrace], play: Callable[..., Any]) -> None:
    rows = [(0, "scan", 1000, 0, 50.0), (0, "shuffle", 0, 10**12, 0.0),
            (1, "scan", 1000, 0, 25.0)]
    turn = play(pod, jobs((0.0, rows)))
    together = play(pod, jobs((0.0, rows)), overlap=True)
    scan, move, last = turn.made.chosen.work.alone_time
    assert turn.latency_time[0] == pytest.approx(scan + move + last)
    assert together.latency_time[0] == pytest.approx(max(scan, move) + last, rel=1e-4)


def test_a_ring_all_reduce_and_a_step(mixed: Fabric, jobs: Callable[..., QueryTrace],
                                      play: Callable[..., Any]) -> None:
    found = play(mixed, jobs((0.0, [(0, "accel", 0, 0, 8.0), (0, "net", 0, 10**10, 0.0)])))
    work = found.made.chosen.work
    assert work.service_time[0] == pytest.approx(8.0 / 4)
    assert found.latency_time[0] == pytest.approx(2.0 + work.move_time[1])
    assert work.move_time[1] == pytest.approx(10**10 / 24.5e9, rel=0.02)  # 2 (n-1)/n with n = 2


def test_the_same_devices_are_on_both_sides(mixed: Fabric, jobs: Callable[..., QueryTrace],
                                            play: Callable[..., Any]) -> None:
    found = play(mixed, jobs((0.0, [(0, "scan", 1000, 0, 1.0)])))
    pod, servers = found.made.pod, found.made.reference.cluster
    assert len(servers.hosts) * 2 == len(pod.hosts)
    for cluster in (pod, servers):
        parts = sorted(cluster.fabric.device(node).name
                       for node in (*cluster.drives, *cluster.gpus))
        assert parts == ["a100-sxm-80"] * 4 + ["nvme-gen4"] * 8


def test_bytes_sent_are_bytes_received(pod: Fabric, queries: QueryTrace,
                                       play: Callable[..., Any]) -> None:
    """Over the cables of all hosts, for every pattern."""
    for options in ({}, {"cluster": "servers"}, {"cluster": "server_nic"}):
        side = play(pod, queries, **options).made.chosen
        fabric, share = side.cluster.fabric, side.traffic.link_share
        out = [at for at, head in enumerate(fabric.link_heads) if fabric.nodes[int(head)] == "s0"]
        into = [at for at, tail in enumerate(fabric.link_tails) if fabric.nodes[int(tail)] == "s0"]
        for pattern in (SHUFFLE, READ):
            assert share[pattern, out].sum() == pytest.approx(share[pattern, into].sum())
        nodes = len(side.cluster.workers)
        assert share[SHUFFLE, out].sum() == pytest.approx(1 - 1 / nodes)
        assert share[READ, out].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("phi", [1, 2, 4])
def test_shuffled_bytes_grow_by_split_traffic_alone(pod: Fabric, queries: QueryTrace,
                                                    play: Callable[..., Any], phi: int) -> None:
    found = play(pod, queries, phi=phi)
    side, server = found.made.chosen, found.made.reference
    total = found.metrics["shuffle_bytes"]

    def remote(which: Any) -> float:
        fabric = which.cluster.fabric
        out = [at for at, head in enumerate(fabric.link_heads) if fabric.nodes[int(head)] == "s0"]
        return float(which.traffic.link_share[SHUFFLE, out].sum() * total)

    assert remote(side) - remote(server) == pytest.approx(found.metrics["split_traffic_bytes"])
    assert found.metrics["split_traffic_bytes"] == pytest.approx(total * (phi - 1) / 4)


def test_classes_give_what_single_flows_give(queries: QueryTrace, play: Callable[..., Any],
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    from rackwright import topologies
    from rackwright.models.lovelock import traffic

    fabric = topologies.compile(topologies.lovelock(accelerators=0, storage=2, compute=6))
    few = play(fabric, queries.first(150))
    monkeypatch.setattr(traffic, "collapsed", lambda demand: None)
    many = play(fabric, queries.first(150))
    assert few.made.chosen.traffic.symmetric and not many.made.chosen.traffic.symmetric
    assert many.latency_time == pytest.approx(few.latency_time, rel=1e-9)
