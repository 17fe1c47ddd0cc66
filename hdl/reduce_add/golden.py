"""Golden of the reducing adder: sums of fp32 or bf16 numbers, in integers alone.

IEEE 754: round to nearest even, subnormals in and out; NaN is written with the highest bit of the
fraction alone, infinities of opposite sign give NaN, x + -x is +0. A format with 8 bits of
exponent is named by the bits of its fraction: 23 for fp32, 7 for bf16.

Left out: sums of more than two; rounding comes after every addition, so that their order matters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["BF16", "FP32", "float_add", "int_add", "reduce_into"]

FP32, BF16 = 23, 7


@kernel
def float_add(a, b, fraction):  # type: ignore[no-untyped-def]
    """Bits of the sum of two numbers given by their bits; `fraction`: bits of the fraction."""
    sign_bit = 1 << (fraction + 8)
    major, minor = a, b
    if b & (sign_bit - 1) > a & (sign_bit - 1):
        major, minor = b, a
    field, other_field = (major >> fraction) & 255, (minor >> fraction) & 255
    one = 1 << fraction
    opposite = (a ^ b) & sign_bit != 0
    if field == 255:
        if major & (one - 1) != 0 or (other_field == 255 and opposite):
            return 255 << fraction | one >> 1
        return major
    exponent, other = (field if field > 0 else 1), (other_field if other_field > 0 else 1)
    # three bits below the fraction keep what rounding has to know; the lowest one is sticky
    whole = ((major & (one - 1)) + (one if field > 0 else 0)) << 3
    part = ((minor & (one - 1)) + (one if other_field > 0 else 0)) << 3
    distance = min(exponent - other, fraction + 5)
    lost = part & ((1 << distance) - 1)
    part = (part >> distance) | (1 if lost != 0 else 0)
    total = whole - part if opposite else whole + part
    if total == 0:
        return a & b & sign_bit
    if total >= one << 4:
        total, exponent = (total >> 1) | (total & 1), exponent + 1
    while total < one << 3 and exponent > 1:
        total, exponent = total << 1, exponent - 1
    if exponent >= 255:
        return (major & sign_bit) | 255 << fraction
    kept, rest = total >> 3, total & 7
    if rest > 4 or (rest == 4 and kept & 1 == 1):
        kept += 1
    # the hidden bit adds one to the exponent's field; so does a carry out of the fraction
    return (major & sign_bit) + ((exponent - 1) << fraction) + kept


@kernel
def int_add(a, b):  # type: ignore[no-untyped-def]
    """Sum of two int32, given and returned as 32 bits."""
    return (a + b) & 0xFFFFFFFF


@kernel
def reduce_kernel(total, part, fraction):  # type: ignore[no-untyped-def]
    for i in range(total.size):
        total[i] = float_add(total[i], part[i], fraction)


def reduce_into(total: npt.NDArray[np.int64], part: npt.NDArray[np.int64], fraction: int) -> None:
    """Add the bits in `part` to those in `total`, element by element. Raises UsageError.

    >>> total = np.array([0x3F800000])
    >>> reduce_into(total, np.array([0x40000000]), FP32)
    >>> hex(total[0])
    '0x40400000'
    """
    if fraction not in (FP32, BF16) or total.shape != part.shape:
        raise UsageError(f"sum of {total.shape} and {part.shape}, fractions of {fraction} bits: "
                         f"shapes must be equal, fractions {FP32} or {BF16} bits")
    reduce_kernel(total, part, fraction)
