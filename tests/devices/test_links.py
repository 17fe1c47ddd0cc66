"""NVLink and Ethernet: shares that come from measurements and from frame arithmetic."""

from __future__ import annotations

import pytest

from rackwright.devices import catalog


def seconds(rows, pattern, nbytes):
    return next(float(row["time_us"]) * 1e-6 for row in rows("h100_x4/p2p.csv")
                if (row["pattern"], int(row["bytes"])) == (pattern, nbytes))


def test_nvlink4_has_the_share_that_was_measured(rows):
    link = catalog.link("nvlink4")
    assert link.rate_bps / 8 == 450e9
    slope = (2**30 - 2**28) / (seconds(rows, "single", 2**30) - seconds(rows, "single", 2**28))
    assert link.bandwidth == pytest.approx(slope, rel=0.002)


def test_the_receivers_port_is_the_limit(rows):
    for pattern, senders in (("incast2", 2), ("incast3", 3)):
        rate = senders * 2**30 / seconds(rows, pattern, 2**30)
        assert rate == pytest.approx(catalog.link("nvlink4").bandwidth, rel=0.005)


def test_nvlink3_is_the_250_that_papers_take():
    assert catalog.link("nvlink3").bandwidth == pytest.approx(250e9, rel=0.01)


@pytest.mark.parametrize("name", ["ethernet-100g", "ethernet-200g", "ethernet-400g"])
def test_ethernet_leaves_what_its_headers_leave(name):
    preamble, gap, ethernet, fcs, ip, udp, bth, icrc = 8, 12, 14, 4, 20, 8, 12, 4
    headers = preamble + gap + ethernet + fcs + ip + udp + bth + icrc
    assert catalog.link(name).efficiency == pytest.approx(4096 / (4096 + headers), abs=5e-5)


@pytest.mark.parametrize("name", catalog.names("link") + catalog.names("pcie"))
def test_links_carry_what_a_topology_needs(name):
    link = catalog.link(name)
    assert link.kind in ("nvlink", "ethernet", "pcie")
    assert 0.5 < link.efficiency <= 1 and link.rate_bps > 0 and 0 < link.latency_time < 1e-6
    assert link.source and link.content_hash and link.bandwidth < link.rate_bps / 8


@pytest.mark.parametrize("gpu", catalog.names("gpu"))
def test_a_gpus_switch_has_ports_as_fast_as_its_links(gpu):
    part = catalog.gpu(gpu)
    if part.nvswitch:
        assert catalog.switch(part.nvswitch).rate_bps == catalog.link(part.nvlink).rate_bps


def test_what_forwards_says_how_long_it_takes():
    for kind in ("nic", "smart-nic", "switch", "pcie-switch", "cpu"):
        assert all(0 < catalog.get(name).latency_time < 1e-5 for name in catalog.names(kind))


def test_a_message_leaves_after_latency_and_line_rate():
    nic = catalog.nic("connectx-6")
    assert nic.message_time(0) == nic.latency_time
    assert nic.message_time(25_000_000) == pytest.approx(600e-9 + 1e-3)
