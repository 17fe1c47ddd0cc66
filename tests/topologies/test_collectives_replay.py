"""Step by step, flows agree with the closed form where nothing is shared unequally."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright import topologies
from rackwright.errors import UsageError
from rackwright.topologies.collectives.layout import layout_of
from rackwright.topologies.collectives.replay import Step, run

SIZES = [4096, 2 ** 20, 2 ** 24, 2 ** 28]


@pytest.fixture(scope="module")
def host():
    return topologies.compile(topologies.dgx("h100-sxm"))


def apart(op, fabric, ranks, sizes=SIZES, **more):
    closed = topologies.collective_time(op, sizes, fabric, ranks, **more)
    flows = topologies.collective_time(op, sizes, fabric, ranks, fidelity="flows", **more)
    return np.abs(flows / closed - 1).max()


@pytest.mark.parametrize("gpus", [2, 5, 8])
@pytest.mark.parametrize("op", ["all_reduce", "all_gather", "reduce_scatter", "all_to_all"])
def test_one_host(host, op, gpus):
    assert apart(op, host, host.gpus()[:gpus], in_switch=False) < 0.01


def test_a_sum_in_the_switch(host):
    assert apart("all_reduce", host, None, [2 ** 26, 2 ** 30], algorithm="in_switch") < 0.01


def test_a_transfer(host):
    assert apart("send_recv", host, host.gpus()[:2]) < 0.01


@pytest.mark.parametrize("gpus", [2, 8])
@pytest.mark.parametrize("op", ["broadcast", "reduce"])
def test_chains_on_one_host(host, op, gpus):
    """Their chunks are whole here: 24 of a message that LL cuts more finely."""
    assert apart(op, host, host.gpus()[:gpus], [2 ** 22, 2 ** 28]) < 0.05
    assert apart(op, host, host.gpus()[:gpus], [4096, 2 ** 20]) < 0.30


def test_the_root_of_a_chain_does_not_matter(host):
    ranks = list(host.gpus())
    one, other = (topologies.collective_time("broadcast", 2 ** 24, host, order, fidelity="flows")
                  for order in (ranks, ranks[5:] + ranks[:5]))
    assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize("op", ["all_reduce", "all_gather", "all_to_all", "broadcast", "reduce"])
def test_two_hosts(op):
    fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=2, gpus=4, nics=4))
    assert apart(op, fabric, None, [4096, 2 ** 26]) < 0.30


def test_trees():
    fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=4, gpus=2, nics=2))
    assert apart("all_reduce", fabric, None, [4096, 2 ** 22], algorithm="tree") < 0.30


def test_a_slow_link_holds_the_ring_up():
    """One GPU with half of its NVLinks: the closed form takes the busiest link, so do flows."""
    from rackwright.devices import Link

    graph = topologies.dgx("h100-sxm")
    for edge in (("h0/gpu3", "h0/nvswitch"), ("h0/nvswitch", "h0/gpu3")):
        part = graph.edges[edge]["link"]
        graph.edges[edge]["link"] = Link(part.name, part.kind, part.rate_bps / 2, part.efficiency,
                                         part.latency_time)
    fabric = topologies.compile(graph)
    assert apart("all_gather", fabric, None, [2 ** 28]) < 0.05


def test_steps_wait_for_one_another(host):
    """100 bytes over one link of B bytes/s, three times in a row: 300 / B."""
    layout = layout_of(host, host.gpus())
    path = host.route("h0/gpu0", "h0/nvswitch")
    rate = host.links.bandwidth[path[0]]
    chain = [Step(path, 1e9, 0.0, 0.0), Step(path, 1e9, 0.0, 0.0, (0,)),
             Step(path, 1e9, 0.0, 0.0, (), 1)]
    assert run(layout, chain, 1.0, 1.0) == pytest.approx(3e9 / rate, rel=1e-9)
    together = [Step(path, 1e9, 0.0, 0.0)] * 3
    assert run(layout, together, 1.0, 1.0) == pytest.approx(3e9 / rate, rel=1e-9)
    fixed = [Step(path, 1e9, 1e-3, 0.0), Step(path, 1e9, 0.0, 0.0, (), 0)]
    assert run(layout, fixed, 1.0, 1.0) == pytest.approx(max(1e9 / rate + 1e-3, 2e9 / rate))


def test_too_many_steps():
    fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=32))
    with pytest.raises(UsageError, match="100000 are replayed at most: fewer ranks, or "
                                         "fidelity='closed'"):
        topologies.collective_time("all_gather", 1024, fabric, fidelity="flows")
