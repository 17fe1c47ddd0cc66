"""The whole replay on its sample: outcome, errors, options that matter, determinism."""

from __future__ import annotations

from typing import Any

import pytest

import rackwright
from rackwright import topologies
from rackwright.errors import InputError, OptionsError, TopologyError
from rackwright.models import registry
from rackwright.models.dispersedledger.costs import costs_of
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.run import replay
from rackwright.traces import generate_bandwidth

SHORT: dict[str, Any] = {"duration": "12s", "tick": "20ms"}


def test_the_sample_runs_and_says_what_limits_it() -> None:
    found = replay("dispersedledger", **SHORT)
    assert found.metrics["throughput_bytes_per_s"] > 1e7
    assert len(found.link_utilisation) == 32
    assert sum(found.breakdown.values()) == pytest.approx(1.0)
    assert "latency_p50_s" in found.undefined
    assert found.bottleneck.text


def test_latency_under_load() -> None:
    found = replay("dispersedledger", load="500kB/s", duration="20s", tick="20ms")
    assert 0.3 < found.metrics["latency_p50_s"] < found.metrics["latency_p95_s"] < 3.0


def test_same_inputs_same_result() -> None:
    one, two = (replay("dispersedledger", **SHORT) for _ in range(2))
    assert dict(one.metrics) == dict(two.metrics)


def test_hb_delivers_a_share_of_hb_link() -> None:
    hb, link = (replay("dispersedledger", variant=variant, **SHORT).metrics
                for variant in ("hb", "hb_link"))
    assert hb["throughput_bytes_per_s"] == pytest.approx(
        link["throughput_bytes_per_s"] * 11 / 16)


def test_host_work_costs_time_that_the_nic_gives_back() -> None:
    plain = DispersedLedgerOptions()
    nic = DispersedLedgerOptions.from_settings({"offload": "all", "nic_lanes": 64})
    for nodes, block in ((16, 2e6), (128, 1e6)):
        host, block_time = costs_of(plain, nodes, block), costs_of(nic, nodes, block)
        assert block_time.host_time == 0.0
        assert block_time.critical_time < host.critical_time
    slow = replay("dispersedledger", host_work=True, host_hash_bandwidth="20MB/s", **SHORT)
    fast = replay("dispersedledger", **SHORT)
    assert slow.metrics["epoch_time_s"] > fast.metrics["epoch_time_s"]


def test_refusals() -> None:
    with pytest.raises(TopologyError, match="4 to 256 sites"):
        replay("dispersedledger", "wan:regions=us-east-1+eu-west-1")
    with pytest.raises(OptionsError, match="variant"):
        replay("dispersedledger", variant="pbft")
    with pytest.raises(InputError, match="bandwidth trace"):
        registry.get("dispersedledger").replay(
            topologies.compile(topologies.wan("all")), "x", DispersedLedgerOptions())


def test_a_trace_of_other_sites_is_dealt_out_and_said() -> None:
    trace = generate_bandwidth({"a": 1e7, "b": 2e7}, 5)
    found = replay("dispersedledger", "wan", trace, duration="5s")
    assert any("dealt out" in note for note in found.notes)


def test_it_is_registered() -> None:
    assert "dispersedledger" in registry.names()
    assert rackwright.__version__
