"""PCIe in closed form: its arithmetic, limits and directions of change."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.pcie.closed import (
    duplex_bandwidth,
    read_bandwidth,
    read_time,
    write_bandwidth,
    write_time,
)
from rackwright.errors import CatalogError, UnknownName, UsageError

GEN5 = catalog.pcie("gen5-x16")
EVERY = catalog.names("pcie")


def test_thirty_connections():
    assert EVERY == tuple(sorted(f"gen{generation}-x{lanes}" for generation in range(1, 7)
                                 for lanes in (1, 2, 4, 8, 16)))


@pytest.mark.parametrize("name, raw", [("gen5-x16", 63.0e9), ("gen4-x16", 31.5e9),
                                       ("gen3-x16", 15.75e9), ("gen2-x16", 8.0e9),
                                       ("gen4-x4", 7.877e9), ("gen1-x1", 0.25e9),
                                       ("gen6-x16", 128e9)])
def test_bytes_a_second_after_encoding(name, raw):
    part = catalog.pcie(name)
    assert part.rate_bps * part.encoding / 8 == pytest.approx(raw, rel=1e-3)


@pytest.mark.parametrize("name", EVERY)
def test_a_part_is_what_its_name_says_and_only_one_is_calibrated(name):
    part = catalog.pcie(name)
    assert name == f"gen{part.generation}-x{part.lanes}"
    assert (part.band()[0] == "calibrated") == (name == "gen5-x16")
    assert part.lanes == catalog.pcie(name, fidelity="cycle").lanes


def test_headers_and_link_share_leave_the_measured_55():
    assert GEN5.bandwidth == pytest.approx(55.1e9, rel=2e-3)
    assert GEN5.link().bandwidth == GEN5.bandwidth


@pytest.mark.parametrize("name", EVERY)
def test_the_protocol_carries_what_the_part_says(name):
    """Copies' rate and the TLPs' rates differ by DLLPs and headers of completions only."""
    part = catalog.pcie(name)
    setup = part.setup()
    assert write_bandwidth(setup) == pytest.approx(part.bandwidth, rel=0.02)
    assert read_bandwidth(setup) == pytest.approx(part.bandwidth, rel=0.05)


def test_each_generation_doubles_and_lanes_are_linear():
    g3, g4 = catalog.pcie("gen3-x16"), catalog.pcie("gen4-x16")
    assert GEN5.bandwidth == pytest.approx(2 * g4.bandwidth) == pytest.approx(4 * g3.bandwidth)
    for gen in (3, 4, 5, 6):
        wide = catalog.pcie(f"gen{gen}-x16").bandwidth
        assert catalog.pcie(f"gen{gen}-x4").bandwidth == pytest.approx(wide / 4)


def test_half_the_payload_costs_more_header():
    small = dataclasses.replace(GEN5, max_payload_nbytes=128)
    assert small.bandwidth / GEN5.bandwidth == pytest.approx((128 / 152) / (256 / 280))
    assert write_bandwidth(small.setup()) / write_bandwidth(GEN5.setup()) == pytest.approx(
        (128 / 152) / (256 / 280))


def test_completions_cut_at_64_bytes_cost_a_header_each():
    whole, cut = GEN5.setup(), GEN5.setup(completion_nbytes=64)
    ratio = read_bandwidth(cut) / read_bandwidth(whole)
    assert ratio == pytest.approx((64 / 84) / (256 / 276), rel=0.01)


def test_an_address_off_the_boundary_costs_a_tlp():
    aligned, off = (write_time(GEN5.setup(), 256, at) for at in (0, 1))
    assert off - aligned == pytest.approx(24 * GEN5.setup().byte_time, rel=0.01)
    assert read_time(GEN5.setup(), 4096, 100) > read_time(GEN5.setup(), 4096, 0)


def test_the_shortest_read_is_a_round_trip():
    setup = GEN5.setup()
    wire = setup.tlp_time(1) + setup.tlp_time(2, 4)
    assert read_time(setup, 4) == pytest.approx(2 * GEN5.latency_time + wire)
    assert write_time(setup, 4) == pytest.approx(GEN5.latency_time + setup.tlp_time(0, 4))


@pytest.mark.parametrize("change", [
    {"tags": 1}, {"posted_headers": 8}, {"nonposted_headers": 1}, {"link_time": 5e-7},
    {"host_bandwidth": 1e10}, {"ecrc": True}, {"bit_error_rate": 1e-6}, {"wire_share": 0.5},
    {"replay_tlps": 8}, {"completion_nbytes": 64}, {"max_payload_nbytes": 128}])
def test_nothing_worse_is_faster(change):
    n = np.array([1, 300, 4096, 70_000, 1 << 20])
    setup = GEN5.setup(wire_share=1.0)
    for form in (read_time, write_time):
        assert np.all(form(setup.replace(**change), n) >= form(setup, n) * (1 - 1e-9))


def test_both_ways_at_once_cost_both():
    reads, writes = duplex_bandwidth(GEN5.setup())
    assert 0.97 * read_bandwidth(GEN5.setup()) < reads < read_bandwidth(GEN5.setup())
    assert 0.93 * write_bandwidth(GEN5.setup()) < writes < 0.97 * write_bandwidth(GEN5.setup())


@pytest.mark.parametrize("name", EVERY)
def test_times_never_fall_and_never_beat_the_wire(name):
    part = catalog.pcie(name)
    n = np.unique(np.geomspace(1, 2**34, 500).astype(int))
    wire = n * 8 / (part.rate_bps * part.encoding)
    for time_ in (part.transfer_time(n, "h2d"), part.transfer_time(n, "d2h"), part.read_time(n),
                  part.write_time(n)):
        assert np.all(np.diff(time_) >= -1e-15) and np.all(time_ > wire)


def test_shapes_and_nothing():
    assert GEN5.transfer_time([[1], [2]]).shape == (2, 1)
    assert GEN5.read_time([[1], [2]], [0, 1, 2]).shape == (2, 3)
    assert type(GEN5.transfer_time(5)) is float is type(GEN5.write_time(5))
    assert GEN5.transfer_time(0) == GEN5.read_time(0) == GEN5.write_time(0) == 0
    assert GEN5.duplex_time(0) == 0



@pytest.mark.parametrize("call, error, says", [
    (lambda: GEN5.transfer_time(1, "up"), UnknownName, "unknown direction 'up'. Known: both, d2h"),
    (lambda: GEN5.transfer_time(1, host_memory="paged"), UnknownName,
     "unknown host memory 'paged'. Did you mean 'pageable'? Known: pageable, pinned"),
    (lambda: GEN5.transfer_time(1, "both", host_memory="pageable"), UsageError,
     "for pinned memory only"),
    (lambda: GEN5.transfer_time(-1), UsageError, "nbytes must be whole numbers >= 0, not -1"),
    (lambda: GEN5.read_time(1, max_payload_nbytes=100), UsageError, "max_payload_nbytes is 100"),
    (lambda: GEN5.read_time(1.5), UsageError, "nbytes must be whole numbers"),
    (lambda: GEN5.band("gemm"), UnknownName, "unknown operation"),
    (lambda: catalog.pcie("gen7-x16"), UnknownName, "unknown PCIe part 'gen7-x16'"),
    (lambda: catalog.pcie("gen5-x3"), UnknownName, "unknown PCIe part 'gen5-x3'"),
    (lambda: dataclasses.replace(GEN5, generation=7), CatalogError, "gen5-x16: generation is 7"),
    (lambda: dataclasses.replace(GEN5, lanes=3), CatalogError, "gen5-x16: lanes is 3"),
    (lambda: dataclasses.replace(GEN5, generation=4), CatalogError, "lane_rate is 32 GT/s; PCIe 4"),
])
def test_what_is_refused(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert says in str(caught.value) and "\n" not in str(caught.value)
