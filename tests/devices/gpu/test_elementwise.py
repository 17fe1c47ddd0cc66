"""Copies and element-wise kernels."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog

GPU = catalog.gpu("h100-sxm")
METHODS = [GPU.norm_time, GPU.silu_mul_time, GPU.add_time]


def test_a_tiny_copy_takes_the_launch_floor():
    assert GPU.copy_time(1) == pytest.approx(GPU.pieces.floor_time, rel=1e-3)


def test_nothing_takes_no_time():
    assert GPU.copy_time(0) == GPU.in_place_time(0) == 0
    assert all(method(0, 4096) == method(7, 0) == 0 for method in METHODS)


def test_copies_grow_with_their_bytes():
    nbytes = np.unique(np.geomspace(1, 2**34, 5000).astype(int))
    assert np.all(np.diff(GPU.copy_time(nbytes)) > 0)
    assert np.all(np.diff(GPU.in_place_time(nbytes)) > 0)


@pytest.mark.parametrize("method", METHODS)
def test_pieces_grow_with_their_rows(method):
    assert np.all(np.diff(method(np.arange(1, 20_000), 4096)) > 0)


def test_large_copies_take_the_slow_path():
    rates = [2 * n / GPU.copy_time(n) / GPU.memory_bandwidth for n in (2**28, 2**29)]
    assert rates[0] == pytest.approx(0.89, abs=0.01) and rates[1] == pytest.approx(0.73, abs=0.01)


def test_small_working_sets_run_from_l2():
    assert 2 * 2**23 / (GPU.copy_time(2**23) - GPU.pieces.floor_time) > 1.8 * GPU.memory_bandwidth


def test_silu_mul_is_two_kernels():
    assert GPU.silu_mul_time(1, 64) == pytest.approx(2 * GPU.add_time(1, 64), rel=0.01)


def test_a_norm_walks_its_row():
    assert GPU.norm_time(1, 8192) - GPU.norm_time(1, 4096) == pytest.approx(4.7e-6, abs=0.2e-6)


def test_wider_types_take_longer():
    assert GPU.add_time(4096, 8192, "tf32") > 1.8 * GPU.add_time(4096, 8192, "bf16")


def test_power_goes_from_idle_to_full():
    assert GPU.power_watts(0) == 122.69 and GPU.power_watts(1) == pytest.approx(697.14)
    assert catalog.gpu("a100-sxm-80").power_watts(1) == 400
