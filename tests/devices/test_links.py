"""Links and switches of the catalog: shares, times, and both fidelities."""

from __future__ import annotations

import dataclasses

import pytest

from rackwright.devices import Link, catalog
from rackwright.devices.link_part import LinkPart
from rackwright.errors import UnknownName, UsageError

LINKS, SWITCHES = catalog.names("link"), catalog.names("switch")
NVLINKS = [name for name in LINKS if name.startswith("nvlink")]


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


@pytest.mark.parametrize("name", [name for name in catalog.names("link") if "ethernet" in name])
def test_ethernet_leaves_what_its_headers_leave(name):
    preamble, gap, ethernet, fcs, ip, udp, bth, icrc = 8, 12, 14, 4, 20, 8, 12, 4
    headers = preamble + gap + ethernet + fcs + ip + udp + bth + icrc
    assert catalog.link(name).efficiency == pytest.approx(4096 / (4096 + headers), abs=5e-5)


@pytest.mark.parametrize("name", catalog.names("link") + catalog.names("pcie"))
def test_links_carry_what_a_topology_needs(name):
    link = catalog.link(name)
    assert link.kind in ("nvlink", "ethernet", "infiniband", "pcie")
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


@pytest.mark.parametrize("name", LINKS)
def test_the_part_file_and_the_model_agree_on_the_bandwidth(name):
    part = catalog.get(name)
    long = (1 << 32) / (part.transfer_time(1 << 32) - part.latency_time)
    assert long == pytest.approx(part.link().bandwidth, rel=1e-3)


@pytest.mark.parametrize("name", NVLINKS)
def test_lanes_times_links_are_the_rate(name):
    part = catalog.get(name)
    lines = part.lanes * part.lane_rate_bps * part.coding * part.links
    assert lines == pytest.approx(part.rate_bps, rel=0.032 if name == "nvlink2" else 1e-9)


@pytest.mark.parametrize("name, links", [("nvlink1", 4), ("nvlink2", 6), ("nvlink3", 12),
                                         ("nvlink4", 18), ("nvlink5", 18)])
def test_links_of_a_gpu(name, links):
    assert catalog.get(name).links == links


@pytest.mark.parametrize("name, measured", [("nvlink1", 73.06e9), ("nvlink2", 143.71e9)])
def test_older_generations_reach_what_dell_measured(name, measured):
    assert catalog.link(name).bandwidth == pytest.approx(measured, rel=2e-3)


@pytest.mark.parametrize("name", LINKS)
def test_both_fidelities_of_links(name):
    closed, cycle = catalog.get(name), catalog.get(name, "cycle")
    sizes = [0, 1, 256, 100_000, 3_000_000]
    assert cycle.transfer_time(sizes) == pytest.approx(closed.transfer_time(sizes), rel=2e-3)
    assert closed.content_hash != cycle.content_hash
    assert catalog.link(name, "cycle").transfer_time(100_000) == cycle.transfer_time(100_000)


@pytest.mark.parametrize("name", SWITCHES)
def test_both_fidelities_of_switches(name):
    closed, cycle = catalog.switch(name), catalog.switch(name, "cycle")
    for nbytes in (0, 5_000, 1_000_000):
        assert cycle.transfer_time(nbytes) == pytest.approx(closed.transfer_time(nbytes), rel=2e-3)
        assert cycle.incast_time(3, nbytes) == pytest.approx(closed.incast_time(3, nbytes),
                                                             rel=2e-3)
    assert closed.incast_time(3, 10**9) == pytest.approx(3 * closed.transfer_time(10**9), rel=1e-3)


def test_sizes_far_beyond_what_is_run_step_by_step():
    size = (1 << 42) + 12_345
    for name in ("nvlink5", "ethernet-400g", "infiniband-ndr"):
        closed, cycle = catalog.get(name), catalog.get(name, "cycle")
        assert cycle.transfer_time(size) == pytest.approx(closed.transfer_time(size), rel=2e-3)
    closed, cycle = (catalog.switch("spectrum-2", fidelity) for fidelity in ("analytic", "cycle"))
    assert cycle.incast_time(2, size) == pytest.approx(closed.incast_time(2, size), rel=1e-4)


def test_switches_for_nvlinks_say_the_same_as_the_links():
    for name in NVLINKS:
        part = catalog.get(name)
        planes = [catalog.switch(plane) for plane in SWITCHES
                  if catalog.switch(plane).nvlink == name]
        assert name == "nvlink1" or planes
        for plane in planes:
            each = plane.port_links or part.links
            assert plane.rate_bps == pytest.approx(part.rate_bps * each / part.links)
            assert part.switch_latency_time in (None, plane.latency_time)


def test_a_link_that_was_changed_no_longer_follows_its_part():
    link = catalog.link("nvlink4")
    twice = dataclasses.replace(link, rate_bps=2 * link.rate_bps)
    assert twice.transfer_time(1 << 30) == pytest.approx(
        link.latency_time + (1 << 30) / twice.bandwidth)
    with pytest.raises(UsageError, match="no model of traffic patterns"):
        twice.p2p_time("single", 1)
    plain = Link("wire", "copper", 8e9, 0.5, 1e-6)
    assert plain.transfer_time([0, 500]).tolist() == [0.0, 1e-6 + 1e-6]


def test_other_media_have_latency_and_bandwidth():
    part = LinkPart(name="x", kind="link", medium="xgmi", rate_bps=8e9, efficiency=0.5,
                    latency_time=1e-6)
    assert part.transfer_time(500) == pytest.approx(2e-6)
    with pytest.raises(UsageError, match=r"x \(xgmi\) has no NVLink model"):
        part.p2p_time("single", 1)
    with pytest.raises(UsageError, match="frames are for ethernet"):
        part.framing()


@pytest.mark.parametrize("call, error, text", [
    (lambda: catalog.get("nvlink6"), UnknownName, "unknown part 'nvlink6'"),
    (lambda: catalog.link("nvlink6"), UnknownName, "Did you mean 'nvlink5'"),
    (lambda: catalog.link("nvlink4").transfer_time(-1), UsageError, "nbytes must be whole"),
    (lambda: catalog.link("ethernet-400g").transfer_time(0.5), UsageError, "nbytes must be whole"),
    (lambda: catalog.link("nvlink4").p2p_time("gossip", 1), UnknownName, "traffic pattern"),
    (lambda: catalog.link("nvlink2").p2p_time("incast2", 1), UsageError, "two GPUs"),
    (lambda: catalog.link("ethernet-400g").p2p_time("single", 1), UsageError, "no NVLink model"),
    (lambda: catalog.link("gen5-x16").p2p_time("single", 1), UsageError, "no model of traffic"),
    (lambda: catalog.switch("spectrum-4").incast_time(64, 1), UsageError, "1 to 63"),
    (lambda: catalog.switch("spectrum-4").incast_time(0, 1), UsageError, "1 to 63"),
    (lambda: catalog.switch("spectrum-4").incast_time(2, -1), UsageError, "nbytes must be"),
    (lambda: catalog.switch("nvswitch3").framing(), UsageError, "nvlink switch"),
    (lambda: catalog.switch("spectrum-4").bundle(), UsageError, "names no NVLink"),
    (lambda: catalog.link("ethernet-400g", "flit"), UnknownName, "fidelity of ethernet-400g"),
])
def test_impossible_arguments(call, error, text):
    with pytest.raises(error, match=text):
        call()
