"""Routes of many pairs at once against the same pairs one by one, and what they add up to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.errors import TopologyError
from rackwright.topologies.bulk_routes import Loads
from rackwright.topologies.collectives.exchange import busiest_time

BUILT = {
    "switch": lambda: topologies.dgx("h100-sxm", hosts=4),
    "rails": lambda: topologies.dgx("h100-sxm", hosts=4, fabric="rails"),
    "two adapters a switch": lambda: topologies.dgx("a100-sxm-80", hosts=4, fabric="rails"),
    "half of the adapters": lambda: topologies.dgx("h100-sxm", hosts=4, nics=4),
    "one adapter": lambda: topologies.dgx("h100-sxm", hosts=4, nics=1),
    "boxes": lambda: topologies.pcie_box(hosts=4, switches=0),
    "cube meshes": lambda: topologies.hybrid_cube_mesh(hosts=4),
    "pod": lambda: topologies.lovelock(accelerators=12, storage=4, compute=4),
    "leaf-spine": lambda: topologies.leaf_spine(leaves=6, spines=4),
    "fat-tree": lambda: topologies.fat_tree(4),
    "dragonfly": lambda: topologies.dragonfly(groups=5, routers=2),
    "torus": lambda: topologies.torus("4x5"),
    "wan": lambda: topologies.wan("all"),
    "mixed": lambda: topologies.merge([topologies.dgx("a100-sxm-80", gpus=4, nics=4),
                                       topologies.dgx("a100-sxm-80", gpus=6, nics=6),
                                       topologies.pcie_box(gpus=3), topologies.lovelock(1, 1, 1)],
                                      uplink="ethernet-400g")}
FAULTS = {"leaf-spine": "0s leaf0->spine* rate 50%", "fat-tree": "0s agg0-0->core0 down",
          "rails": "0s h1/nic3->leaf3 down", "switch": "0s h2/gpu1->h2/pcie1 rate 10%",
          "two adapters a switch": "0s h0/nic1->leaf1 latency 3us",
          "half of the adapters": "0s h1/gpu1->h1/nvswitch down", "mixed": "0s h0/nic0 down"}


def differing(fabric: Any, alone: Any, draw: np.random.Generator, many: int) -> list[int]:
    """Of all pairs of endpoints, with random flows, `many` that are checked and differ."""
    ends = [name for names in fabric.endpoints.values() for name in names]
    pairs = [(one, other) for one in ends for other in ends if one != other]
    flows = draw.integers(0, 3, len(pairs))
    routes = fabric.routes(pairs, flows)
    chosen = draw.permutation(len(pairs))[:many].tolist()
    return [place for place in chosen
            if routes.links[routes.offsets[place]:routes.offsets[place + 1]].tolist()
            != list(alone.route(*pairs[place], int(flows[place])))]


@pytest.mark.parametrize("name", BUILT)
def test_as_one_by_one(name):
    graph = BUILT[name]()
    fabric, alone = topologies.compile(graph), topologies.compile(graph)
    assert not differing(fabric, alone, np.random.default_rng(1), 300)


@pytest.mark.parametrize("name", FAULTS)
def test_as_one_by_one_after_a_fault(name):
    graph = topologies.apply(BUILT[name](), FAULTS[name])
    fabric, alone = topologies.compile(graph), topologies.compile(graph)
    assert fabric._bulk.splice.usable
    assert not differing(fabric, alone, np.random.default_rng(2), 300)


@pytest.mark.parametrize("policy", ["latency", "widest"])
@pytest.mark.parametrize("name", ["rails", "leaf-spine"])
def test_as_one_by_one_with_other_policies(name, policy):
    graph = BUILT[name]()
    fabric, alone = (topologies.compile(graph, policy) for _ in range(2))
    assert not differing(fabric, alone, np.random.default_rng(3), 60)


def test_a_lost_pair_is_named():
    graph = topologies.compile(topologies.dgx("h100-sxm", hosts=5)).graph.copy()
    graph.nodes["s0"]["forwards"] = False
    fabric = topologies.compile(graph)
    pairs = [(one, other) for one in fabric.gpus() for other in fabric.gpus() if one != other]
    with pytest.raises(TopologyError, match="h0/gpu0 -> h1/gpu0: no path"):
        fabric.routes(pairs)


@pytest.mark.parametrize("hosts", [3, 8])
def test_every_adapter_carries_the_same(hosts):
    """Four adapters for eight GPUs: two GPUs each, whoever they send to."""
    fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=hosts, nics=4))
    gpus = fabric.numbers(fabric.gpus())
    of, to = np.repeat(gpus, len(gpus)), np.tile(gpus, len(gpus))
    apart = of != to
    loads = fabric.loads_between(of[apart], to[apart]).mean
    ports = [loads[link] for link, name in enumerate(fabric.link_names) if "nic" in name
             and ("->s0" in name or "s0->" in name)]
    assert len(ports) == 8 * hosts and set(ports) == {2 * 8 * (hosts - 1)}


def test_a_gpu_between_adapters_has_one_of_its_own():
    fabric = topologies.compile(topologies.dgx("a100-sxm-80", hosts=3))
    used = {rank: {name for other in fabric.gpus() if other[:2] != rank[:2]
                   for name in (fabric.link_names[link] for link in fabric.route(rank, other))
                   if name.endswith("->s0")} for rank in fabric.gpus()}
    assert all(len(names) == 1 for names in used.values())
    assert len({name for names in used.values() for name in names}) == 24


@pytest.mark.parametrize("name", ["rails", "leaf-spine", "fat-tree", "mixed"])
def test_loads_are_the_counted_routes(name):
    """Few enough pairs: every path is drawn, nothing is a mean."""
    fabric = topologies.compile(BUILT[name]())
    ends = fabric.numbers(fabric.gpus() or fabric.endpoints["nic"])
    of, to = np.repeat(ends, len(ends)), np.tile(ends, len(ends))
    of, to = of[apart := of != to], to[apart]
    routes = fabric.routes_between(of, to, np.zeros(len(of), np.int64))
    loads = fabric.loads_between(of, to)
    assert (loads.mean == np.bincount(routes.links, minlength=len(fabric.link_names))).all()
    assert not loads.variance.any()
    paths = np.split(fabric.links.latency_ps[routes.links], routes.offsets[1:-1])
    assert loads.latency_ps == max(path.sum() for path in paths)


@pytest.fixture
def means(monkeypatch):
    monkeypatch.setattr("rackwright.topologies.bulk_routes._DRAWN", 0)


@pytest.mark.parametrize(("name", "build", "near"), [
    ("leaf-spine", lambda: topologies.leaf_spine(leaves=8, spines=4, hosts_per_leaf=8,
                                                 uplink="ethernet-200g"), 0.05),
    ("fat-tree", lambda: topologies.fat_tree(6), 0.08)])
def test_mean_and_variance_of_draws(name, build, near, means):
    """Other flow ids are other draws: their mean, variance and busiest link are as foretold."""
    fabric = topologies.compile(build())
    ends = fabric.numbers(fabric.endpoints["nic"])
    of, to = np.repeat(ends, len(ends)), np.tile(ends, len(ends))
    of, to = of[apart := of != to], to[apart]
    loads = fabric.loads_between(of, to)
    draws = np.array([np.bincount(fabric.routes_between(of, to, np.full(len(of), flow)).links,
                                  minlength=len(loads.mean)) for flow in range(12)])
    drawn = loads.variance > 0
    assert drawn.any() and (draws[:, ~drawn] == loads.mean[~drawn]).all()
    offs = (draws[:, drawn] - loads.mean[drawn]) / np.sqrt(loads.variance[drawn])
    assert abs(offs.mean()) < 0.1 and 0.85 < (offs ** 2).mean() < 1.15
    width = fabric.links.bandwidth
    busiest = np.median([(one / width).max() for one in draws])
    assert busiest_time(loads, width) == pytest.approx(busiest, rel=near)


def test_the_median_of_one_drawn_link_is_its_mean():
    loads = Loads(np.array([40.0, 10.0]), np.array([9.0, 0.0]), 0)
    assert busiest_time(loads, np.array([2.0, 1.0])) == pytest.approx(20.0)
    assert busiest_time(loads, np.array([2.0, 0.25])) == 40.0  # what is not drawn is busier
