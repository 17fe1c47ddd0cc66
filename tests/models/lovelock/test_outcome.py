"""What an outcome says: shares, energies, notes, spans, interruption."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rackwright
from rackwright import topologies
from rackwright.errors import Interrupted
from rackwright.models.lovelock import MODEL, LovelockOptions, replay
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces import QueryTrace, generate_training


def test_shares_are_shares(pod: Fabric, queries: QueryTrace, play: Callable[..., Any]) -> None:
    found = play(pod, queries)
    assert sum(found.outcome.breakdown.values()) == pytest.approx(1.0)
    shares = [*found.outcome.device_utilisation.values(), *found.outcome.link_utilisation.values()]
    assert all(0 <= share <= 1 for share in shares)
    assert sum(found.metrics[f"server_share_{name}"]
               for name in ("cpu", "shuffle", "io", "accel")) == pytest.approx(1.0)


def test_energy_is_what_parts_draw(pod: Fabric, jobs: Callable[..., QueryTrace],
                                   play: Callable[..., Any]) -> None:
    """One job that keeps all cores of the compute nodes busy for all of its time."""
    found = play(pod, jobs((0.0, [(0, "scan", 0, 0, 4 * 16 * 0.79 * 10.0)])))
    seconds = found.metrics["makespan_s"]
    assert seconds == pytest.approx(10.0)
    drives = len(pod.endpoints["nvme"])
    watts = 8 * (29.0 + 10.0) + 4 * 16 * 0.1688 + drives * 5.0
    assert found.metrics["energy_j"] == pytest.approx(watts * seconds, rel=1e-6)


def test_cost_is_the_sum_of_the_parts(pod: Fabric, queries: QueryTrace,
                                      play: Callable[..., Any]) -> None:
    drives = len(pod.endpoints["nvme"]) * 576
    found = play(pod, queries, port_price="$10").metrics
    assert found["cost_usd"] == 8 * (1500 + 200 + 10) + drives
    servers = play(pod, queries, port_price="$10", cluster="servers").metrics
    assert servers["cost_usd"] == 4 * (13990 + 10) + drives
    assert found["cost_advantage"] == pytest.approx(servers["cost_usd"] / found["cost_usd"])
    bare = play(pod, queries, server_drives=False, cluster="servers").metrics
    assert servers["cost_usd"] - bare["cost_usd"] == 4 * (2 * 576 + 10)


def test_spans_lie_within_the_replay(pod: Fabric, queries: QueryTrace,
                                     play: Callable[..., Any]) -> None:
    spans = play(pod, queries).outcome.spans
    assert spans is not None and spans.dropped == 0
    assert (spans.end_ps >= spans.start_ps).all() and (np.diff(spans.start_ps) >= 0).all()
    assert play(pod, queries, timeline_spans=0).outcome.spans is None


def test_notes_say_what_this_is(pod: Fabric, queries: QueryTrace,
                                play: Callable[..., Any]) -> None:
    notes = " ".join(play(pod, queries, offload="both").outcome.notes)
    assert "only the abstract could be read" in notes and "split traffic" in notes
    assert "hash_partition: measured on the RTL" in notes and "assumed" in notes
    twelve = topologies.compile(topologies.lovelock(accelerators=0, storage=2, compute=2,
                                                    drives=12))
    assert "gen4-x1 of their gen4-x4" in " ".join(play(twelve, queries).outcome.notes)


def test_operators_beyond_memory_are_named(queries: QueryTrace, jobs: Callable[..., QueryTrace],
                                           play: Callable[..., Any]) -> None:
    fabric = topologies.compile(topologies.lovelock(accelerators=0, storage=2, compute=2,
                                                    nic="bluefield-3"))
    fits, spills = (play(fabric, jobs((0.0, [(0, "join", nbytes, 0, 1.0)])))
                    for nbytes in (2 * 31 * 10**9, 2 * 33 * 10**9))
    assert "it would spill" not in " ".join(fits.outcome.notes)
    assert "it would spill" in " ".join(spills.outcome.notes)
    assert spills.metrics["largest_state_bytes"] == 33e9


def test_a_cluster_that_falls_behind_is_named(pod: Fabric, queries: QueryTrace,
                                              play: Callable[..., Any]) -> None:
    from rackwright.traces import generate_queries

    def notes(trace: QueryTrace, **options: Any) -> str:
        return " ".join(play(pod, trace, **options).outcome.notes)

    calm, rush = (generate_queries(rate, 30, scale=100.0, seed=2) for rate in (0.2, 20.0))
    assert "overloaded" not in notes(calm) and "overloaded" not in notes(rush, clients=2)
    assert "overloaded (servers)" in notes(rush) and "overloaded (headless)" in notes(rush)


def test_work_that_takes_no_time(pod: Fabric, jobs: Callable[..., QueryTrace],
                                 play: Callable[..., Any]) -> None:
    found = play(pod, jobs((0.0, [(0, "scan", 0, 0, 0.0)]))).outcome
    assert {"slowdown", "energy_advantage", "phi_break_even",
            "throughput_queries_per_s"} <= set(found.undefined)


def test_an_interrupted_replay_keeps_what_is_done(pod: Fabric, queries: QueryTrace) -> None:
    def stop(done: float, total: float, text: str) -> None:
        if text.endswith("queries"):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as found:
        replay(pod, queries, LovelockOptions(), progress=stop)
    part = found.value.partial
    assert isinstance(part, Outcome) and not part.complete
    assert "slowdown" in part.undefined


def test_every_baseline_replays_on_the_sample() -> None:
    for name, changed in MODEL.baselines.items():
        found = rackwright.replay("lovelock", **changed)
        assert found.metrics["queries_finished"] == found.metrics["queries"] == 40, name


def test_training_on_hosts_of_accelerators(play: Callable[..., Any]) -> None:
    """A ring gets longer with phi: the formula, which divides it by phi, is too kind."""
    fabric = topologies.compile(topologies.lovelock(accelerators=4, storage=2, compute=0, gpus=2,
                                                    drives=4))
    found = play(fabric, generate_training(steps=5)).metrics
    assert found["slowdown"] == pytest.approx(found["slowdown_alone"], rel=1e-6)
    assert found["slowdown"] > 1.05 * found["slowdown_formula"]
    assert found["ring_bytes"] == 5 * 2_800_000_000


def test_a_thin_trunk_between_two_halves_is_found(jobs: Callable[..., QueryTrace],
                                                  play: Callable[..., Any]) -> None:
    from rackwright.devices import catalog

    graph = topologies.lovelock(accelerators=0, storage=0, compute=4)
    graph.add_node("s1", **graph.nodes["s0"])
    for host in ("h2", "h3"):
        for ends in ((f"{host}/nic0", "s0"), ("s0", f"{host}/nic0")):
            data = graph.edges[ends]
            graph.remove_edge(*ends)
            graph.add_edge(*("s1" if end == "s0" else end for end in ends), **data)
    for ends in (("s0", "s1"), ("s1", "s0")):
        graph.add_edge(*ends, link=catalog.link("ethernet-100g"))
    fabric = topologies.compile(graph)
    found = play(fabric, jobs((0.0, [(0, "shuffle", 0, 10**12, 0.0)])))
    trunk = next(float(width) for name, width in zip(fabric.link_names, fabric.links.bandwidth,
                                                     strict=True) if name == "s0->s1")
    assert found.latency_time[0] == pytest.approx(10**12 * 4 / 16 / trunk, rel=1e-4)
    assert "s0->s1" in found.outcome.bottleneck.resource or "s1->s0" in \
        found.outcome.bottleneck.resource
    # the servers hang on the same switches, so their exchange meets the same trunk
    assert found.made.reference.cluster.fabric.graph.has_edge("s0", "s1")
