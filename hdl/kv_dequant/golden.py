"""Golden of the dequantiser: 8- or 4-bit integers times an fp16 scale, as bf16, in integers alone.

The exact product, rounded once to nearest even. Subnormal scales are numbers like others; an
infinite scale gives infinities and NaN for 0, a NaN scale NaN, written 7FC0. Symmetric
quantisation: no zero point.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["NAN", "dequantise", "dequantised", "quantise"]

NAN = 0x7FC0


@kernel
def dequantise(value, scale):  # type: ignore[no-untyped-def]
    """bf16 bits of an integer -128 .. 127 times the fp16 number with the bits `scale`."""
    negative = (value < 0) != (scale >> 15 == 1)
    sign = 0x8000 if negative else 0
    exponent, fraction = (scale >> 10) & 31, scale & 1023
    magnitude = -value if value < 0 else value
    if exponent == 31:
        return 0x7FC0 if fraction != 0 or magnitude == 0 else sign | 0x7F80
    product = magnitude * (fraction if exponent == 0 else fraction + 1024)
    if product == 0:
        return sign
    top = 0
    while product >> (top + 1) != 0:
        top += 1
    # the product's unit is 2**(exponent - 25); a bf16 keeps eight significant bits
    biased = top + (exponent if exponent > 0 else 1) + 102
    if top <= 7:
        return sign | (biased << 7) + ((product << (7 - top)) & 127)
    kept, rest = product >> (top - 7), product & ((1 << (top - 7)) - 1)
    half = 1 << (top - 8)
    if rest > half or (rest == half and kept & 1 == 1):
        kept += 1  # a carry out of the fraction goes on into the exponent
    return sign | (biased << 7) + kept - 128


def dequantised(values: npt.NDArray[np.int64], scale: int) -> npt.NDArray[np.int64]:
    """bf16 bits of a group of integers with one scale, given by its fp16 bits."""
    return np.array([dequantise(int(value), scale) for value in values], np.int64)


def quantise(numbers: npt.NDArray[np.float32], bits: int) -> tuple[npt.NDArray[np.int64], int]:
    """A group as integers of `bits` (8 or 4) bits and the bits of its fp16 scale.

    The scale is the largest magnitude divided by the largest integer, in fp16; each number goes to
    the nearest integer. Raises UsageError for other widths.

    >>> quantise(np.array([1.27, -0.635, 0.0], np.float32), 8)[0].tolist()
    [127, -63, 0]
    """
    if bits not in (4, 8):
        raise UsageError(f"quantise to {bits} bits: 4 or 8")
    most = (1 << bits - 1) - 1
    scale = np.float16(np.abs(numbers).max(initial=0.0) / most)
    if scale == 0:
        return np.zeros(numbers.size, np.int64), 0
    whole = np.rint(numbers.astype(np.float64) / float(scale))
    return np.clip(whole, -most - 1, most).astype(np.int64), int(scale.view(np.uint16))
