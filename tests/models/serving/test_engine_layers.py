"""Costs of one step's parts: bounds that any kernel must keep, and what tables hold of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rackwright.devices import Gpu, catalog
from rackwright.models.llm import LlmShape, shape
from rackwright.models.serving import ServingOptions
from rackwright.models.serving.costs import build_costs
from rackwright.models.serving.layers import (
    chunk_time,
    decode_time,
    expert_seconds,
    head_time,
    launches,
    linear_time,
)
from rackwright.models.serving.placement import place
from rackwright.topologies.fabric import Fabric


@pytest.fixture(scope="module")
def gpu() -> Gpu:
    return catalog.gpu("h200-sxm")


def packed(model: LlmShape, stored: str) -> LlmShape:
    return replace(model, expert_dtype=stored)


@pytest.mark.parametrize("rows", [1, 4, 32, 512])
def test_packed_experts_lie_between_bytes_and_bf16(gpu: Gpu, rows: int) -> None:
    """Never slower than bf16 weights, never faster than their own bytes or the products."""
    model = shape("gpt-oss-120b")
    loads = np.full(model.experts, rows, np.int64)
    wide = float(expert_seconds(gpu, packed(model, "bf16"), loads, model.ffn))
    small = float(expert_seconds(gpu, model, loads, model.ffn))
    nbytes = model.experts * model.expert_bytes
    flops = 2 * rows * model.experts * 3 * model.hidden * model.ffn
    assert small <= wide
    assert small > max(nbytes / gpu.memory_bandwidth, flops / gpu.peak_flops("bf16"))


def test_nothing_takes_no_time(gpu: Gpu) -> None:
    zero = np.zeros(2, np.int64)
    for name in ("llama-3-8b", "gpt-oss-20b", "deepseek-v3"):
        model = shape(name)
        assert not linear_time(gpu, model, 1, zero).any()
        assert not decode_time(gpu, model, 1, zero, zero + 5).any()
        assert not chunk_time(gpu, model, 1, zero, zero + 5).any()
        assert not head_time(gpu, model, 1, zero, False).any()
        assert not expert_seconds(gpu, model, np.zeros((2, model.experts), np.int64), 64).any()


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_ranks_share_the_work(gpu: Gpu, ranks: int) -> None:
    """A rank does at least its share, and less than all."""
    model, tokens = shape("llama-3-70b"), np.array([4096])
    whole, part = linear_time(gpu, model, 1, tokens), linear_time(gpu, model, ranks, tokens)
    assert whole / ranks < part * 1.1 and part < whole


def test_latent_decode_reads_its_rows_and_does_its_products(gpu: Gpu) -> None:
    model, batch, context = shape("deepseek-v3"), 64, 4000
    time = float(decode_time(gpu, model, 1, np.array(batch), np.array(context)))
    nbytes = batch * context * 576 * 2
    flops = 2 * batch * context * 128 * (576 + 512)
    assert time > max(nbytes / gpu.memory_bandwidth, flops / gpu.peak_flops("bf16"))
    assert time < 4 * max(nbytes / gpu.memory_bandwidth, flops / gpu.peak_flops("bf16"))


def test_a_prompt_in_chunks_costs_about_the_whole(gpu: Gpu) -> None:
    """The triangle and the rectangles of four chunks cover the triangle of the whole prompt."""
    model = shape("llama-3-8b")
    whole = float(chunk_time(gpu, model, 1, np.array(8192), np.array(0)))
    parts = chunk_time(gpu, model, 1, np.full(4, 2048), 2048 * np.arange(4))
    assert whole == pytest.approx(float(parts.sum()), rel=0.2)


def test_a_window_bounds_a_chunk(gpu: Gpu) -> None:
    model = shape("gpt-oss-20b")
    free, bounded = (float(chunk_time(gpu, model, 1, np.array(4096), np.array(16_384),
                                      window=window)) for window in (0, 128))
    assert bounded < free / 10


def test_packing_never_costs_more_than_being_alone(gpu: Gpu) -> None:
    model = shape("llama-3-8b")
    queries = np.array([128, 256, 1024, 4096])
    alone = chunk_time(gpu, model, 1, queries, queries)
    shared = chunk_time(gpu, model, 1, queries, queries, batch=64)
    assert (shared <= alone).all()


@pytest.mark.parametrize(("name", "ranks", "kernels"), [
    # norms, two products, rotary, cache, attention; two products, activation
    ("llama-3-8b", 1, 32 * (7 + 3)), ("llama-3-8b", 2, 32 * (9 + 3)),
    ("mixtral-8x7b", 1, 32 * (7 + 7))])
def test_launches(name: str, ranks: int, kernels: int) -> None:
    assert launches(shape(name), ranks) == kernels


@pytest.mark.parametrize(("model", "settings"), [
    ("llama-3-8b", {}), ("gpt-oss-20b", {}), ("qwen3-30b-a3b", {"tensor_parallel": 4}),
    ("llama-4-scout", {"tensor_parallel": 8})])
def test_tables_hold_the_models(dgx: Fabric, model: str, settings: dict[str, Any]) -> None:
    """By tokens exact; attention within the stated error, which is moderate."""
    options = ServingOptions.checked({"model": model, **settings})
    language, placed = shape(model), place(dgx, shape(model), options)
    costs = build_costs(dgx, placed, language, options, most_running=256, most_chunk=4096,
                        most_context=20_000, seed=0)
    tokens = np.array([1, 7, 100, 2047])
    told = costs.tables.linear.exact_ps[tokens] * 1e-12
    assert told == pytest.approx(linear_time(placed.gpu, language, placed.ranks, tokens),
                                 abs=1e-12)
    assert all(costs.errors[name] == 0 for name in ("linear", "experts", "exchange", "head"))
    assert costs.errors["decode"] < 0.25 and costs.errors["alone"] < 0.25
    assert ("window_alone" in costs.errors) == (language.window > 0)
    # more tokens, more work: the experts' lists are nested
    assert (np.diff(costs.tables.experts.exact_ps[1:200:20]) >= 0).all()


@pytest.mark.parametrize("model", ["llama-3-8b", "gpt-oss-20b", "llama-4-scout", "deepseek-v3"])
def test_memory_adds_up(model: str) -> None:
    """Weights, activations and pages fill the share of memory to less than a page."""
    from rackwright import topologies

    fabric = topologies.compile(topologies.dgx("h200-sxm", hosts=1))
    options = ServingOptions.checked({"model": model, "tensor_parallel": 8})
    placed = place(fabric, shape(model), options)
    left = 0.9 * 141e9 - options.activation_memory - placed.weight_bytes
    assert 0 <= left - placed.pages * placed.page_bytes < placed.page_bytes
    whole = shape(model)
    assert placed.weight_bytes >= 0.99 * (whole.blocks * whole.projection_weights
                                          * whole.attention_bits / 8 + whole.expert_blocks
                                          * whole.experts * whole.expert_bytes) / 8
    # blocks with a window stop growing: a long request takes fewer pages than by its length
    long, short = placed.pages_of(32_000, 16), placed.pages_of(64, 16)
    groups = placed.full_groups + placed.window_groups
    assert short == 4 * groups
    assert (long < 2000 * groups) == (whole.window > 0)
