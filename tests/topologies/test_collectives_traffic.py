"""Other traffic on a collective's links: shares by hand, against the engine, unused links."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import topologies
from rackwright.engine import share_flows
from rackwright.errors import TopologyError, UnknownName, UsageError
from rackwright.topologies import collective_choice, collective_time, transfers_time
from rackwright.topologies.collectives.traffic import Background, background_rates

GPUS = [f"h0/gpu{number}" for number in range(8)]
WAYS = [("all_reduce", "ring"), ("all_reduce", "halving_doubling"), ("all_reduce", "in_switch"),
        ("all_gather", "ring"), ("reduce_scatter", "halving_doubling"), ("all_to_all", None),
        ("broadcast", None)]
ROUGH = {("all_reduce", "ring"): 0.20, ("all_gather", "ring"): 0.20, ("broadcast", None): 0.35}
NVLINK = 450e9 * 0.836  # bytes/s of an H100's port


@pytest.fixture(scope="module")
def host():
    return topologies.compile(topologies.dgx("h100-sxm"))


@pytest.fixture(scope="module")
def two():
    return topologies.compile(topologies.dgx("h100-sxm", hosts=2, gpus=4, nics=4))


@pytest.mark.parametrize("fidelity", ["closed", "flows"])
@pytest.mark.parametrize(("op", "algorithm"), WAYS)
def test_on_unused_links_it_changes_nothing(host, op, algorithm, fidelity):
    aside = [(GPUS[6], GPUS[7], math.inf), (GPUS[7], GPUS[6], 1e9)]
    quiet, busy = (collective_time(op, 2 ** 22, host, GPUS[:4], algorithm=algorithm,
                                   fidelity=fidelity, traffic=traffic) for traffic in ((), aside))
    assert busy == quiet


@pytest.mark.parametrize("fidelity", ["closed", "flows"])
@pytest.mark.parametrize(("op", "algorithm"), WAYS)
def test_on_used_links_more_of_it_takes_longer(host, op, algorithm, fidelity):
    loads = [[], [(GPUS[0], GPUS[1], NVLINK / 4)], [(GPUS[0], GPUS[1], NVLINK / 3)],
             [(GPUS[0], GPUS[1], math.inf)], [(GPUS[0], GPUS[1], math.inf)] * 2]
    times = [collective_time(op, 2 ** 28, host, GPUS, algorithm=algorithm, fidelity=fidelity,
                             traffic=traffic) for traffic in loads]
    assert times == sorted(times) and times[0] < times[-1]
    if op != "all_to_all":  # its seven flows leave the other less than it asks for
        assert len({round(time, 9) for time in times}) == 5


@pytest.mark.parametrize("algorithm", ["ring", "halving_doubling", "in_switch"])
@pytest.mark.parametrize(("traffic", "left"), [
    (math.inf, 1 / 2), (NVLINK / 4, 3 / 4), (NVLINK, 1 / 2), (NVLINK / 2, 1 / 2)])
def test_what_is_left_by_hand(host, algorithm, traffic, left):
    """One flow beside one: half each, or what the other does not ask for."""
    quiet, busy = (collective_choice("all_reduce", 2 ** 28, host, algorithm=algorithm,
                                     protocol="simple", traffic=there).wire_time
                   for there in ((), [(GPUS[2], GPUS[3], traffic)]))
    assert busy == pytest.approx(quiet / left, rel=1e-6)


def test_seven_flows_beside_one(host):
    """An all-to-all and a greedy flow: an eighth of the sender's port is the other's, until the
    end, since the receiver's port is as full."""
    quiet, busy = (collective_choice("all_to_all", 2 ** 30, host, traffic=there).wire_time
                   for there in ((), [(GPUS[0], GPUS[1], math.inf)]))
    assert busy == pytest.approx(8 / 7 * quiet, rel=1e-6)


@pytest.mark.parametrize("algorithm", ["ring", "halving_doubling", "in_switch"])
def test_half_of_every_link_takes_twice_the_wire_time(algorithm):
    graph = topologies.dgx("h100-sxm")
    whole, half = (topologies.compile(one) for one in (
        graph, topologies.scale(graph, "*->*", rate=0.5)))
    for share in (0.0, 0.4):
        full, slow = (collective_choice(
            "all_reduce", 2 ** 30, fabric, algorithm=algorithm, protocol="simple",
            traffic=[(GPUS[0], GPUS[1], share * NVLINK * rate)] if share else ()).wire_time
            for fabric, rate in ((whole, 1), (half, 0.5)))
        assert slow == pytest.approx(2 * full, rel=1e-6)


@pytest.mark.parametrize("algorithm", ["ring", "hierarchical", "halving_doubling"])
def test_closed_form_and_flows_agree_between_hosts(two, algorithm):
    """The closed form of a ring of several channels is 30 % off flows at most, others less."""
    traffic = [("h0/gpu1", "h1/gpu1", math.inf), ("h1/gpu2", "h0/gpu3", 1e10)]
    closed, flows = (collective_time("all_reduce", 2 ** 26, two, algorithm=algorithm,
                                     fidelity=fidelity, traffic=traffic)
                     for fidelity in ("closed", "flows"))
    assert flows == pytest.approx(closed, rel=0.30 if algorithm == "ring" else 0.06)


@pytest.mark.parametrize("load", [NVLINK / 4, math.inf])
@pytest.mark.parametrize(("op", "algorithm"), WAYS)
def test_closed_form_and_flows_agree_on_one_host(host, op, algorithm, load):
    """A ring and a chain pass their steps' latency while the busy link works on."""
    closed, flows = (collective_time(op, [2 ** 20, 2 ** 24, 2 ** 28], host,
                                     algorithm=algorithm, fidelity=fidelity,
                                     traffic=[(GPUS[2], GPUS[3], load)])
                     for fidelity in ("closed", "flows"))
    assert flows == pytest.approx(closed, rel=ROUGH.get((op, algorithm), 1e-3))


def test_the_library_does_not_know_of_it(host):
    for nbytes in (2 ** 16, 2 ** 22, 2 ** 30):
        quiet, busy = (collective_choice("all_reduce", nbytes, host, traffic=traffic)
                       for traffic in ((), [(GPUS[0], GPUS[1], math.inf)]))
        assert (quiet.algorithm, quiet.protocol) == (busy.algorithm, busy.protocol)
        assert busy.time > quiet.time


def test_transfers_share_with_it(host):
    quiet, busy, aside = (transfers_time([(GPUS[0], GPUS[1])], 2 ** 30, host, traffic=traffic)
                          for traffic in ((), [(GPUS[2], GPUS[1], math.inf)],
                                          [(GPUS[2], GPUS[3], math.inf)]))
    assert busy == pytest.approx(2 * quiet, rel=0.02) and aside == quiet


def test_two_alike_are_two(host):
    """Each asks for its own bandwidth, also when the entries are equal."""
    quiet, one, both = (transfers_time([(GPUS[0], GPUS[1])], 2 ** 30, host, traffic=traffic)
                        for traffic in ((), [(GPUS[2], GPUS[1], NVLINK / 4)],
                                        [(GPUS[2], GPUS[1], NVLINK / 4)] * 2))
    assert one == pytest.approx(4 / 3 * quiet, rel=0.02)
    assert both == pytest.approx(2 * quiet, rel=0.02)


paths_of = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(tuple),
                    min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(paths=paths_of, others=paths_of, data=st.data())
def test_rates_are_the_engines(paths, others, data):
    """Progressive filling against the flow engine: who ends first tells its rate."""
    bandwidth = np.array(data.draw(st.lists(st.integers(1, 50).map(float), min_size=5,
                                            max_size=5)))
    weight = np.array(data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=len(paths),
                                         max_size=len(paths))))
    asked = data.draw(st.lists(st.sampled_from([2.0, 11.0, math.inf]), min_size=len(others),
                               max_size=len(others)))
    traffic = [Background(path, most) for path, most in zip(others, asked, strict=True)]
    found = background_rates(paths, weight, bandwidth, traffic)
    caps = [most if math.isfinite(most) else 1e9 for most in asked]
    every = [*paths, *((*path, 5 + place) for place, path in enumerate(others))]
    for place, rate in enumerate(found):
        size = np.full(len(every), 1e6)
        size[len(paths) + place] = 1e-3  # ends long before any other
        finish = share_flows(np.concatenate([bandwidth, caps]),
                             np.cumsum([0, *(len(path) for path in every)]),
                             [link for path in every for link in path], size,
                             weight=np.concatenate([weight, np.ones(len(others))]))
        assert rate == pytest.approx(1e-3 / finish[len(paths) + place], rel=1e-5)


@pytest.mark.parametrize(("traffic", "error", "text"), [
    ("h0/gpu0", UsageError, "traffic is 'h0/gpu0'; give a list of (source, target, bytes/s)"),
    (3, UsageError, "traffic is 3; give a list"),
    ([("h0/gpu0", "h0/gpu1")], UsageError, "each entry is (source, target, bytes/s)"),
    ([("h0/gpu0", "h0/gpu1", 0)], UsageError, "h0/gpu0 -> h0/gpu1 asks for 0; bytes/s above 0"),
    ([("h0/gpu0", "h0/gpu1", math.nan)], UsageError, "asks for nan"),
    ([("h0/gpu0", "h0/gpu1", "all")], UsageError, "asks for 'all'"),
    ([("h0/gpu0", "h0/gpu0", 1.0)], UsageError, "crosses no link; two nodes are needed"),
    ([("h0/gpu0", "h0/gpu9", 1.0)], UnknownName, "unknown node 'h0/gpu9'"),
])
def test_wrong_traffic(host, traffic, error, text):
    with pytest.raises(error, match=re.escape(text)):
        collective_time("all_reduce", 1024, host, traffic=traffic)


def test_traffic_without_a_path():
    graph = topologies.dgx("h100-sxm", hosts=2)
    graph.nodes["s0"]["forwards"] = False
    with pytest.raises(TopologyError, match="h0/gpu0 -> h1/gpu0: no path"):
        collective_time("all_reduce", 1, topologies.compile(graph), GPUS,
                        traffic=[("h0/gpu0", "h1/gpu0", 1e9)])
