"""PCIe boxes, DGX-1, fat-tree, dragonfly, torus, pods: counts and structure by their papers."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import pytest

from rackwright.errors import UnknownName, UsageError
from rackwright.topologies import (
    compile,
    dragonfly,
    facts,
    fat_tree,
    hybrid_cube_mesh,
    lovelock,
    pcie_box,
    torus,
)


def inner(graph, mark):
    return graph.subgraph([node for node in graph if mark(node)])


@pytest.mark.parametrize("switches", [0, 1, 2, 4])
def test_a_box_spreads_its_devices(switches):
    graph = pcie_box(gpus=8, nics=2, drives=4, switches=switches)
    fabric = compile(graph)
    assert {family: len(names) for family, names in fabric.endpoints.items() if names} == {
        "gpu": 8, "nic": 2, "cpu": 2, "memory": 1, "nvme": 4}
    above = Counter(next(other for other in graph.successors(f"h0/gpu{number}"))
                    for number in range(8))
    assert set(above.values()) == {8 // max(switches, 2) if switches != 1 else 8}
    kinds = [fabric.link_kinds[link] for link in fabric.route("h0/gpu0", "h0/gpu1")]
    assert set(kinds) == {"pcie"}


def test_every_gpu_of_a_dgx1_has_six_links_to_four_others():
    graph = hybrid_cube_mesh()
    near = inner(graph, lambda node: "gpu" in node)
    for gpu in near:
        links = [near.edges[gpu, other]["link"].rate_bps for other in near.successors(gpu)]
        assert len(links) == 4
        assert sum(links) == pytest.approx(6 * 25e9 * 8)
    assert nx.diameter(near) == 2
    with pytest.raises(UsageError, match="h100-sxm has nvlink4"):
        hybrid_cube_mesh(gpu="h100-sxm")


@pytest.mark.parametrize("k", [2, 4, 8])
def test_a_fat_tree_has_full_bisection(k):
    graph = fat_tree(k)
    fabric = compile(graph)
    assert len(fabric.hosts()) == k ** 3 // 4
    assert len(graph) == k ** 3 // 4 + k * k + k * k // 4
    switches = [node for node in graph if not node.startswith("h")]
    assert {graph.out_degree(node) for node in switches if not node.startswith("core")} == {k}
    if k > 2:
        found = facts(fabric)
        rate = found["injection_bandwidth"]["least"]
        assert found["bisection_bandwidth"] == pytest.approx(rate * k ** 3 / 8, rel=1e-4)


@pytest.mark.parametrize("groups, routers, links", [(3, 2, 1), (9, 4, 2), (5, 2, 2), (6, 3, 2),
                                                    (2, 1, 1)])
def test_dragonfly_groups_are_joined_once(groups, routers, links):
    graph = dragonfly(groups, routers, 1, links)
    far = Counter()
    ports = Counter()
    for one, other in graph.edges():
        if one.startswith("g") and other.startswith("g"):
            ends = one.partition("-")[0], other.partition("-")[0]
            if ends[0] != ends[1]:
                far[ends] += 1
                ports[one] += 1
    assert len(far) == groups * (groups - 1) and set(far.values()) == {1}
    assert max(ports.values()) <= links
    assert nx.diameter(inner(graph, lambda node: node.startswith("g"))) <= 3
    compile(graph)


def test_a_dragonfly_too_wide():
    with pytest.raises(UsageError, match="10 groups cannot all be joined: 4 routers with 2"):
        dragonfly(10, 4, 1, 2)


@pytest.mark.parametrize("dims, links, diameter", [("5", 5, 2), ("4x4", 32, 4), ("2x3", 9, 2),
                                                   ((3, 3, 3), 81, 3), ("1x4", 4, 2)])
def test_a_torus(dims, links, diameter):
    graph = torus(dims)
    assert graph.number_of_edges() == 2 * links
    assert nx.diameter(graph) == diameter
    fabric = compile(graph)
    last = f"h{len(graph) - 1}"
    assert len(fabric.route("h0", last)) == nx.shortest_path_length(graph, "h0", last)


def test_a_mesh_has_ends():
    assert torus("4", wrap=False).out_degree("h0") == 1
    with pytest.raises(UsageError, match="dims is '4y4'"):
        torus("4y4")
    with pytest.raises(UsageError, match="two to 200000 nodes"):
        torus("999x999")


def test_a_ring_of_gpus_without_a_switch_passes_on():
    fabric = compile(torus("6", device="a100-sxm-80", link="nvlink3"))
    assert len(fabric.route("h0", "h3")) == 3


def test_a_pod_has_three_kinds_of_nodes():
    graph = lovelock(accelerators=2, storage=1, compute=3, gpus=1, drives=2)
    fabric = compile(graph)
    roles = Counter(data["role"] for _, data in graph.nodes(data=True) if "role" in data)
    assert roles == {"accelerator": 2, "storage": 1, "compute": 3}
    assert len(fabric.hosts()) == 6 and len(fabric.gpus()) == 2
    assert not fabric.endpoints["cpu"]
    names = [fabric.link_names[link] for link in fabric.route("h0/gpu0", "h2/nvme1")]
    assert names == ["h0/gpu0->h0/nic0", "h0/nic0->s0", "s0->h2/nic0", "h2/nic0->h2/nvme1"]


def test_lanes_go_round():
    graph = lovelock(accelerators=1, storage=0, compute=0, gpus=2)
    assert graph.edges["h0/gpu0", "h0/nic0"]["link"].name.endswith("-x8")
    with pytest.raises(UsageError, match="33 x a100-sxm-80 do not fit the .* PCIe lanes"):
        lovelock(accelerators=1, gpus=33)
    with pytest.raises(UsageError, match="a pod without nodes"):
        lovelock(0, 0, 0)
    with pytest.raises(UnknownName):
        lovelock(nic="connectx-6")
