"""Copies, kernels in place, fills: floors, L2 and HBM, sizes that are slow."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName

GPU = catalog.gpu("h100-sxm")
METHODS = [GPU.copy_time, GPU.in_place_time, GPU.fill_time]
MIB = 2**20


def test_a_tiny_copy_takes_the_launch_floor():
    assert GPU.copy_time(1) == pytest.approx(GPU.pieces.floor_time, rel=1e-3)


def test_a_fill_waits_for_no_load():
    assert GPU.fill_time(1) == pytest.approx(GPU.pieces.fill_floor_time, rel=1e-3)
    assert GPU.fill_time(1) < GPU.copy_time(1)


@pytest.mark.parametrize("cache", ["cold", "warm"])
@pytest.mark.parametrize("method", METHODS)
def test_nothing_takes_no_time_and_more_takes_longer(method, cache):
    assert method(0, cache=cache) == 0
    nbytes = np.unique(np.geomspace(1, 500 * MIB, 5000).astype(int))
    assert np.all(np.diff(method(nbytes, cache=cache)) > 0)


@pytest.mark.parametrize("method", METHODS)
def test_cold_memory_takes_longer_until_l2_holds_none_of_it(method):
    nbytes = np.array([1, 16, 128, 256]) * MIB
    warm, cold = method(nbytes), method(nbytes, cache="cold")
    assert np.all(cold[:2] > warm[:2] + 1e-7)
    assert cold[3] == pytest.approx(warm[3], rel=1e-3)


def test_small_working_sets_run_from_l2():
    assert 16 * MIB / (GPU.copy_time(8 * MIB) - GPU.pieces.floor_time) > 1.8 * GPU.memory_bandwidth


def test_large_ones_run_at_most_of_the_memory_bandwidth():
    for method, touched in zip(METHODS, (2, 2, 1), strict=True):
        share = touched * 300 * MIB / method(300 * MIB) / GPU.memory_bandwidth
        assert 0.88 < share < 0.97


def test_multiples_of_512_mib_are_copied_slowly_and_no_other_size():
    share = {size: 2 * size * MIB / GPU.copy_time(size * MIB) / GPU.memory_bandwidth
             for size in (256, 384, 511, 512, 768, 1024, 1025, 2048)}
    for size, found in share.items():
        assert found == pytest.approx(0.727 if size % 512 == 0 else 0.893, abs=0.01), size


def test_kernels_in_place_have_no_slow_sizes():
    near = GPU.in_place_time(np.array([511, 512, 513]) * MIB)
    assert np.diff(near) == pytest.approx(np.diff(near)[0], rel=1e-3)


def test_residences_have_names():
    with pytest.raises(UnknownName, match=r"residence of memory 'l2'.*cold, warm"):
        GPU.copy_time(5, cache="l2")
