"""The tree of `topology show --tree`: what stands below what, and what is written only once."""

from __future__ import annotations

import networkx as nx
import pytest
from click.testing import CliRunner

from rackwright.cli.topology import topology
from rackwright.topologies import (
    compile,
    dgx,
    fat_tree,
    hybrid_cube_mesh,
    leaf_spine,
    load,
    replace,
    save,
    star,
    to_tree,
)

MACHINE = """\
small
s0  crossbar
  wire -> h0..1/nic0
h0
  cpu0  socket  bus -> cpu1
    pcie0  bridge  [bus]
      gpu0..1  a100-sxm-80  [bus]  nv -> nvswitch
      nic0  adapter  [bus]  wire -> s0
  cpu1  socket  bus -> cpu0
    mem  ddr4-3200-8ch  [bus]
  nvswitch  crossbar  nv -> gpu0..1
h1 like h0
"""


@pytest.fixture
def machine(parts):
    bus, nvlink = parts.link("bus", "pcie"), parts.link("nv", "nvlink")
    nodes, links = {"s0": parts.switch}, []
    for host in ("h0", "h1"):
        units = {"cpu0": parts.cpu, "cpu1": parts.cpu, "mem": parts.memory,
                 "pcie0": parts.pcie_switch, "gpu0": parts.gpu, "gpu1": parts.gpu,
                 "nic0": parts.nic, "nvswitch": parts.switch}
        nodes |= {f"{host}/{unit}": part for unit, part in units.items()}
        links += [(f"{host}/{one}", f"{host}/{other}", link) for one, other, link in (
            ("cpu0", "cpu1", bus), ("cpu1", "mem", bus), ("cpu0", "pcie0", bus),
            ("pcie0", "gpu0", bus), ("pcie0", "gpu1", bus), ("pcie0", "nic0", bus),
            ("gpu0", "nvswitch", nvlink), ("gpu1", "nvswitch", nvlink))]
        links.append((f"{host}/nic0", "s0", parts.link()))
    graph = parts.graph(nodes, links)
    graph.graph["name"] = "small"
    return graph


def test_a_machine_by_hand(machine):
    assert to_tree(machine) == to_tree(compile(machine)) == MACHINE


def test_a_host_that_differs_is_shown_whole(machine):
    text = to_tree(replace(machine, "h1/gpu1", "h100-sxm"))
    assert "like" not in text
    assert "      gpu1  h100-sxm  [bus]  nv -> nvswitch\n" in text.split("\nh1\n")[1]


def test_another_switch_of_the_same_part_is_alike(machine, parts):
    machine.add_node("s1", device=parts.switch)
    parts.join(machine, "s0", "s1", parts.link())
    machine.remove_edges_from([("h1/nic0", "s0"), ("s0", "h1/nic0")])
    parts.join(machine, "h1/nic0", "s1", parts.link())
    lines = to_tree(machine).splitlines()
    assert lines[-1] == "h1 like h0" and "s1 like s0" in lines


def test_two_directions_and_parallel_links(parts):
    graph = nx.MultiDiGraph()
    for node, part in (("h0/cpu0", parts.cpu), ("h0/nic0", parts.nic), ("h0/nic1", parts.nic)):
        graph.add_node(node, device=part)
    graph.add_edge("h0/cpu0", "h0/nic0", link=parts.link("wide", "pcie"))
    graph.add_edge("h0/nic0", "h0/cpu0", link=parts.link("narrow", "pcie"))
    parts.join(graph, "h0/cpu0", "h0/nic1", parts.link("bus", "pcie"))
    for _ in range(2):
        parts.join(graph, "h0/nic0", "h0/nic1", parts.link("cable"))
    assert to_tree(graph).splitlines()[1:] == [
        "h0", "  cpu0  socket", "    nic0  adapter  [narrow, down wide]  2 x cable -> nic1",
        "    nic1  adapter  [bus]  2 x cable -> nic0"]


def test_every_unit_of_a_machine_stands_there():
    """A DGX H100: eight branches, and the line of its NVSwitch."""
    lines = to_tree(dgx("h100-sxm", hosts=4)).splitlines()
    assert sum(line.strip().startswith("pcie") for line in lines) == 8
    assert "      gpu3  h100-sxm  [gen5-x16]  nvlink4 -> nvswitch" in lines
    assert lines[-1] == "h1..3 like h0"


def test_a_mesh_without_a_switch():
    lines = to_tree(hybrid_cube_mesh()).splitlines()
    line = next(line for line in lines if line.strip().startswith("gpu0 "))
    assert line.endswith("[gen3-x16]  nvlink2-x1 -> gpu1..2  nvlink2-x2 -> gpu3..4")


@pytest.mark.parametrize(("graph", "most"), [
    (fat_tree(16), 16), (leaf_spine(leaves=64, spines=8, hosts_per_leaf=16), 9),
    (star(hosts=1000), 6), (dgx(hosts=64, fabric="rails"), 60)], ids=[
        "tree", "clos", "star", "dgx"])
def test_a_big_rack_is_short(graph, most):
    lines = to_tree(graph).splitlines()
    assert len(lines) <= most
    assert max(map(len, lines)) <= 200


def test_written_and_read_again_it_is_the_same(tmp_path):
    graph = dgx("a100-sxm-80", hosts=2)
    save(graph, tmp_path / "a.json")
    assert to_tree(load(tmp_path / "a.json")) == to_tree(graph)


def test_on_the_command_line():
    done = CliRunner().invoke(topology, ["show", "lovelock:drives=2", "--tree"])
    assert done.exit_code == 0
    assert "\nh0\n  nic0  e2000  ethernet-200g -> s0\n    gpu0  a100-sxm-80  [gen4-x16]\n" in \
        done.stdout
