"""What halving-doubling and hierarchical take: by hand, against rings, as flows, slow ranks."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import topologies
from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError
from rackwright.topologies import collective_choice, collective_time

SIZES = [1024, 2 ** 20, 2 ** 24, 2 ** 28]
FIT = catalog.collectives("nccl-h100")
STAR = topologies.compile(topologies.star(16))
ENDS = [f"h{number}" for number in range(16)]


@pytest.fixture(scope="module")
def host():
    return topologies.compile(topologies.dgx("h100-sxm"))


@pytest.fixture(scope="module")
def two():
    return topologies.compile(topologies.dgx("h100-sxm", hosts=2))


@pytest.fixture(scope="module")
def mixed():
    """A host of four GPUs and one of six."""
    return topologies.compile(topologies.merge([
        topologies.dgx("a100-sxm-80", gpus=4, nics=4),
        topologies.dgx("a100-sxm-80", gpus=6, nics=6)]))


def path_of(fabric, one, other):
    """(latency, bandwidth) of a route."""
    route = list(fabric.route(one, other))
    return (fabric.links.latency_ps[route].sum() * 1e-12,
            fabric.links.bandwidth[route].min())


@pytest.mark.parametrize(("ranks", "rounds"), [(2, 1), (4, 2), (8, 3), (16, 4)])
def test_on_a_star_by_hand(ranks, rounds):
    """2 (p - 1) / p of the bytes, 2 log2 p steps of latency, and the one chunk that is copied."""
    fit, nbytes = FIT.all_reduce_simple, 2 ** 26
    latency, bandwidth = path_of(STAR, "h0", "h1")
    expected = fit.base_time + 2 * rounds * (latency + FIT.ring_simple_network_hop) \
        + 2 * (ranks - 1) / ranks * nbytes / bandwidth / fit.share \
        + nbytes / ranks / fit.copy_bandwidth
    found = collective_time("all_reduce", nbytes, STAR, ENDS[:ranks], protocol="simple",
                            algorithm="halving_doubling")
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("op", ["all_gather", "reduce_scatter"])
def test_half_of_it_on_a_host_by_hand(host, op):
    fit, nbytes = getattr(FIT, f"{op}_simple"), 2 ** 28
    latency, bandwidth = path_of(host, "h0/gpu0", "h0/gpu1")
    expected = fit.base_time + 3 * (latency + fit.hop_time + fit.block_time) \
        + 7 / 8 * nbytes / bandwidth / fit.share + nbytes / 8 / fit.copy_bandwidth
    found = collective_time(op, nbytes, host, protocol="simple", algorithm="halving_doubling")
    assert found == pytest.approx(expected, rel=1e-3)  # the blocks' small term


def test_ranks_beyond_a_power_of_two_by_hand():
    """Six: two fold all their bytes into others and get them back, four halve and double."""
    fit, nbytes = FIT.all_reduce_simple, 2 ** 26
    latency, bandwidth = path_of(STAR, "h0", "h1")
    expected = fit.base_time + (2 + 4) * (latency + FIT.ring_simple_network_hop) \
        + (2 + 2 * 3 / 4) * nbytes / bandwidth / fit.share + nbytes / 6 / fit.copy_bandwidth
    assert collective_time("all_reduce", nbytes, STAR, ENDS[:6], protocol="simple",
                           algorithm="halving_doubling") == pytest.approx(expected, rel=1e-9)


def test_a_hierarchy_by_hand(two):
    """Seven steps inside, two between the hosts on all rails at once, seven inside."""
    fit, nbytes = FIT.all_reduce_simple, 2 ** 28
    inside, nvlink = path_of(two, "h0/gpu0", "h0/gpu1")
    between, rail = path_of(two, "h0/gpu0", "h1/gpu0")
    expected = fit.base_time + 14 * (inside + fit.hop_time) + 2 * (
        between + FIT.ring_simple_network_hop) + nbytes / 16 / fit.copy_bandwidth \
        + (2 * 7 / 8 * nbytes / nvlink + nbytes / 8 / rail) / fit.share
    choice = collective_choice("all_reduce", nbytes, two, algorithm="hierarchical",
                               protocol="simple")
    assert choice.time == pytest.approx(expected, rel=1e-4)
    assert choice.bottleneck and choice.band[0] == "assumed"
    assert (choice.algorithm, choice.protocol) == ("hierarchical", "simple")


def test_against_a_ring():
    """As many bytes in fewer steps: faster when small and on many ranks, the same when large."""
    def ratio(nbytes, ranks):
        fast, ring = (collective_time("all_reduce", nbytes, STAR, ENDS[:ranks], algorithm=name,
                                      protocol="simple") for name in ("halving_doubling", "ring"))
        return fast / ring
    small = [ratio(1024, ranks) for ranks in (2, 4, 8, 16)]
    assert small[0] == pytest.approx(1) and small == sorted(small, reverse=True)
    assert small[-1] < 0.4 and ratio(2 ** 32, 16) == pytest.approx(1, rel=0.01)
    assert ratio(2 ** 32, 15) > 1.5  # seven of the ranks fold all their bytes


def test_a_sum_is_a_scatter_and_a_gather():
    """On the links; every operation has its own base and share."""
    wire = {op: collective_choice(op, 2 ** 28, STAR, ENDS, algorithm="halving_doubling",
                                  protocol="simple").wire_time
            * getattr(FIT, f"{op}_simple").share
            for op in ("all_reduce", "reduce_scatter", "all_gather")}
    assert wire["all_reduce"] == pytest.approx(wire["reduce_scatter"] + wire["all_gather"])


def test_a_hierarchy_needs_fewer_steps_between_hosts():
    many = topologies.compile(topologies.dgx("h100-sxm", hosts=8))
    ring, rails = (collective_time("all_reduce", 4096, many, algorithm=name)
                   for name in ("ring", "hierarchical"))
    assert rails < 0.6 * ring


def test_a_double_tree_is_the_tree(two):
    for fidelity in ("closed", "flows"):
        one, other = (collective_time("all_reduce", 2 ** 20, two, algorithm=name,
                                      fidelity=fidelity) for name in ("tree", "double_tree"))
        assert one == other


def apart(op, fabric, ranks=None, algorithm="halving_doubling"):
    closed, flows = (collective_time(op, SIZES, fabric, ranks, algorithm=algorithm,
                                     fidelity=fidelity) for fidelity in ("closed", "flows"))
    return np.abs(flows / closed - 1).max()


@pytest.mark.parametrize("op", ["all_reduce", "all_gather", "reduce_scatter"])
@pytest.mark.parametrize("ranks", [2, 8, 16])
def test_as_flows_on_a_star(op, ranks):
    assert apart(op, STAR, ENDS[:ranks]) < 1e-3


@pytest.mark.parametrize("op", ["all_reduce", "all_gather", "reduce_scatter"])
@pytest.mark.parametrize("ranks", [3, 11])
def test_as_flows_where_some_fold(op, ranks):
    """A gather's ranks that need not wait for the folded ones go ahead."""
    assert apart(op, STAR, ENDS[:ranks]) < 0.05


def test_as_flows_over_hosts(two, mixed):
    assert apart("all_reduce", two) < 1e-3
    assert apart("all_reduce", two, algorithm="hierarchical") < 1e-3
    assert apart("all_reduce", mixed, algorithm="hierarchical") < 1e-3


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(ENDS), count=st.integers(2, 16), nbytes=st.integers(1, 2 ** 31))
def test_only_how_many_ranks_matters_on_a_star(order, count, nbytes):
    one, other = (collective_time("all_reduce", nbytes, STAR, ranks[:count],
                                  algorithm="halving_doubling") for ranks in (order, ENDS))
    assert one == pytest.approx(other, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(hosts=st.tuples(st.integers(1, 8), st.integers(1, 8)), nbytes=st.integers(1, 2 ** 31))
def test_unequal_hosts(two, hosts, nbytes):
    """Whatever the hosts have: never faster than the bytes that a rank must move."""
    ranks = [f"h{host}/gpu{gpu}" for host, count in enumerate(hosts) for gpu in range(count)]
    found = collective_time("all_reduce", nbytes, two, ranks, algorithm="hierarchical")
    assert np.isfinite(found) and found > 2 * (1 - 1 / len(ranks)) * nbytes / 450e9


def test_no_bytes_and_arrays(host):
    found = collective_time("all_reduce", [[0, 1], [2 ** 20, 2 ** 28]], host,
                            algorithm="halving_doubling")
    assert found.shape == (2, 2) and found[0, 0] == 0.0
    assert found[1, 1] == collective_time("all_reduce", 2 ** 28, host,
                                          algorithm="halving_doubling")


@pytest.mark.parametrize("fidelity", ["closed", "flows"])
def test_a_slow_rank(fidelity):
    """It takes part in every round: all but the base takes as many times as long."""
    base = FIT.all_reduce_simple.base_time
    fast, slow, both, not_slow = (collective_time(
        "all_reduce", 2 ** 20, STAR, ENDS, algorithm="halving_doubling", protocol="simple",
        fidelity=fidelity, slow=slow) for slow in (
            None, {"h3": 1.5}, {"h3": 1.5, "h4": 1.2}, {"h3": 1}))
    assert slow - base == pytest.approx(1.5 * (fast - base), rel=1e-5)
    assert both == pytest.approx(slow, rel=1e-5) and not_slow == fast


def test_a_slow_rank_of_a_hierarchy_holds_up_its_rounds_only(two):
    """A rank beyond the rails of an unequal layout has no part in the ring of hosts."""
    ranks = [f"h0/gpu{gpu}" for gpu in range(8)] + ["h1/gpu0", "h1/gpu1"]
    fast, rail, beyond = (collective_time("all_reduce", 2 ** 26, two, ranks, slow=slow,
                                          algorithm="hierarchical", protocol="simple")
                          for slow in (None, {"h0/gpu0": 2.0}, {"h0/gpu7": 2.0}))
    assert fast < beyond < rail < 2 * fast


@pytest.mark.parametrize(("arguments", "error", "text"), [
    ({"op": "broadcast"}, UsageError,
     "halving_doubling is for all_gather, all_reduce, reduce_scatter, not for broadcast"),
    ({"op": "all_gather", "algorithm": "hierarchical"}, UsageError,
     "hierarchical is for all_reduce, not for all_gather"),
    ({"algorithm": "hierarchical"}, UsageError, "hierarchical needs ranks on two hosts or more; "
                                                "all 8 are on h0: algorithm='ring'"),
    ({"algorithm": "double_trees"}, UnknownName, "Did you mean 'double_tree'?"),
    ({"protocol": "simpel"}, UnknownName, "unknown protocol 'simpel'. Did you mean 'simple'?"),
    ({"slow": {"h0/gpu9": 2}}, UnknownName, "unknown slow rank 'h0/gpu9'"),
    ({"slow": {"h0/gpu1": 0.5}}, UsageError, "slow: h0/gpu1 takes 0.5 times as long; a number "
                                             ">= 1 is needed"),
    ({"slow": ["h0/gpu1"]}, UsageError, "give a dict of rank: factor"),
    ({"slow": {"h0/gpu1": 2}, "algorithm": "ring"}, UsageError,
     "slow ranks need an algorithm of rounds (halving_doubling, hierarchical), not ring"),
    ({"slow": {"h0/gpu1": 2}, "algorithm": None}, UsageError, "not what the library picks"),
])
def test_wrong_calls(host, arguments, error, text):
    asked = {"op": "all_reduce", "nbytes": 1024, "algorithm": "halving_doubling"} | arguments
    with pytest.raises(error, match=re.escape(text)) as caught:
        collective_time(asked.pop("op"), asked.pop("nbytes"), host, **asked)
    assert "\n" not in str(caught.value)


def test_ll128_needs_nvlink():
    graph = topologies.dgx("h100-sxm")
    graph.remove_node("h0/nvswitch")
    with pytest.raises(UsageError, match="halving_doubling has no ll128 here; there are ll, simp"):
        collective_time("all_reduce", 1, topologies.compile(graph), protocol="ll128",
                        algorithm="halving_doubling")


def test_too_many_steps():
    fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=80))
    with pytest.raises(UsageError, match="100000 are replayed at most"):
        collective_time("all_reduce", 1024, fabric, algorithm="hierarchical", protocol="simple",
                        fidelity="flows")
