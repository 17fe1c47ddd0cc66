"""`fidelity="cycle"` of adapters against their closed form."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.nic import CycleNic, CycleSmartNic, pipeline_of
from rackwright.errors import UnknownName

SIZES = np.array([0, 1, 64, 256, 1000, 1500, 4096, 4097, 9000, 65536, 10**6, 10**8])


@pytest.mark.parametrize("name", [*catalog.names("nic"), *catalog.names("smart-nic")])
def test_both_agree_over_a_sweep_of_sizes(name):
    closed, cycle = catalog.get(name), catalog.get(name, "cycle")
    assert isinstance(cycle, CycleNic | CycleSmartNic)
    expected = closed.message_time(SIZES)
    pcie = catalog.pcie(closed.pcie).bandwidth
    if pcie < closed.rate_bps / 8:  # then only the pipeline knows of the slower side
        expected = np.maximum(expected, closed.latency_time + SIZES / pcie)
    off = np.abs(cycle.message_time(SIZES) - expected)
    assert (off <= 0.01 * expected).all()


def test_messages_longer_than_the_replay_go_on_at_its_pace():
    cycle = catalog.nic("connectx-6", "cycle")
    nbytes = 4096 * 20_000
    assert cycle.message_time(nbytes) == pytest.approx(
        catalog.nic("connectx-6").message_time(nbytes), rel=5e-4)


def test_scalars_and_shapes():
    cycle = catalog.nic("connectx-6", "cycle")
    assert isinstance(cycle.message_time(64), float)
    assert cycle.message_time([[64, 64], [1, 0]]).shape == (2, 2)
    assert cycle.message_time([64, 1])[0] == cycle.message_time(64)


def test_a_path_that_is_none():
    with pytest.raises(UnknownName, match="unknown packet path 'sideways'"):
        pipeline_of(catalog.nic("connectx-6"), "sideways")


def test_the_message_rate_bounds_small_packets():
    pipeline = pipeline_of(catalog.nic("connectx-6"))
    assert pipeline.bottleneck(64) == "match"
    assert pipeline.packet_rate(64) == pytest.approx(200e6)  # 215 M/s in whole cycles of 1 ns


@pytest.mark.parametrize("nbytes", [64, 128, 512, 1500, 9000])
@pytest.mark.parametrize("name", ["e2000", "e2200", "efa-p5"])
def test_nothing_inside_bounds_packets_at_line_rate(name, nbytes):
    part = catalog.get(name)
    pipeline = pipeline_of(part)
    assert pipeline.bottleneck(nbytes) == "egress"
    assert pipeline.packet_rate(nbytes) == pytest.approx(
        part.rate_bps / 8 / (nbytes + 20), rel=0.03)
