"""DRAM channels and processors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError

DDR4 = catalog.memory("ddr4-3200-8ch")
MILAN = catalog.cpu("epyc-7763")


@pytest.mark.parametrize("name", catalog.names("memory"))
def test_peak_is_channels_times_transfers_times_width(name):
    part = catalog.memory(name)
    assert part.peak_bandwidth == pytest.approx(part.bandwidth, rel=0.001)
    assert part.random_bandwidth(64) <= part.stream_bandwidth < part.peak_bandwidth


def test_random_accesses_are_bound_by_rows_then_by_the_bus():
    grains = np.array([64, 128, 256, 1024, 8192])
    found = DDR4.random_bandwidth(grains)
    # a rank opens 4 rows in 10 ns, a bank one in 45.75 ns: 2 x 16 banks bind 8 channels
    assert found[0] == pytest.approx(min(8 * 32 / 45.75e-9 * 64, DDR4.stream_bandwidth))
    assert (np.diff(found) >= 0).all() and found[-1] == DDR4.stream_bandwidth
    few = dataclasses.replace(DDR4, ranks=1, banks=8)
    assert few.random_bandwidth(64) == pytest.approx(8 * 8 / 45.75e-9 * 64)
    slow = dataclasses.replace(DDR4, ranks=1, activate_window_time=40e-9)
    assert slow.random_bandwidth(64) == pytest.approx(8 * 4 / 40e-9 * 64)


def test_few_outstanding_accesses_follow_littles_law():
    latency = DDR4.latency_time + 64 * DDR4.channels / DDR4.stream_bandwidth
    assert DDR4.random_bandwidth(64, 10) == pytest.approx(10 * 64 / latency)
    assert DDR4.random_bandwidth(64, 10**6) == DDR4.random_bandwidth(64)


def test_access_time():
    assert DDR4.access_time(10**9) == pytest.approx(1e9 / DDR4.stream_bandwidth)
    few = dataclasses.replace(DDR4, ranks=1, banks=8)
    assert few.access_time(1000, "random") == pytest.approx(
        1024 / few.random_bandwidth(64))  # whole accesses
    assert DDR4.access_time(0, "random") == 0


def test_one_core_streams_less_than_all():
    assert MILAN.stream_bandwidth(1) == MILAN.core_bandwidth
    assert MILAN.stream_bandwidth() == pytest.approx(0.81 * 204.8e9)
    assert (np.diff(MILAN.stream_bandwidth(np.arange(1, 65))) >= 0).all()
    assert MILAN.copy_time(10**9, 1) == 2 * MILAN.stream_time(10**9, 1)


def test_clocks_fall_from_boost_to_base():
    assert (MILAN.clock_hz(), MILAN.clock_hz(64)) == (3.5e9, 2.45e9)
    assert (np.diff(MILAN.clock_hz(np.arange(1, 65))) < 0).all()
    assert dataclasses.replace(MILAN, boost_hz=None).clock_hz() == 2.45e9


def test_work_is_as_slow_as_cores_or_memory():
    assert MILAN.work_time(64.0) == pytest.approx(1.0)
    assert MILAN.work_time(64.0, cores=8) == pytest.approx(8.0)
    assert MILAN.work_time(1e-3, 10**12) == MILAN.stream_time(10**12)


@pytest.mark.parametrize("call, error, says", [
    (lambda: MILAN.stream_time(1, 65), UsageError, "has 64 cores: cores must be from 1 to 64"),
    (lambda: MILAN.copy_time(-1), UsageError, "nbytes must be"),
    (lambda: MILAN.work_time(-1.0), UsageError, "core_seconds must be finite"),
    (lambda: DDR4.access_time(1, "zigzag"), UnknownName, "unknown access pattern 'zigzag'"),
    (lambda: DDR4.random_bandwidth(0), UsageError, "grain must be 1 or more"),
    (lambda: DDR4.random_bandwidth(64, 0), UsageError, "outstanding must be 1 or more"),
    (lambda: dataclasses.replace(DDR4, banks=None).random_bandwidth(), UsageError,
     "says no banks"),
])
def test_what_makes_no_sense_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_a_million_shapes_are_one_call():
    n = np.arange(1, 1_000_001)
    for times in (MILAN.copy_time(n), MILAN.work_time(n * 1e-9, n), DDR4.access_time(n, "random"),
                  catalog.nvme("kioxia-cm6").io_time(n, 8)):
        assert times.shape == n.shape and (np.diff(times) >= 0).all()
