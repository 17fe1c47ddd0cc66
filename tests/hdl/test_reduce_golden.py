"""The adder's golden against NumPy's float32."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.reduce_add import BF16, FP32, float_add, int_add, reduce_into

BITS = st.integers(0, (1 << 32) - 1)


def reference(a: int, b: int) -> int:
    """Bits of the float32 sum; NaN as the block writes it."""
    with np.errstate(all="ignore"):
        total = np.uint32(a).view(np.float32) + np.uint32(b).view(np.float32)
    return 0x7FC00000 if np.isnan(total) else int(total.view(np.uint32))


def reference_bf16(a: int, b: int) -> int:
    """24 bits are enough to round twice as if once (24 >= 2 x 8 + 2)."""
    found = reference(a << 16, b << 16)
    return 0x7FC0 if found == 0x7FC00000 else found + 0x7FFF + (found >> 16 & 1) >> 16


@given(BITS, BITS)
@settings(max_examples=400)
def test_any_two_numbers(a, b):
    assert float_add(a, b, FP32) == reference(a, b)
    assert float_add(a >> 16, b >> 16, BF16) == reference_bf16(a >> 16, b >> 16)


@given(BITS, st.integers(-3, 3), st.integers(-30, 30))
@settings(max_examples=400)
def test_numbers_that_cancel(a, steps, scale):
    """The other number is near minus the first one, or some powers of two away."""
    exponent = (a >> 23 & 255) + scale
    b = (a ^ 1 << 31) + steps & 0xFFFFFFFF
    far = b & 0x807FFFFF | max(0, min(254, exponent)) << 23
    for other in (b, far):
        assert float_add(a, other, FP32) == reference(a, other)
        assert float_add(a >> 16, other >> 16, BF16) == reference_bf16(a >> 16, other >> 16)


def test_all_pairs_of_powers_and_their_neighbours():
    numbers = [exponent << 7 | fraction for exponent in range(0, 256, 9)
               for fraction in (0, 1, 64, 127)]
    for a in numbers:
        for b in numbers:
            assert float_add(a, b | 0x8000, BF16) == reference_bf16(a, b | 0x8000)


@given(BITS, BITS)
def test_order_does_not_matter(a, b):
    assert float_add(a, b, FP32) == float_add(b, a, FP32)
    assert int_add(a, b) == (a + b) % (1 << 32)


def test_a_sum_of_gradients_equals_numpy():
    draws = np.random.default_rng(3)
    parts = draws.normal(size=(4, 500)).astype(np.float32)
    total = parts[0].view(np.uint32).astype(np.int64)
    wanted = parts[0].copy()
    for part in parts[1:]:
        reduce_into(total, part.view(np.uint32).astype(np.int64), FP32)
        wanted += part
    assert (total == wanted.view(np.uint32)).all()


def test_unequal_shapes_are_refused():
    with pytest.raises(UsageError, match="shapes must be equal"):
        reduce_into(np.zeros(2, np.int64), np.zeros(3, np.int64), FP32)
