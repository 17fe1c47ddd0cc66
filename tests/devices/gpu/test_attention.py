"""Attention: bounds, order, groups, the three kernels and where one follows another."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError

GPU, FAST = catalog.gpu("h100-sxm"), catalog.gpu("h200-sxm")


def decode(batch, kv_len, kv_heads=32, **more):
    return GPU.attention_time(batch, 32, kv_heads, 128, 1, kv_len, **more)


def test_large_decode_runs_at_most_of_the_memory_bandwidth():
    nbytes = 128 * 32 * 8192 * 128 * 2 * 2
    share = nbytes / decode(128, 8192) / GPU.memory_bandwidth
    assert 0.90 < share < 0.95


def test_a_cold_cache_comes_from_memory_and_a_warm_one_from_l2():
    nbytes = 4 * 32 * 512 * 128 * 2 * 2
    assert decode(4, 512) > nbytes / GPU.memory_bandwidth + GPU.attention.memory_time
    assert decode(4, 512, cache="warm") < decode(4, 512) - 3e-6


def test_a_cache_beyond_l2_cannot_be_warm():
    assert decode(64, 4096, cache="warm") == pytest.approx(decode(64, 4096), rel=1e-6)


def test_a_prefill_finds_what_was_just_made():
    for shape in ((1, 32, 8, 128, 512, 512), (8, 16, 16, 64, 4096, 4096)):
        assert GPU.attention_time(*shape) == GPU.attention_time(*shape, cache="warm")


def test_residences_have_names():
    with pytest.raises(UnknownName, match=r"residence of memory 'hot'.*cold, warm"):
        decode(1, 5, cache="hot")


@given(st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 32]), st.integers(1, 4000),
       st.integers(0, 4000), st.booleans())
@settings(max_examples=200, deadline=None)
def test_never_below_the_math(batch, kv_heads, q_len, more, causal):
    kv_len = q_len + more
    pairs = q_len * kv_len - causal * q_len * (q_len - 1) / 2
    time = GPU.attention_time(batch, 32, kv_heads, 128, q_len, kv_len, causal=causal)
    assert time > 4 * batch * 32 * 128 * pairs / GPU.peak_bf16


@given(st.integers(1, 200), st.sampled_from([1, 2, 4, 8, 32]), st.integers(1, 40_000))
@settings(max_examples=200, deadline=None)
def test_a_cold_decode_is_never_below_the_memory(batch, kv_heads, kv_len):
    nbytes = 4 * batch * kv_heads * kv_len * 128
    assert decode(batch, kv_len, kv_heads) > nbytes / GPU.memory_bandwidth


@pytest.mark.parametrize("cache", ["cold", "warm"])
@pytest.mark.parametrize("kv_heads", [1, 8, 32])
def test_more_of_anything_is_not_faster(kv_heads, cache):
    x = np.arange(1, 3000)
    for time in (GPU.attention_time(8, 32, kv_heads, 128, 1, x, cache=cache),
                 GPU.attention_time(x, 32, kv_heads, 128, 1, 777, cache=cache),
                 GPU.attention_time(2, 32, kv_heads, 128, x, x, cache=cache),
                 GPU.attention_time(2, 32, kv_heads, 128, x, 3000, False, cache=cache)):
        assert np.all(time[1:] > time[:-1] * 0.995)  # partly filled tiles, parts of keys


def test_causal_halves_a_long_square():
    full = GPU.attention_time(4, 32, 32, 128, 8192, 8192, causal=False)
    assert 1.8 < full / GPU.attention_time(4, 32, 32, 128, 8192, 8192) < 2.0


def test_causal_does_not_matter_to_one_query():
    assert decode(7, 999) == GPU.attention_time(7, 32, 32, 128, 1, 999, causal=False)


def test_grouped_heads_save_cache_bytes():
    times = [decode(64, 4096, kv_heads) for kv_heads in (1, 4, 8, 32)]
    assert times == sorted(times)
    assert times[3] / times[2] == pytest.approx(4, rel=0.1)


def test_a_group_of_up_to_sixteen_heads_costs_what_one_does():
    one, sixteen, more = (GPU.attention_time(99, heads, 1, 128, 1, 8192) for heads in (1, 16, 17))
    assert one == sixteen < more


def test_grouped_heads_save_little_in_a_long_prefill():
    """Some memory, and the power that it takes."""
    times = [GPU.attention_time(4, 32, kv_heads, 128, 4096, 4096) for kv_heads in (1, 8, 32)]
    assert times == sorted(times) and times[2] < 1.03 * times[0]


def test_half_the_head_dim_does_not_halve_a_prefill():
    """Softmax does not shrink with it."""
    wide, narrow = (GPU.attention_time(8, 32, 32, dim, 4096, 4096) for dim in (128, 64))
    assert 0.52 < narrow / wide < 0.75


def test_few_long_sequences_are_split_over_the_sms():
    fit = GPU.attention
    alone = 65536 * (fit.key_clocks + 512 / fit.walk_per_clock) / GPU.clock_hz
    assert decode(1, 65536, 1) < alone / 10


def test_blocks_for_more_than_half_of_the_sms_are_not_split():
    """The keys of 66 key-value heads are split, of 67 not; head_dim 64 leaves memory idle."""
    few, many = (FAST.attention_time(1, n, n, 64, 1, 32768) for n in (66, 67))
    assert many > 1.15 * few


def test_new_queries_on_a_longer_cache_take_the_older_kernel():
    """Per key and query an extend takes most of twice a prefill's time, with full SMs."""
    extend = GPU.attention_time(16, 32, 32, 128, 2048, 4096)
    pairs = 2048 * 4096 - 2048 * 2047 / 2
    prefill = GPU.attention_time(16, 32, 32, 128, 4096, 4096) * pairs / (4096 * 4097 / 2)
    assert 1.4 < extend / prefill < 2


def test_extends_are_split_when_few_blocks_would_run():
    """16 query rows of 48 heads fill 0.73 of the places, of 64 heads 0.97 (53, 106 us)."""
    split = GPU.attention_time(4, 48, 1, 128, 16, 2048, cache="warm")
    whole = GPU.attention_time(4, 64, 8, 128, 16, 2048, cache="warm")
    assert split * 1e6 == pytest.approx(53.4, rel=0.1)
    assert whole * 1e6 == pytest.approx(106.2, rel=0.1)


def test_chunks_of_a_prefill_add_up_to_more():
    whole = GPU.attention_time(1, 32, 8, 128, 4096, 4096)
    chunks = GPU.attention_time(1, 32, 8, 128, 1024, np.arange(1024, 4097, 1024)).sum()
    assert whole < chunks < 2.2 * whole


def test_one_query_after_a_prefill_costs_little():
    whole = GPU.attention_time(1, 32, 8, 128, 4096, 4096)
    tail = GPU.attention_time(1, 32, 8, 128, 128, 4096)
    assert decode(1, 4096, 8) < tail < whole / 2


def test_empty_work_takes_no_time():
    assert np.all(GPU.attention_time([0, 1, 1], 32, 32, 128, [1, 0, 1], [9, 9, 0]) == 0)
    assert GPU.attention_time(3, 0, 0, 128, 1, 5) == GPU.attention_time(3, 8, 8, 0, 1, 5) == 0


def test_more_queries_than_keys_is_refused_when_causal():
    with pytest.raises(UsageError, match="q_len 9 over kv_len 5: some queries would see no key"):
        GPU.attention_time(1, 32, 32, 128, [1, 9], 5)
    assert GPU.attention_time(1, 32, 32, 128, 9, 5, causal=False) > 0


def test_heads_must_form_groups():
    for kv_heads in (5, 0, 64):
        with pytest.raises(UsageError, match=f"a multiple of kv_heads, not 32 over {kv_heads}"):
            GPU.attention_time(1, 32, [32, kv_heads], 128, 1, 5)


def test_arrays_broadcast_and_equal_scalars():
    batch, kv_len = np.array([[1], [33]]), np.array([5, 512, 8191])
    time = decode(batch, kv_len)
    assert time.shape == (2, 3)
    assert time[1, 2] == decode(33, 8191) and type(decode(33, 8191)) is float


def test_mixed_kernels_and_long_arrays_equal_one_by_one():
    draw = np.random.default_rng(5)
    q_len = np.where(draw.random(20_001) < 0.5, 1, draw.integers(1, 600, 20_001))
    kv_len = q_len + draw.integers(0, 2, 20_001) * draw.integers(0, 5000, 20_001)
    batch = draw.integers(1, 40, 20_001)
    time = GPU.attention_time(batch, 32, 8, 64, q_len, kv_len)
    for i in draw.integers(0, 20_001, 40):
        assert time[i] == pytest.approx(
            GPU.attention_time(batch[i], 32, 8, 64, q_len[i], kv_len[i]), rel=1e-12)


def test_a_slower_clock_slows_short_prefills():
    slow = dataclasses.replace(GPU, clock_hz=GPU.clock_hz / 2)
    shape = (1, 32, 32, 128, 128, 128)
    assert slow.attention_time(*shape) > GPU.attention_time(*shape)


def test_long_math_meets_the_power_limit():
    """Flop/s of a prefill twice as large grow less than they would at a full clock."""
    free = dataclasses.replace(GPU, attention=dataclasses.replace(GPU.attention, power_share=1e9))
    short, long = (1, 8, 8, 64, 512, 512), (16, 32, 32, 128, 4096, 4096)
    assert GPU.attention_time(*short) == pytest.approx(free.attention_time(*short), rel=1e-3)
    assert 1.1 < GPU.attention_time(*long) / free.attention_time(*long) < 1.25
