"""Attention: bounds, order, groups, and prefill against decode."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices import catalog
from rackwright.errors import UsageError

GPU = catalog.gpu("h100-sxm")


def decode(batch, kv_len, kv_heads=32):
    return GPU.attention_time(batch, 32, kv_heads, 128, 1, kv_len)


def test_large_decode_runs_at_most_of_the_memory_bandwidth():
    nbytes = 128 * 32 * 8192 * 128 * 2 * 2
    share = nbytes / decode(128, 8192) / GPU.memory_bandwidth
    assert 0.90 < share < 0.95


def test_small_caches_come_from_l2():
    nbytes = 4 * 32 * 512 * 128 * 2 * 2
    beyond = decode(4, 512) - GPU.attention.floor_time
    assert beyond < nbytes / GPU.memory_bandwidth


@given(st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 32]), st.integers(1, 4000),
       st.integers(1, 4000), st.booleans())
@settings(max_examples=200, deadline=None)
def test_never_below_the_math(batch, kv_heads, q_len, more, causal):
    kv_len = q_len + more
    pairs = q_len * kv_len - causal * q_len * (q_len - 1) / 2
    time = GPU.attention_time(batch, 32, kv_heads, 128, q_len, kv_len, causal=causal)
    assert time > 4 * batch * 32 * 128 * pairs / GPU.peak_bf16


@pytest.mark.parametrize("kv_heads", [1, 8, 32])
def test_more_of_anything_is_not_faster(kv_heads):
    x = np.arange(1, 3000)
    for time in (GPU.attention_time(8, 32, kv_heads, 128, 1, x),
                 GPU.attention_time(x, 32, kv_heads, 128, 1, 777),
                 GPU.attention_time(2, 32, kv_heads, 128, x, 3000),
                 GPU.attention_time(2, 32, kv_heads, 128, x, x)):
        assert np.all(time[1:] > time[:-1] * 0.999)  # partly filled tiles move work by 0.06 %


def test_causal_halves_a_long_square():
    full = GPU.attention_time(4, 32, 32, 128, 8192, 8192, causal=False)
    assert 1.85 < full / GPU.attention_time(4, 32, 32, 128, 8192, 8192) < 2.0


def test_causal_does_not_matter_to_one_query():
    assert decode(7, 999) == GPU.attention_time(7, 32, 32, 128, 1, 999, causal=False)


def test_grouped_heads_save_cache_bytes():
    times = [decode(64, 4096, kv_heads) for kv_heads in (1, 4, 8, 32)]
    assert times == sorted(times)
    assert times[3] / times[2] == pytest.approx(4, rel=0.1)


def test_one_query_after_a_prefill_costs_little_and_all_again_costs_all():
    whole = GPU.attention_time(1, 32, 8, 128, 4096, 4096)
    tail = GPU.attention_time(1, 32, 8, 128, 128, 4096)
    assert decode(1, 4096, 8) < tail < whole / 3


def test_chunks_of_a_prefill_add_up_to_more():
    whole = GPU.attention_time(1, 32, 8, 128, 4096, 4096)
    chunks = GPU.attention_time(1, 32, 8, 128, 1024, np.arange(1024, 4097, 1024)).sum()
    assert whole < chunks < 1.6 * whole


def test_few_long_sequences_are_split_over_the_sms():
    alone = 65536 * 2 * 128 * 2 / (GPU.attention.stream_per_clock * GPU.clock_hz)
    assert decode(1, 65536, 1) < alone / 5


def test_empty_work_takes_no_time():
    assert np.all(GPU.attention_time([0, 1, 1], 32, 32, 128, [1, 0, 1], [9, 9, 0]) == 0)


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


def test_a_slower_clock_slows_short_prefills():
    slow = dataclasses.replace(GPU, clock_hz=GPU.clock_hz / 2)
    assert slow.attention_time(1, 32, 32, 128, 128, 128) > GPU.attention_time(1, 32, 32, 128, 128,
                                                                              128)
