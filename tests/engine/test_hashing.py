"""Stateless draws: uniform, independent of each other, the same compiled and interpreted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rackwright.engine import hash31, kernel, mix64

COUNT = 1 << 16
SMALL = 1e-4  # a draw of a test below this p-value is a fault: the inputs are fixed


@kernel
def mixed(keys, out):  # type: ignore[no-untyped-def]
    for at in range(keys.shape[0]):
        out[at] = mix64(keys[at])


@kernel
def hashed(keys, out):  # type: ignore[no-untyped-def]
    for at in range(keys.shape[0]):
        out[at] = hash31(keys[at, 0], keys[at, 1], keys[at, 2], keys[at, 3], keys[at, 4])


def mix_all(keys: Any) -> Any:
    out = np.zeros(len(keys), np.int64)
    mixed(np.ascontiguousarray(keys, np.int64), out)
    return out


def hash_all(keys: Any) -> Any:
    out = np.zeros(len(keys), np.int64)
    hashed(np.ascontiguousarray(keys, np.int64), out)
    return out


def counters(column: int, step: int = 1) -> Any:
    keys = np.zeros((COUNT, 5), np.int64)
    keys[:, column] = np.arange(COUNT) * step
    return keys


def grid() -> Any:
    """Sixteen values of each of four fields: the keys of a model are small numbers."""
    at = np.arange(COUNT)
    return np.stack([np.full(COUNT, 7), *((at >> shift) & 15 for shift in (0, 4, 8, 12))], axis=1)


KEYS = {"seed": counters(0), "a": counters(1), "b": counters(2), "c": counters(3),
        "d": counters(4), "strides": counters(2, 4096), "grid": grid(),
        "seeds above 31 bits": counters(0, 1 << 40)}


@pytest.mark.parametrize("name", KEYS)
def test_every_byte_of_a_hash_is_uniform(name: str) -> None:
    values = hash_all(KEYS[name])
    for shift in (0, 8, 16, 23):
        counts = np.bincount((values >> shift) & 255, minlength=256)
        assert stats.chisquare(counts).pvalue > SMALL


@pytest.mark.parametrize("name", KEYS)
def test_neighbouring_keys_are_independent(name: str) -> None:
    values = hash_all(KEYS[name])
    pairs = (values[:-1] >> 26) * 32 + (values[1:] >> 26)
    assert stats.chisquare(np.bincount(pairs, minlength=1024)).pvalue > SMALL
    share = values / 2**31
    assert abs(np.corrcoef(share[:-1], share[1:])[0, 1]) < 4 / np.sqrt(COUNT)


@pytest.mark.parametrize("name", KEYS)
def test_hashes_lie_in_31_bits_and_collide_as_chance_would(name: str) -> None:
    values = hash_all(KEYS[name])
    assert values.min() >= 0 and values.max() < 2**31
    assert COUNT - len(np.unique(values)) < 10  # one is expected


def test_thresholds_are_met_as_often_as_they_should() -> None:
    values = hash_all(KEYS["grid"])
    for share in (0.001, 0.1, 0.5, 0.9):
        sigma = np.sqrt(share * (1 - share) / COUNT)
        assert abs((values < share * 2**31).mean() - share) < 4 * sigma


def test_one_flipped_bit_flips_every_bit_half_of_the_time() -> None:
    keys = np.random.default_rng(1).integers(0, 1 << 62, 4096)
    base = mix_all(keys)
    for bit in range(62):
        flipped = base ^ mix_all(keys ^ (1 << bit))
        shares = [((flipped >> out) & 1).mean() for out in range(62)]
        assert abs(np.array(shares) - 0.5).max() < 5 * 0.5 / np.sqrt(4096)


def test_mixing_is_a_bijection_with_no_fixed_point_among_small_numbers() -> None:
    keys = np.arange(1 << 18)
    values = mix_all(keys)
    assert len(np.unique(values)) == len(keys)
    assert (values != keys).all()


@pytest.mark.parametrize("bit", [0, 20, 40, 61])
def test_62_bits_of_the_seed_and_31_of_each_field_count(bit: int) -> None:
    base = hash31(5, 1, 2, 3, 4)
    assert hash31(5 ^ (1 << bit), 1, 2, 3, 4) != base
    for field in range(1, 5):
        key = [5, 1, 2, 3, 4]
        key[field] ^= 1 << bit
        assert (hash31(*key) == base) == (bit >= 31)


def test_fields_are_not_interchangeable() -> None:
    keys = [(9, *np.roll([1, 2, 3, 4], turn)) for turn in range(4)]
    assert len({hash31(*(int(part) for part in key)) for key in keys}) == 4


@settings(deadline=None)
@given(key=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=5, max_size=5))
def test_hashes_equal_the_reference(key: list[int]) -> None:
    assert hash31(*key) == reference_hash(*key)
    assert mix64(key[0]) == reference_mix(key[0] % 2**62 ^ 0x1E3779B97F4A7C15, 3)


def reference_mix(x: int, rounds: int) -> int:
    """The mixing in whole numbers of any size, written apart."""
    for _ in range(rounds):
        x ^= x >> 31
        x = x * ((0x42B2AE35 << 31) + 0x133111EB) % 2**62
        x ^= x >> 29
    return x


def reference_hash(seed: int, *key: int) -> int:
    a, b, c, d = (part % 2**31 for part in key)
    h = reference_mix(seed % 2**62 ^ 0x1E3779B97F4A7C15, 2)
    h = reference_mix(h ^ a ^ b << 31, 2)
    return reference_mix(h ^ c ^ d << 31, 2) >> 31


def test_the_interpreter_gives_the_compiled_hash_without_overflow(
        run_python: Callable[..., Any]) -> None:
    code = ("import warnings; warnings.simplefilter('error')\n"
            "import numpy as np; from rackwright.engine import hash31\n"
            "print(int(hash31(np.int32(7), np.int32(2**30), np.int8(3), np.int16(4), 5)),"
            " int(hash31(np.int64(-1), 2**63 - 1, -(2**63), 2**31, -1)))")
    outcome = run_python(code, NUMBA_DISABLE_JIT="1")
    assert [int(word) for word in outcome.stdout.split()] == [
        hash31(7, 2**30, 3, 4, 5), hash31(-1, 2**63 - 1, -(2**63), 2**31, -1)], outcome.stderr
