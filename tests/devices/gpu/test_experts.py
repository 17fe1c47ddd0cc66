"""One expert, and the experts of a layer in grouped kernels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UsageError

GPU = catalog.gpu("h100-sxm")
HIDDEN, FFN = 4096, 14336
WEIGHTS = 3 * HIDDEN * FFN * 2


def test_an_expert_is_more_than_its_products():
    products = GPU.gemm_time(64, 2 * FFN, HIDDEN) + GPU.gemm_time(64, HIDDEN, FFN)
    assert products < GPU.expert_time(64, HIDDEN, FFN) < 1.15 * products


def test_one_token_costs_the_weights():
    assert 1.0 < GPU.expert_time(1, HIDDEN, FFN) / (WEIGHTS / GPU.memory_bandwidth) < 1.35


def test_no_tokens_no_time():
    assert GPU.expert_time(0, HIDDEN, FFN) == 0
    assert GPU.moe_time([0, 0], HIDDEN, FFN) == 0


def test_more_tokens_are_not_faster():
    tokens = np.arange(1, 3000)
    assert np.all(np.diff(GPU.expert_time(tokens, HIDDEN, FFN)) >= 0)
    layer = np.stack([tokens, np.full_like(tokens, 7)], axis=-1)
    assert np.all(np.diff(GPU.moe_time(layer, HIDDEN, FFN)) >= 0)


def test_idle_experts_cost_nothing():
    assert GPU.moe_time([9, 0, 0, 40], HIDDEN, FFN) == GPU.moe_time([9, 40], HIDDEN, FFN)


def test_the_order_of_experts_does_not_matter():
    assert GPU.moe_time([3, 70, 11], HIDDEN, FFN) == pytest.approx(
        GPU.moe_time([70, 11, 3], HIDDEN, FFN), rel=1e-12)


def test_every_active_expert_brings_its_weights():
    times = [GPU.moe_time([8] * count, HIDDEN, FFN) for count in (8, 16, 32, 64)]
    steps = np.diff(times) / np.array([8, 16, 32])
    # measured: 2.3 to 2.8 TB/s of 3.35; an SM has only so many bytes under way
    assert np.all(steps > WEIGHTS / (0.87 * GPU.memory_bandwidth))
    assert np.all(steps < WEIGHTS / (0.68 * GPU.memory_bandwidth))


def test_grouped_products_gain_little_from_a_faster_memory():
    """As measured: the H200 reads the same weights hardly faster than the H100."""
    fast = dataclasses.replace(GPU, memory_bandwidth=4.8e12)
    tokens = [16] * 8
    assert 1.0 < GPU.moe_time(tokens, HIDDEN, FFN) / fast.moe_time(tokens, HIDDEN, FFN) < 1.15
    assert GPU.gemm_time(16, HIDDEN, FFN) / fast.gemm_time(16, HIDDEN, FFN) > 1.3


def test_rows_are_padded_to_tiles():
    assert GPU.moe_time([1, 1], HIDDEN, FFN) == pytest.approx(
        GPU.moe_time([128, 128], HIDDEN, FFN), rel=0.1)
    assert GPU.moe_time([1024, 1024], HIDDEN, FFN) > 1.5 * GPU.moe_time([512, 512], HIDDEN, FFN)


def test_a_skewed_layer_is_no_faster_than_an_even_one_when_math_counts():
    even, skewed = [2048] * 8, [9216, 1024, 1024, 1024, 1024, 1024, 1024, 1024]
    assert sum(even) == sum(skewed)
    assert GPU.moe_time(skewed, HIDDEN, FFN) == pytest.approx(GPU.moe_time(even, HIDDEN, FFN),
                                                             rel=0.02)


def test_many_small_experts_gain_from_grouping():
    """Large ones do not: their weights take as long either way."""
    small, large = [16] * 64, [16] * 8
    assert GPU.moe_time(small, 2048, 1408) < 0.5 * 64 * GPU.expert_time(16, 2048, 1408)
    assert GPU.moe_time(large, HIDDEN, FFN) == pytest.approx(8 * GPU.expert_time(16, HIDDEN, FFN),
                                                             rel=0.05)


def test_shapes_of_layers():
    tokens = np.arange(24).reshape(2, 3, 4)
    time = GPU.moe_time(tokens, HIDDEN, FFN)
    assert time.shape == (2, 3)
    assert time[1, 2] == GPU.moe_time(tokens[1, 2], HIDDEN, FFN)
    assert type(GPU.moe_time([1, 2], HIDDEN, FFN)) is float
    assert GPU.moe_time(tokens, [[1024], [4096]], FFN).shape == (2, 3)


def test_a_bare_number_of_tokens_is_refused():
    with pytest.raises(UsageError, match="must have an axis of experts"):
        GPU.moe_time(5, HIDDEN, FFN)
