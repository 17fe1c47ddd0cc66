"""Machines that are not eight GPUs behind one switch: uneven groups, rings and meshes of NVLink.

Each compiles, has sound routes, and prices a collective that reacts to the links on its way and
to no other.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import networkx as nx
import pytest

from rackwright.errors import TopologyError
from rackwright.topologies import (
    collective_choice,
    collective_time,
    compile,
    dgx,
    hybrid_cube_mesh,
    merge,
    scale,
    torus,
    transfers_time,
)

SIZE = 1 << 28
OPERATIONS = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast")


def group(gpus: int) -> nx.DiGraph[Any]:
    """A host of so many GPUs with an adapter each."""
    return dgx("h100-sxm", gpus=gpus, nics=gpus)


def uneven() -> nx.DiGraph[Any]:
    return merge([group(4), group(6)])


def in_one_host(graph: nx.DiGraph[Any]) -> nx.DiGraph[Any]:
    """The nodes h0, h1 ... as GPUs of one host."""
    return nx.relabel_nodes(graph, {node: f"h0/gpu{node[1:]}" for node in graph})


def ring() -> nx.DiGraph[Any]:
    return in_one_host(torus("8", device="h100-sxm", link="nvlink4"))


def grid() -> nx.DiGraph[Any]:
    return in_one_host(torus("4x4", device="h100-sxm", link="nvlink4"))


MACHINES = {"uneven": uneven, "ring": ring, "grid": grid, "cube mesh": hybrid_cube_mesh}


@pytest.mark.parametrize("name", MACHINES)
def test_every_pair_of_gpus_has_a_sound_route(name):
    fabric = compile(MACHINES[name]())
    forwards = nx.get_node_attributes(fabric.graph, "forwards")
    for source, target in permutations(fabric.gpus(), 2):
        route = list(fabric.route(source, target))
        walk = [fabric.nodes[fabric.link_tails[route[0]]],
                *(fabric.nodes[head] for head in fabric.link_heads[route])]
        assert (walk[0], walk[-1]) == (source, target)
        assert (fabric.link_heads[route[:-1]] == fabric.link_tails[route[1:]]).all()
        assert len(set(walk)) == len(walk)
        assert all(forwards.get(node, "gpu" not in node) for node in walk[1:-1])


@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize("name", MACHINES)
def test_collectives_run(name, op):
    fabric = compile(MACHINES[name]())
    small, large = collective_time(op, [1 << 20, SIZE], fabric)
    assert 0 < small < large < 1


def test_ten_gpus_of_two_groups():
    fabric = compile(uneven())
    assert [sum(gpu.startswith(host) for gpu in fabric.gpus()) for host in ("h0/", "h1/")] == [4, 6]
    kinds = {fabric.link_kinds[link] for link in fabric.route("h0/gpu3", "h1/gpu5")}
    assert kinds == {"pcie", "ethernet"}
    assert {fabric.link_kinds[link] for link in fabric.route("h1/gpu0", "h1/gpu5")} == {"nvlink"}


def test_a_smaller_group_waits_for_the_network_only_across():
    fabric = compile(uneven())
    inside = [gpu for gpu in fabric.gpus() if gpu.startswith("h0/")]
    alone = collective_time("all_reduce", SIZE, fabric, inside)
    assert alone == collective_time("all_reduce", SIZE, compile(group(4)))
    assert alone < collective_time("all_reduce", SIZE, fabric)


def test_a_ring_without_a_switch_goes_the_shorter_way():
    fabric = compile(ring())
    hops = [len(fabric.route("h0/gpu0", f"h0/gpu{number}")) for number in range(8)]
    assert hops == [0, 1, 2, 3, 4, 3, 2, 1]


def test_a_grid_of_gpus_is_as_far_as_its_steps():
    fabric = compile(grid())
    for one, other in permutations(fabric.gpus(), 2):
        places = [fabric.graph.nodes[node]["place"] for node in (one, other)]
        steps = sum(min(abs(a - b), 4 - abs(a - b)) for a, b in zip(*places, strict=True))
        assert len(fabric.route(one, other)) == steps


def test_dgx1_relays_nothing_through_a_gpu():
    """GPUs 0 and 5 share no NVLink: the route is PCIe over both processors."""
    fabric = compile(hybrid_cube_mesh())
    for target, kinds in (("h0/gpu3", {"nvlink"}), ("h0/gpu5", {"pcie", "socket"})):
        assert {fabric.link_kinds[link] for link in fabric.route("h0/gpu0", target)} == kinds
    graph = hybrid_cube_mesh()
    graph.nodes["h0/gpu1"]["forwards"] = True  # a relay has to be asked for
    relayed = compile(graph)
    assert [relayed.link_names[link] for link in relayed.route("h0/gpu0", "h0/gpu5")] == [
        "h0/gpu0->h0/gpu1", "h0/gpu1->h0/gpu5"]


# machine, ranks (None: all), a link on no way of the collective
PATHS = {
    "uneven": (uneven, None, "h1/cpu0->h1/mem"),
    "ring": (ring, None, None),
    "quad": (hybrid_cube_mesh, ["h0/gpu0", "h0/gpu1", "h0/gpu2", "h0/gpu3"],
             "h0/gpu3->h0/gpu7"),
    "whole cube": (hybrid_cube_mesh, None, "h0/pcie2->h0/nic2"),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("op", ["all_reduce", "all_gather"])
def test_half_the_busiest_link_costs_time(name, op):
    machine, ranks, _ = PATHS[name]
    graph = machine()
    choice = collective_choice(op, SIZE, compile(graph), ranks)
    tail, _, head = choice.bottleneck.partition("->")
    slower = compile(scale(graph, f"{tail}->{head}", 0.5))
    time = collective_time(op, SIZE, slower, ranks, algorithm=choice.algorithm,
                           protocol=choice.protocol)
    assert time > 1.3 * choice.time  # the wire's share of it doubles


@pytest.mark.parametrize("name", [name for name in PATHS if PATHS[name][2]])
@pytest.mark.parametrize("op", OPERATIONS)
def test_half_a_link_on_no_path_changes_nothing(name, op):
    machine, ranks, aside = PATHS[name]
    graph = machine()
    sizes = [1 << 12, SIZE]
    before = collective_time(op, sizes, compile(graph), ranks)
    after = collective_time(op, sizes, compile(scale(graph, aside, 0.5)), ranks)
    assert before.tolist() == after.tolist()


def test_a_ring_for_two_of_its_gpus():
    """A transfer between neighbours reacts to their link, not to one on the other side."""
    graph, pair = ring(), [("h0/gpu0", "h0/gpu1")]
    whole = transfers_time(pair, SIZE, compile(graph))
    near = transfers_time(pair, SIZE, compile(scale(graph, "h0/gpu0->h0/gpu1", 0.5)))
    far = transfers_time(pair, SIZE, compile(scale(graph, "h0/gpu4->h0/gpu5", 0.5)))
    assert far == whole < near


def test_a_broken_ring_is_a_chain():
    graph = ring()
    graph.remove_edges_from([("h0/gpu7", "h0/gpu0"), ("h0/gpu0", "h0/gpu7")])
    fabric = compile(graph)
    assert len(fabric.route("h0/gpu0", "h0/gpu7")) == 7
    assert collective_time("all_to_all", SIZE, fabric) > \
        collective_time("all_to_all", SIZE, compile(ring()))


def test_gpus_that_do_not_pass_on_leave_no_route():
    graph = ring()
    for node in graph:
        graph.nodes[node].pop("forwards")
    with pytest.raises(TopologyError, match="h0/gpu0 -> h0/gpu2: no path"):
        compile(graph).route("h0/gpu0", "h0/gpu2")
