"""Kernels side by side on one GPU: demands from solo costs, slowdowns in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.gpu.sharing import gpu_ceilings, gpu_demand, gpu_share
from rackwright.engine.sharing import share_resources
from rackwright.errors import InputError, UnknownName, UsageError

GPU = catalog.gpu("h100-sxm")


def copy(nbytes: float) -> np.ndarray:
    """The demand of a copy within the GPU's memory: every byte is read and written."""
    return gpu_demand(GPU, GPU.copy_time(nbytes), 0, 2 * nbytes)


def product(m: int, n: int, k: int) -> np.ndarray:
    return gpu_demand(GPU, GPU.gemm_time(m, n, k), 2 * m * n * k, 2 * (m * k + k * n + m * n))


def test_a_large_copy_lives_on_memory_and_a_large_product_on_math() -> None:
    math, memory = copy(256 * 2**20)
    assert math == 0 and 0.9 < memory <= 1
    math, memory = product(4096, 8192, 8192)
    assert 0.7 < math <= 1 and memory < 0.2


def test_two_large_copies_take_about_twice_as_long() -> None:
    one = copy(256 * 2**20)
    assert gpu_share([one, one]) == pytest.approx([2 * one[1]] * 2)
    assert (gpu_share([one, one]) > 1.8).all()


def test_a_copy_beside_a_product_hardly_slows_it() -> None:
    """What they use together decides: math of one, memory of both."""
    both = np.array([copy(256 * 2**20), product(4096, 8192, 8192)])
    load = both.sum(axis=0).max()
    assert 1 < load < 1.2
    assert gpu_share(both) == pytest.approx([load, load])
    slow, fast = gpu_share(both, priority=[1, 0])
    assert fast == 1 and load < slow < 1.3


def test_small_kernels_do_not_fill_the_gpu() -> None:
    small = product(16, 768, 768)
    assert (small < 0.25).all()
    assert gpu_share([small] * 4).tolist() == [1] * 4


def test_a_stream_of_low_priority_gets_what_is_left() -> None:
    full = [0.0, 1.0]
    assert gpu_share([full, full], priority=[0, 1]).tolist() == [1, np.inf]
    assert gpu_share([[0.75, 0.0], [0.5, 0.0]], priority=[0, 1]).tolist() == [1, 2]


def test_slowdowns_are_those_of_whole_runs() -> None:
    demand = [[0.25, 1.0], [0.75, 0.5]]
    ends = share_resources(0.0, [1e-3, 2e-3], demand)
    assert ends[0] == pytest.approx(1e-3 * gpu_share(demand)[0])


def test_ceilings_are_the_best_that_operations_reach() -> None:
    flops, bandwidth = gpu_ceilings(GPU)
    assert 0.5 * GPU.peak_flops() < flops < GPU.peak_flops()
    assert 0.85 * GPU.memory_bandwidth < bandwidth < GPU.memory_bandwidth
    assert gpu_ceilings(GPU, "fp8")[0] > flops
    with pytest.raises(UnknownName):
        gpu_ceilings(GPU, "fp3")


def test_demands_broadcast_and_stay_within_0_and_1() -> None:
    peak = GPU.memory_bandwidth
    demand = gpu_demand(GPU, [[1.0], [2.0], [0.0]], 0, [0.0, 0.0])
    assert demand.shape == (3, 2, 2) and not demand.any()
    assert gpu_demand(GPU, 1.0, 0, peak).tolist() == [0.0, 1.0]  # above what is reached: all of it
    half = gpu_demand(GPU, 2.0, gpu_ceilings(GPU)[0], gpu_ceilings(GPU)[1])
    assert half == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(("call", "words"), [
    ((1.0, 1e16, 0), "a kernel of 1e.16 flops cannot take 1 s on h100-sxm, whose peak is"),
    ((1.0, 0, 1e13), "a kernel of 1e.13 nbytes cannot take 1 s .* only bytes that reach memory"),
    ((0.0, 1.0, 0), "a kernel of 1 flops cannot take 0 s"),
    ((-1.0, 0, 0), "solo_time must be finite numbers >= 0, not -1"),
    (([1.0] * 2, [0] * 3, 0), "solo_time, flops and nbytes do not go together")])
def test_work_beyond_the_part_is_refused(call: tuple[Any, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        gpu_demand(GPU, *call)


def test_a_mix_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="numbers of shape .jobs, resources. are needed"):
        gpu_share([1.0, 0.5])
