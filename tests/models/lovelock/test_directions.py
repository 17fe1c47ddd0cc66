"""What changes when one thing changes: metamorphic relations of the replay."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from rackwright.models.lovelock.closed import by_query
from rackwright.models.lovelock.sweep import Point, per_query, pod, sweep, tornado
from rackwright.models.lovelock.sweep_text import (
    points_text,
    queries_text,
    swings_svg,
    swings_text,
)
from rackwright.topologies.fabric import Fabric
from rackwright.traces import QueryTrace


def test_servers_against_themselves(pod: Fabric, queries: QueryTrace,
                                    play: Callable[..., Any]) -> None:
    found = play(pod, queries, cluster="servers").metrics
    for name in ("slowdown", "cost_advantage", "energy_advantage"):
        assert found[name] == pytest.approx(1.0)


def test_the_formula_and_the_replay_agree_without_contention(pod: Fabric, queries: QueryTrace,
                                                             play: Callable[..., Any]) -> None:
    for phi in (1, 2, 4):
        found = play(pod, queries, phi=phi, clients=1, split_traffic=False).metrics
        assert found["slowdown"] == pytest.approx(found["slowdown_alone"], rel=1e-9)
        assert found["slowdown"] == pytest.approx(found["slowdown_formula"], rel=0.02)


def test_more_nics_a_server_are_faster_and_dearer(queries: QueryTrace) -> None:
    points = sweep(queries, phis=(1, 2, 3, 4), nics=("e2000",))
    for name in ("slowdown_alone", "cost_catalog"):
        values = [getattr(point, name) for point in points]
        assert all(later < earlier for earlier, later in pairwise(values))
    assert [point.split_share for point in points] == pytest.approx([0, 1 / 8, 1 / 6, 3 / 16])
    assert all(point.cost[0] < point.cost[1] and point.energy[0] < point.energy[1]
               for point in points)


def test_faster_cores_lines_and_memory_never_hurt(pod: Fabric, queries: QueryTrace,
                                                  play: Callable[..., Any]) -> None:
    base = play(pod, queries).latency_time.mean()
    assert play(pod, queries, core_performance=1.6).latency_time.mean() < base
    assert play(pod, queries, memory="datasheet").latency_time.mean() <= base
    assert play(pod, queries, split_traffic=False).latency_time.mean() < base
    assert play(pod, queries, overlap=True).latency_time.mean() < base


def test_blocks_take_work_from_the_cores(pod: Fabric, queries: QueryTrace,
                                         play: Callable[..., Any]) -> None:
    """phi* with the blocks is no higher; so is the time of each query's processing."""
    plain, both = play(pod, queries), play(pod, queries, offload="both", offload_lanes=16)
    assert both.metrics["phi_break_even"] < plain.metrics["phi_break_even"]
    assert both.made.chosen.work.core_time.sum() < plain.made.chosen.work.core_time.sum()
    with_blocks = {row[0]: row[3] for row in by_query(both.made, both.made.chosen)}
    for name, _, _, star, _ in by_query(plain.made, plain.made.chosen):
        assert with_blocks[name] <= star * (1 + 1e-9)
    server = play(pod, queries, offload="both", cluster="servers")
    assert server.metrics["latency_mean_s"] == pytest.approx(
        play(pod, queries, cluster="servers").metrics["latency_mean_s"])


def test_a_narrow_block_slows_the_exchange(pod: Fabric, queries: QueryTrace,
                                           play: Callable[..., Any]) -> None:
    wide = play(pod, queries, offload="partition", offload_lanes=4)
    narrow = play(pod, queries, offload="partition", offload_lanes=1)
    assert narrow.made.chosen.traffic.unit_time[0] > 2 * wide.made.chosen.traffic.unit_time[0]


def test_load_makes_latency_grow(pod: Fabric, queries: QueryTrace,
                                 play: Callable[..., Any]) -> None:
    means = [play(pod, queries, clients=clients).metrics["latency_mean_s"]
             for clients in (1, 2, 6)]
    assert means[0] < means[1] < means[2]


def test_prices_move_advantages_and_nothing_else(pod: Fabric, queries: QueryTrace,
                                                 play: Callable[..., Any]) -> None:
    base = play(pod, queries).metrics
    dear = play(pod, queries, nic_board_price="$900", nic_board_power="40W").metrics
    assert dear["cost_advantage"] < base["cost_advantage"]
    assert dear["energy_advantage"] < base["energy_advantage"]
    ports = play(pod, queries, port_price="$400").metrics
    assert ports["cost_advantage"] < base["cost_advantage"]
    same = ("slowdown", "latency_mean_s", "makespan_s")
    assert all(dear[name] == base[name] == ports[name] for name in same)


def test_a_gpu_without_a_price_leaves_cost_open(mixed: Fabric, queries: QueryTrace,
                                                play: Callable[..., Any]) -> None:
    found = play(mixed, queries)
    assert "accelerator_price" in found.outcome.undefined["cost_advantage"]
    given = play(mixed, queries, accelerator_price="$15000").metrics
    assert 1 < given["cost_advantage"] < play_bare(mixed, queries, play)


def play_bare(mixed: Fabric, queries: QueryTrace, play: Callable[..., Any]) -> float:
    """The advantage when accelerators cost next to nothing."""
    return float(play(mixed, queries, accelerator_price="$1").metrics["cost_advantage"])


def test_tables_and_pictures_of_sweeps(queries: QueryTrace) -> None:
    points = sweep(queries.first(80), phis=(1, 2), nics=("e2000",))
    text = points_text(points)
    assert "no figure is the paper's" in text and len(text.splitlines()) == 6
    swings = tornado(queries.first(20), pod(2, compute=2, storage=1), "cost_advantage", phi=2)
    assert [each.size for each in swings] == sorted((each.size for each in swings), reverse=True)
    picture = swings_svg(swings)
    assert picture.count("<rect") == len(swings) and picture == swings_svg(swings)
    assert "base case" in swings_text(swings)


def test_a_point_wins_only_all_over_its_bands() -> None:
    base = Point("e2000", 2, 0.9, 0.9, (1.1, 3.0), 2.0, (1.2, 4.0), 2.0, 2.0, "cores", 0.1)
    assert base.wins
    assert not Point(*{**base.__dict__, "cost": (0.9, 3.0)}.values()).wins
    assert not Point(*{**base.__dict__, "slowdown": 1.01}.values()).wins


def test_shares_and_break_evens_of_tpch() -> None:
    from rackwright.traces import tpch_templates

    rows = per_query(tpch_templates(), pod(2))
    assert len(rows) == 22 and len(queries_text(rows).splitlines()) == 24
    sums = [each.cpu + each.shuffle + each.io + each.accel
            for each in (row.fractions for row in rows)]
    assert np.allclose(sums, 1.0, atol=1e-12)
    # R lies between its memory-bound and its compute-bound value
    assert all(2.16 <= row.break_even <= 64 / 12.64 + 1e-9 for row in rows)
    assert sum(row.break_even_blocks < row.break_even for row in rows) > 11
