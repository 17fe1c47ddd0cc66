"""PCIe in closed form, against its arithmetic and against one host."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError

GEN5 = catalog.pcie("gen5-x16")


@pytest.mark.parametrize("name, raw", [("gen5-x16", 63.0e9), ("gen4-x16", 31.5e9),
                                       ("gen3-x16", 15.75e9), ("gen2-x16", 8.0e9),
                                       ("gen4-x4", 7.877e9)])
def test_bytes_a_second_after_encoding(name, raw):
    part = catalog.pcie(name)
    assert part.rate_bps * part.encoding / 8 == pytest.approx(raw, rel=1e-3)


def test_headers_and_link_share_leave_the_measured_55():
    assert GEN5.bandwidth == pytest.approx(55.0e9, rel=2e-3)
    assert GEN5.link().bandwidth == GEN5.bandwidth


def test_each_generation_doubles_and_lanes_are_linear():
    g3, g4 = catalog.pcie("gen3-x16"), catalog.pcie("gen4-x16")
    assert GEN5.bandwidth == pytest.approx(2 * g4.bandwidth) == pytest.approx(4 * g3.bandwidth)
    for gen in (3, 4, 5):
        wide = catalog.pcie(f"gen{gen}-x16").bandwidth
        assert catalog.pcie(f"gen{gen}-x4").bandwidth == pytest.approx(wide / 4)


def test_half_the_payload_costs_more_header():
    import dataclasses

    small = dataclasses.replace(GEN5, max_payload_nbytes=128)
    assert small.bandwidth / GEN5.bandwidth == pytest.approx((128 / 152) / (256 / 280))


def test_small_copies_cost_the_floor_and_none_costs_none():
    assert GEN5.transfer_time(1) == GEN5.transfer_time(32_768) == GEN5.copy.h2d_floor_time
    assert GEN5.transfer_time(0) == 0
    assert GEN5.transfer_time(4096, direction="d2h") < GEN5.transfer_time(4096)


def test_copies_never_get_faster_and_never_beat_the_wire():
    nbytes = np.unique(np.geomspace(1, 2**34, 3000).astype(int))
    for direction in ("h2d", "d2h"):
        time = GEN5.transfer_time(nbytes, direction)
        assert np.all(np.diff(time) >= 0)
        assert np.all(time > nbytes * 8 / (GEN5.rate_bps * GEN5.encoding))


def test_shapes():
    assert GEN5.transfer_time([[1], [2]]).shape == (2, 1)
    assert type(GEN5.transfer_time(5)) is float


def test_what_is_refused():
    with pytest.raises(UnknownName, match="unknown direction 'up'. Known: d2h, h2d"):
        GEN5.transfer_time(1, "up")
    with pytest.raises(UsageError, match="nbytes must be whole numbers"):
        GEN5.transfer_time(-1)
    with pytest.raises(UnknownName, match="unknown operation"):
        GEN5.band("gemm")


def test_the_measured_host(rows):
    """Pinned, one way: 0.4 % median, 4 % worst over 1 KiB to 1 GiB."""
    found = [GEN5.transfer_time(int(row["bytes"]), row["direction"]) / (float(row["time_us"]) / 1e6)
             for row in rows("h100_x1/pcie.csv")
             if row["host_memory"] == "pinned" and row["direction"] in ("h2d", "d2h")]
    error = np.abs(np.array(found) - 1)
    assert len(error) == 42 and np.median(error) < 0.005 and error.max() < 0.045
