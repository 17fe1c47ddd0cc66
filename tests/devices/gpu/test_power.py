"""Board power by kind of work, and energy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError

GPU = catalog.gpu("h100-sxm")
WORKS = ("idle", "copy", "decode", "prefill", "gemm_bf16", "gemm_fp8")


def test_power_goes_from_idle_to_matrix_products():
    assert GPU.power_watts(0) == 122.69 and GPU.power_watts(1) == pytest.approx(697.14)
    assert GPU.power_watts(0.5) == pytest.approx((122.69 + 697.14) / 2)
    assert catalog.gpu("a100-sxm-80").power_watts(1) == 400


def test_memory_bound_work_draws_less():
    watts = [GPU.power_watts(1, work) for work in ("idle", "copy", "decode", "gemm_bf16")]
    assert watts == sorted(watts) and watts[1] == 508.65


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("name", catalog.names("gpu"))
def test_no_board_draws_much_more_than_its_limit(name, work):
    gpu = catalog.gpu(name)
    assert gpu.idle_watts <= gpu.power_watts(1, work) <= gpu.tdp_watts


def test_unmeasured_parts_draw_by_bytes_and_up_to_the_limit():
    """The measured H100 itself, with its figures taken away: within 4 %."""
    bare = dataclasses.replace(GPU, decode_watts=None, prefill_watts=None, matrix_watts=None,
                               matrix_fp8_watts=None)
    for work in ("decode", "prefill", "gemm_bf16", "gemm_fp8"):
        assert bare.power_watts(1, work) == pytest.approx(GPU.power_watts(1, work), rel=0.04), work


def test_energy_is_power_times_time():
    assert GPU.energy_joules("decode", 2.0) == pytest.approx(2 * 618.07)
    assert np.all(GPU.energy_joules("idle", [0, 1]) == [0, 122.69])
    assert GPU.energy_joules("copy", 1) < GPU.tdp_watts


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match=r"busy must be a share from 0 to 1, not 1\.5"):
        GPU.power_watts(1.5)
    with pytest.raises(UnknownName, match=r"kind of work 'gaming'.*copy, decode"):
        GPU.energy_joules("gaming", 1)
    with pytest.raises(UsageError, match="seconds must be finite and >= 0, not -1"):
        GPU.energy_joules("idle", -1)
