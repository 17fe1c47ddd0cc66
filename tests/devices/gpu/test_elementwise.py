"""Element-wise kernels: sums, activations, gates."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.gpu.elementwise import kernel_seconds
from rackwright.errors import UnknownName

GPU, FAST = catalog.gpu("h100-sxm"), catalog.gpu("h200-sxm")
METHODS = [GPU.silu_mul_time, GPU.add_time, GPU.activation_time,
           lambda tokens, dim: GPU.activation_time(tokens, dim, "relu")]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_takes_no_time_and_rows_cost(method):
    assert method(0, 4096) == method(7, 0) == 0
    assert np.all(np.diff(method(np.arange(1, 20_000), 4096)) > 0)


def test_silu_mul_is_two_kernels():
    assert GPU.silu_mul_time(1, 64) == pytest.approx(
        GPU.activation_time(1, 64, "silu") + GPU.add_time(1, 64), rel=1e-3)


def test_a_relu_is_a_copy_in_bytes():
    assert GPU.activation_time(4096, 4096, "relu") == pytest.approx(GPU.copy_time(2**25), rel=1e-3)


def test_gelu_hides_behind_memory_unless_that_is_fast():
    for gpu, low, high in ((GPU, 1.0, 1.1), (FAST, 1.2, 1.5)):
        slower = gpu.activation_time(16384, 8192, "gelu") / gpu.activation_time(16384, 8192, "relu")
        assert low < slower < high


def test_wider_types_take_longer():
    assert GPU.add_time(4096, 8192, "tf32") > 1.8 * GPU.add_time(4096, 8192, "bf16")
    assert GPU.activation_time(4096, 8192, dtype="tf32") > 1.5 * GPU.activation_time(4096, 8192)


def test_kernels_of_nothing_in_particular_are_sums():
    """`kernel_seconds` of three parts is a sum of two inputs."""
    nbytes = np.array([6, 6000, 3 * 2**21, 3 * 2**27])
    assert kernel_seconds(GPU, nbytes) == pytest.approx(GPU.add_time(nbytes // 6, 1), rel=1e-9)
    assert kernel_seconds(GPU, nbytes[:2], 2) == pytest.approx(2 * kernel_seconds(GPU, nbytes[:2]),
                                                               rel=1e-3)


def test_activations_have_names():
    with pytest.raises(UnknownName, match=r"activation 'gelo'.*gelu, relu, silu"):
        GPU.activation_time(1, 1, "gelo")
