"""The dequantiser's golden against NumPy's floating point, over all integers and all scales."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.kv_dequant import NAN, dequantise, dequantised, quantise


def reference(value: int, scale: int) -> int:
    """The product in float32, which is exact, then its bits rounded to nearest even."""
    factor = np.uint16(scale).view(np.float16).astype(np.float32)
    with np.errstate(invalid="ignore"):
        product = np.float32(value) * factor
    if np.isnan(product):
        return NAN
    bits = int(product.view(np.uint32))
    return bits + 0x7FFF + (bits >> 16 & 1) >> 16


@pytest.mark.parametrize("value", [-128, -127, -77, -8, -1, 0, 1, 3, 7, 85, 127])
def test_every_scale(value):
    for scale in range(0, 1 << 16, 7):
        assert dequantise(value, scale) == reference(value, scale), hex(scale)


@given(st.integers(-128, 127), st.integers(0, 0xFFFF))
def test_any_product(value, scale):
    assert dequantise(value, scale) == reference(value, scale)


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=20), st.sampled_from([4, 8]))
def test_error_is_at_most_half_a_step(numbers, bits):
    group = np.array(numbers, np.float32)
    whole, scale = quantise(group, bits)
    assert abs(whole).max() <= 1 << bits - 1
    step = float(np.uint16(scale).view(np.float16))
    back = (dequantised(whole, scale).astype(np.uint32) << 16).view(np.float32)
    # half a step; the scale itself is rounded to fp16 (11 bits), the result to bf16 (8 bits)
    most = (1 << bits - 1) - 1
    slack = abs(group).max() * 2.0**-8 + most * step * 2.0**-10 + most * 2.0**-25
    assert abs(back - group).max() <= step / 2 + slack


def test_a_group_of_zeros_gives_zeros():
    whole, scale = quantise(np.zeros(5, np.float32), 8)
    assert not whole.any() and not dequantised(whole, scale).any()


def test_other_widths_are_refused():
    with pytest.raises(UsageError, match="quantise to 5 bits: 4 or 8"):
        quantise(np.zeros(2, np.float32), 5)
