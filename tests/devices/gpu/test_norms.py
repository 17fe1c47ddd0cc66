"""Norms and softmax: rows walked, rows beside each other, memory."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName

GPU = catalog.gpu("h100-sxm")
METHODS = [GPU.norm_time, lambda *a, **k: GPU.norm_time(*a, kind="rms", **k), GPU.softmax_time]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_takes_no_time_and_rows_cost(method):
    assert method(0, 4096) == method(7, 0) == 0
    assert np.all(np.diff(method(np.arange(1, 20_000), 4096)) > 0)
    assert np.all(np.diff(method(300, np.arange(2100, 9000, 100))) > 0)


@pytest.mark.parametrize("method", METHODS)
def test_never_below_the_memory(method):
    nbytes = 2 * 2 * 16384 * 8192
    assert method(16384, 8192) > nbytes / GPU.memory_bandwidth


@pytest.mark.parametrize("method", METHODS)
def test_cold_rows_wait_for_memory(method):
    assert method(8, 4096, cache="cold") > method(8, 4096) + 1e-7


def test_a_norm_walks_its_row():
    clocks = 4096 * GPU.pieces.layer_norm_clocks
    assert GPU.norm_time(1, 8192) - GPU.norm_time(1, 4096) == pytest.approx(
        clocks / GPU.clock_hz, rel=1e-3)


def test_an_rms_norm_does_less_than_a_layer_norm():
    assert GPU.norm_time(64, 4096, kind="rms") < 0.8 * GPU.norm_time(64, 4096)


def test_few_rows_cost_what_one_does():
    assert GPU.norm_time(64, 4096) < 1.05 * GPU.norm_time(1, 4096)
    assert GPU.norm_time(8192, 4096) > 5 * GPU.norm_time(1, 4096)


def test_softmax_changes_its_kernel_after_2048_elements():
    """A row in a warp's registers takes longer than a longer one with a block (7.9, 2.8 us)."""
    assert GPU.softmax_time(1, 2048) * 1e6 == pytest.approx(7.91, rel=0.1)
    assert GPU.softmax_time(1, 4096) * 1e6 == pytest.approx(2.84, rel=0.1)
    assert GPU.softmax_time(1, 2048) > 2 * GPU.softmax_time(1, 2049)


def test_softmax_of_long_rows_has_an_sm_for_each():
    one, all_sms, twice = GPU.softmax_time([1, 132, 1320], 4096)
    assert all_sms < 1.8 * one and twice > 4 * all_sms


def test_norms_have_names():
    with pytest.raises(UnknownName, match=r"norm 'batch'.*layer, rms"):
        GPU.norm_time(1, 1, kind="batch")
