"""Events, what they leave, epochs, capacity rows, sweeps, bandwidth traces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.engine import share_flows
from rackwright.errors import InputError, RackwrightError, TopologyError, UnknownName, UsageError
from rackwright.topologies import (
    FaultEvent,
    apply,
    bandwidth_changes,
    capacity_changes,
    compile,
    dgx,
    epochs,
    failures,
    leaf_spine,
    parse_event,
    read_bandwidth,
    read_events,
    star,
)


@pytest.mark.parametrize("text, event", [
    ("2s h0/gpu*->h0/nvswitch rate 50%", FaultEvent(2.0, "h0/gpu*->h0/nvswitch", "rate", 0.5,
                                                    True)),
    ("0s h0=>s0 rate 25Gbps", FaultEvent(0.0, "h0=>s0", "rate", 25e9)),
    ("1us s0 down", FaultEvent(1e-6, "s0", "down")),
    ("1s h0->s0 latency 5ms", FaultEvent(1.0, "h0->s0", "latency", 5e-3)),
    ("1s h0/gpu0 slow 1.5", FaultEvent(1.0, "h0/gpu0", "slow", 1.5)),
])
def test_events_as_text(text, event):
    assert parse_event(text) == event


@pytest.mark.parametrize("text, message", [
    ("s0 down", "write time, what, action and value"),
    ("1 s0 down", "not a time"),
    ("1s s0 explode", "action 'explode'; allowed: down, lanes"),
    ("1s s0 rate 50%", "rate of 's0'; an edge a->b is needed"),
    ("1s h0->s0 slow 2", "a node is needed"),
    ("1s h0->s0 rate 150%", "a share from 0% to 100% is needed"),
    ("1s h0->s0 lanes x3", "x1, x2, x4, x8 or x16"),
    ("1s h0 slow 0.5", "a factor from 1 is needed"),
    ("1s h0->s0 down now", "it takes none"),
    ("1s h0->s0 rate", "it needs one"),
])
def test_events_that_are_none(text, message):
    with pytest.raises(UsageError, match=message):
        parse_event(text)


@given(st.text(max_size=40))
def test_any_text_is_an_event_or_an_error(text):
    try:
        parse_event(text)
    except RackwrightError as problem:
        assert str(problem)


def test_events_from_a_file(tmp_path):
    path = tmp_path / "faults.csv"
    path.write_text("time,what,action,value\n1s,h0->s0,rate,50%\n2s,h0->s0,up,\n")
    assert [event.action for event in read_events(path)] == ["rate", "up"]
    path.write_text("time,what,action,value\n2s,h0->s0,down,\n1s,h0->s0,up,\n")
    with pytest.raises(InputError, match="faults.csv:3: time 1s is before"):
        read_events(path)
    path.write_text("when,what\n")
    with pytest.raises(InputError, match="faults.csv:1: the first line must be time,what"):
        read_events(path)


def test_a_link_narrows():
    graph = apply(dgx("h100-sxm"), "0s h0/gpu0->h0/pcie0 lanes x4")
    link = graph.edges["h0/gpu0", "h0/pcie0"]["link"]
    assert link.name == "gen5-x4" and link.rate_bps == 4 * 32e9
    with pytest.raises(UsageError, match="has no lanes to lose"):
        apply(graph, "0s h0/gpu0->h0/nvswitch lanes x4")
    with pytest.raises(UsageError, match="has no more lanes to give"):
        apply(graph, "0s h0/gpu0->h0/pcie0 lanes x8")


def test_traffic_goes_another_way():
    graph = dgx("h100-sxm")
    before = compile(graph)
    after = compile(apply(graph, "0s h0/gpu0->h0/nvswitch down"))
    assert {before.link_kinds[link] for link in before.route("h0/gpu0", "h0/gpu1")} == {"nvlink"}
    assert {after.link_kinds[link] for link in after.route("h0/gpu0", "h0/gpu1")} == {"pcie"}


def test_a_slow_gpu_takes_longer():
    graph = dgx("h100-sxm")
    fast = graph.nodes["h0/gpu0"]["device"]
    slow = apply(graph, "0s h0/gpu0 slow 2").nodes["h0/gpu0"]["device"]
    for shape in ((8192, 8192, 8192), (64, 8192, 8192)):
        assert 1.6 < slow.gemm_time(*shape) / fast.gemm_time(*shape) < 2.3
    compile(apply(graph, "0s h0/gpu0 slow 2"))


def test_epochs_and_back_again():
    graph = leaf_spine(2, 2, 2)
    found = epochs(graph, ["2s leaf0->spine0 up", "1s leaf0->spine0 down"])
    assert [start for start, _ in found] == [0.0, 1.0, 2.0]
    assert found[0][1].content_hash == found[2][1].content_hash != found[1][1].content_hash
    assert "leaf0->spine0" not in found[1][1].link_names
    with pytest.raises(TopologyError, match="after spine0 down at 2 s .* falls into 2 parts"):
        epochs(graph, ["1s spine1 down", "2s spine0 down"])


def test_capacity_rows_drive_the_flow_solver():
    fabric = compile(star(hosts=2))
    route = fabric.route("h0", "h1")
    rate = float(fabric.links.bandwidth[route[0]])
    offsets, links = np.array([0, len(route)]), np.array(route)
    plain = share_flows(fabric.links.bandwidth, offsets, links, [rate])[0]
    assert plain == pytest.approx(1.0)
    half = capacity_changes(fabric, ["500ms h0->s0 rate 50%"])
    assert share_flows(fabric.links.bandwidth, offsets, links, [rate], changes=half)[0] == \
        pytest.approx(1.5)
    away = capacity_changes(fabric, ["500ms h0 down", "2s h0 up"])
    assert share_flows(fabric.links.bandwidth, offsets, links, [rate], changes=away)[0] == \
        pytest.approx(2.5)
    with pytest.raises(UsageError, match="changes no rate; use topologies.epochs"):
        capacity_changes(fabric, ["1s h0->s0 latency 1ms"])


def test_n_minus_one_and_two():
    graph = leaf_spine(2, 2, 1)
    one = list(failures(graph))
    assert len(one) == graph.number_of_edges() // 2
    broken = [case.failed for case in one if case.fabric is None]
    assert broken == [("h0->leaf0",), ("h1->leaf1",)]
    assert all("falls into 2 parts" in case.fault for case in one if case.fabric is None)
    two = list(failures(graph, many=2, of="switch"))
    assert len(two) == 6
    assert [case.failed for case in two if case.fabric] == []
    with pytest.raises(UsageError, match="many is 3"):
        list(failures(graph, many=3))
    with pytest.raises(UnknownName):
        list(failures(graph, of="cables"))


def test_bandwidth_series(tmp_path):
    path = tmp_path / "iperf.trace"
    path.write_text("8.0\n4.0\n16.5\n")
    assert read_bandwidth(path) == [1e6, 0.5e6, 16.5e6 / 8]
    fabric = compile(star(hosts=2))
    rows = bandwidth_changes(fabric, "h0=>s0", [1e6, 2e6], step=0.5, until=2.0)
    link = fabric.link_names.index("h0->s0")
    assert rows == [(0, link, 1e6), (500_000_000_000, link, 2e6), (10**12, link, 1e6),
                    (1_500_000_000_000, link, 2e6)]


def test_mahimahi_timestamps(tmp_path):
    path = tmp_path / "link.up"
    path.write_text("0\n0\n500\n1000\n1999\n2000\n")
    assert read_bandwidth(path) == [3 * 1500, 3 * 1500]
    path.write_text("1\nx\n")
    with pytest.raises(InputError, match="link.up:2: 'x' is neither a rate"):
        read_bandwidth(path)
