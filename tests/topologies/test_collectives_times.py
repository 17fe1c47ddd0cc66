"""Closed forms of collectives: by hand, by relations between fabrics, and wrong calls."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import topologies
from rackwright.devices import Link, catalog
from rackwright.errors import TopologyError, UnknownName, UsageError
from rackwright.topologies.collectives import OPERATIONS

GPUS = [f"h0/gpu{number}" for number in range(8)]
SHARES = {"all_gather": 7 / 8, "all_reduce": 7 / 4, "all_to_all": 7 / 8, "broadcast": 1,
          "reduce": 1, "reduce_scatter": 7 / 8}  # of nbytes, through each port of eight


@pytest.fixture(scope="module")
def host():
    return topologies.compile(topologies.dgx("h100-sxm"))


@pytest.fixture(scope="module")
def pcie_host():
    graph = topologies.dgx("h100-sxm")
    graph.remove_node("h0/nvswitch")
    return topologies.compile(graph)


def hosts(count=2, **more):
    return topologies.compile(topologies.dgx("h100-sxm", hosts=count, **more))


def test_a_ring_by_hand(host):
    """Base, 14 steps, 7/4 of the bytes at the fitted share of 450 GB/s x 0.836, one chunk."""
    fit = catalog.collectives("nccl-h100").all_reduce_simple
    nbytes = 2 ** 28
    steps = 14 * (500e-9 + fit.hop_time + fit.block_time)
    wire = 7 / 4 * nbytes / (450e9 * 0.836) / fit.share
    expected = fit.base_time + steps + wire + nbytes / 8 / fit.copy_bandwidth
    found = topologies.collective_time("all_reduce", nbytes, host, in_switch=False)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_sum_in_the_switch_by_hand(host):
    """(1 + 1/8) of the bytes pass each port each way, once."""
    fit = catalog.collectives("nccl-h100").in_switch
    expected = fit.base_time + 9 / 8 * 2 ** 28 / (450e9 * 0.836) / fit.share
    assert topologies.collective_time("all_reduce", 2 ** 28, host) == pytest.approx(expected)


@pytest.mark.parametrize("op", SHARES)
def test_no_port_carries_more_than_its_links(host, op):
    """Without sums in switches, the bytes that must pass a port bound the time from below."""
    for nbytes in (2 ** 20, 2 ** 26, 2 ** 30):
        found = topologies.collective_time(op, nbytes, host, in_switch=False)
        assert found > SHARES[op] * nbytes / 450e9


@pytest.mark.parametrize("op", OPERATIONS)
def test_no_bytes_take_no_time(host, op):
    ranks = GPUS[:2]
    assert topologies.collective_time(op, 0, host, ranks) == 0.0
    assert topologies.collective_time(op, 0, host, ranks, fidelity="flows") == 0.0
    assert topologies.collective_choice(op, 0, host, ranks).time == 0.0


@pytest.mark.parametrize("op", OPERATIONS)
def test_arrays_are_as_single_sizes(host, op):
    sizes = np.array([[0, 1, 1000], [2 ** 16, 3 * 2 ** 20, 2 ** 30]])
    found = topologies.collective_time(op, sizes, host, GPUS[:2])
    assert found.shape == sizes.shape
    for size, time in zip(sizes.flat, found.flat, strict=True):
        assert topologies.collective_time(op, int(size), host, GPUS[:2]) == time


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(GPUS), op=st.sampled_from(sorted(SHARES)),
       nbytes=st.integers(1, 2 ** 31))
def test_the_order_of_ranks_does_not_matter(host, order, op, nbytes):
    assert topologies.collective_time(op, nbytes, host, order) == topologies.collective_time(
        op, nbytes, host, GPUS)


@settings(max_examples=40, deadline=None)
@given(op=st.sampled_from(sorted(SHARES)), nbytes=st.integers(1, 2 ** 31),
       algorithm=st.sampled_from(["ll", "simple"]))
def test_a_protocol_never_gets_faster_with_more_bytes(host, op, nbytes, algorithm):
    less, more = topologies.collective_time(op, np.array([nbytes, nbytes * 5 // 4]), host,
                                            protocol=algorithm, in_switch=False)
    assert less <= more


def test_half_the_nvlinks_take_twice_the_wire_time(host):
    graph = topologies.dgx("h100-sxm")
    for one, other, edge in graph.edges(data=True):
        if "nvswitch" in one + other:
            part = edge["link"]
            edge["link"] = Link(part.name, part.kind, part.rate_bps / 2, part.efficiency,
                                part.latency_time)
    slow = topologies.compile(graph)
    for op in SHARES:
        full, half = (topologies.collective_choice(
            op, 2 ** 30, fabric, protocol="simple", in_switch=False).wire_time
            for fabric in (host, slow))
        fewer = 0.06 if op in ("broadcast", "reduce") else 1e-9  # chunks shrink with the links
        assert half == pytest.approx(2 * full, rel=fewer), op


def test_pcie_instead_of_nvlink(host, pcie_host):
    """The ring crosses the sockets once each way; that link is the bottleneck, and it is 17
    times as slow as NVLink: 22 against 376 GB/s."""
    fast, slow = (topologies.collective_choice("all_reduce", 2 ** 30, fabric, in_switch=False)
                  for fabric in (host, pcie_host))
    assert slow.bottleneck.startswith("h0/cpu") and fast.bottleneck.endswith("nvswitch")
    sockets = pcie_host.links.bandwidth[pcie_host.link_names.index(slow.bottleneck)]
    nvlink = host.links.bandwidth[host.link_names.index(fast.bottleneck)]
    assert slow.wire_time / fast.wire_time == pytest.approx(nvlink / sockets)
    assert topologies.collective_time("all_reduce", 1024, pcie_host) > topologies.collective_time(
        "all_reduce", 1024, host)


def test_half_the_network_takes_twice_as_long():
    full, half = (topologies.collective_choice("all_reduce", 2 ** 32, hosts(
        4, network=cable, nics=4)) for cable in ("ethernet-400g", "ethernet-200g"))
    assert "nic" in full.bottleneck and "nic" in half.bottleneck
    assert half.wire_time == pytest.approx(2 * full.wire_time, rel=0.02)


def test_more_adapters_help_until_nvlink_is_the_bottleneck():
    times = [topologies.collective_choice("all_gather", 2 ** 32, hosts(2, nics=nics)).wire_time
             for nics in (1, 2, 4, 8)]
    assert times[0] > 2 * times[1]  # half of the GPUs reach the only one across the sockets
    assert times[1] > times[2] > times[3] > times[1] / 4
    assert topologies.collective_choice("all_gather", 2 ** 32, hosts()).bottleneck.endswith(
        "nvswitch")


def test_an_all_to_all_between_hosts_is_held_up_by_the_adapters():
    """Of each rank's bytes half leave the host, by an adapter of its own."""
    fabric = hosts()
    nic = fabric.links.bandwidth[fabric.link_names.index("h0/nic0->s0")]
    fit = catalog.collectives("nccl-h100").all_to_all_simple
    found = topologies.collective_choice("all_to_all", 2 ** 30, fabric)
    assert found.wire_time == pytest.approx(2 ** 30 / 2 / nic / fit.long_share, rel=0.02)


def test_ranks_of_one_host_do_not_use_the_network():
    fabric = hosts()
    assert topologies.collective_time("all_reduce", 2 ** 20, fabric, GPUS) == pytest.approx(
        topologies.collective_time("all_reduce", 2 ** 20, topologies.compile(
            topologies.dgx("h100-sxm"))))


def test_hosts_of_one_rank_each():
    fabric = hosts(4)
    ranks = [f"h{host}/gpu0" for host in range(4)]
    found = topologies.collective_choice("all_gather", 2 ** 30, fabric, ranks)
    assert "nic0" in found.bottleneck or "gpu0" in found.bottleneck
    assert found.time > 3 / 4 * 2 ** 30 / 50e9


def test_transfers_share_the_receivers_port(host):
    one, three = (topologies.transfers_time(
        [(f"h0/gpu{number}", "h0/gpu0") for number in range(1, 1 + senders)], 2 ** 30, host)
        for senders in (1, 3))
    assert three == pytest.approx(3 * one, rel=0.05)


def test_transfers_that_do_not_meet(host):
    pairs = [(f"h0/gpu{number}", f"h0/gpu{number + 1}") for number in (0, 2, 4, 6)]
    many, one = (topologies.transfers_time(some, 2 ** 24, host, world=8)
                 for some in (pairs, pairs[:1]))
    assert many == one


def test_a_larger_communicator_leaves_a_transfer_fewer_channels(host):
    pair = [(GPUS[0], GPUS[1])]
    two, eight = (topologies.transfers_time(pair, [1024, 2 ** 24, 2 ** 30], host, world=world)
                  for world in (2, 8))
    assert two[0] == pytest.approx(eight[0], rel=0.01) and 2 < eight[1] / two[1] < 4
    assert two[2] == eight[2]
    with pytest.raises(UsageError, match="world is 1; 2 ranks send or receive"):
        topologies.transfers_time(pair, 1, host, world=1)


def test_a_ring_of_transfers_is_slower_than_both_ways_of_a_pair(host):
    """Other partners share the channels that one partner has to itself, until all are used."""
    ring = [(GPUS[number], GPUS[(number + 1) % 4]) for number in range(4)]
    both = [(GPUS[0], GPUS[1]), (GPUS[1], GPUS[0])]
    around, forth = (topologies.transfers_time(pairs, [2 ** 24, 2 ** 30], host, world=8)
                     for pairs in (ring, both))
    assert 1.4 < around[0] / forth[0] < 2 and around[1] == forth[1]


def test_a_transfer_is_a_send_and_receive(host):
    sizes = np.array([0, 5, 2 ** 20, 2 ** 28])
    assert topologies.collective_time("send_recv", sizes, host, GPUS[:2]) == pytest.approx(
        topologies.transfers_time([(GPUS[0], GPUS[1])], sizes, host))


def test_uneven_transfers_are_shared_out_by_the_engine(host):
    """Two into one port and one alone: the alone one does not wait, but the last counts."""
    pairs = [(GPUS[1], GPUS[0]), (GPUS[2], GPUS[0]), (GPUS[3], GPUS[4])]
    assert topologies.transfers_time(pairs, 2 ** 28, host) == pytest.approx(
        topologies.transfers_time(pairs[:2], 2 ** 28, host))


def call(fabric, op="all_reduce", nbytes=1024, ranks=GPUS, **more):
    return topologies.collective_time(op, nbytes, fabric, ranks, **more)


@pytest.mark.parametrize(("arguments", "error", "text"), [
    ({"op": "allreduce"}, UnknownName, "unknown collective operation 'allreduce'. Did you mean "
                                       "'all_reduce'?"),
    ({"ranks": ["h0/gpu0", "h0/gpu9"]}, UnknownName, "unknown rank 'h0/gpu9'. Did you mean"),
    ({"ranks": ["h0/gpu0", "h0/nvswitch"]}, UnknownName, "unknown rank 'h0/nvswitch'"),
    ({"ranks": ["h0/gpu0"]}, UsageError, "all_reduce needs two ranks or more, not ['h0/gpu0']"),
    ({"ranks": []}, UsageError, "needs two ranks or more, not []"),
    ({"ranks": ["h0/gpu1", "h0/gpu1"]}, UsageError, "rank h0/gpu1 is given twice"),
    ({"ranks": "h0/gpu1"}, UsageError, "give a list of endpoints"),
    ({"op": "send_recv"}, UsageError, "8 are given. For several transfers at once: transfers_time"),
    ({"nbytes": -1}, UsageError, "nbytes must be whole numbers >= 0, not -1"),
    ({"nbytes": 1.5}, UsageError, "nbytes must be whole numbers >= 0, not 1.5"),
    ({"algorithm": "rings"}, UnknownName, "unknown algorithm of a collective 'rings'"),
    ({"algorithm": "direct"}, UsageError, "all_reduce has no direct here; there are ring with ll"),
    ({"protocol": "ll12"}, UnknownName, "unknown protocol 'll12'. Did you mean 'll128'?"),
    ({"library": "nccl"}, UnknownName, "unknown library of collectives 'nccl'"),
    ({"fidelity": "cycle"}, UnknownName, "unknown fidelity of a collective 'cycle'"),
])
def test_wrong_calls(host, arguments, error, text):
    with pytest.raises(error, match=re.escape(text)):
        call(host, **arguments)


def test_ranks_that_nothing_joins():
    graph = topologies.dgx("h100-sxm", hosts=2)
    graph.nodes["s0"]["forwards"] = False
    with pytest.raises(TopologyError, match="h0/gpu0 -> h1/gpu0: no path"):
        topologies.collective_time("all_reduce", 1, topologies.compile(graph))


def test_one_size_a_choice(host):
    with pytest.raises(UsageError, match="takes one size"):
        topologies.collective_choice("all_reduce", [1, 2], host)


def test_transfers_of_nobody(host):
    with pytest.raises(UsageError, match="needs a pair"):
        topologies.transfers_time([], 1, host)
