"""Golden of the hash partitioner: which partition a key belongs to, as a kernel.

Multiplicative hashing (Knuth, The Art of Computer Programming 3, section 6.4): the top bits of the
key times 2**64 divided by the golden ratio, modulo 2**64. Partitions are a power of two, 1 to 64.

Left out: what happens to the records afterwards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["FACTOR", "partition_counts", "partition_of", "partitions"]

FACTOR = 0x9E3779B97F4A7C15   # 2**64 divided by the golden ratio, made odd
MOST = 64


@kernel
def partition_of(key, bits):  # type: ignore[no-untyped-def]
    """Partition 0 .. 2**bits - 1 of a 64-bit key, given as int64 in two's complement.

    The product is worked out in digits of 16 bits, since a kernel's integers have 63.
    """
    carry = 0
    top = 0
    for column in range(4):
        total = carry
        for row in range(column + 1):
            digit = (key >> (16 * row)) & 0xFFFF
            # the digits of FACTOR, lowest first
            place = column - row
            if place == 0:
                total += digit * 0x7C15
            elif place == 1:
                total += digit * 0x7F4A
            elif place == 2:
                total += digit * 0x79B9
            else:
                total += digit * 0x9E37
        carry = total >> 16
        top = total & 0xFFFF
    return top >> (16 - bits)


@kernel
def partition_counts(keys, bits, counts):  # type: ignore[no-untyped-def]
    """Add to `counts` (shape (2**bits,)) how many of `keys` go to each partition."""
    for i in range(keys.size):
        counts[partition_of(keys[i], bits)] += 1


def partitions(keys: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Partition of every key. Raises UsageError unless `count` is a power of two, 1 to 64.

    >>> partitions(np.array([0, 1, 2, 3]), 4).tolist()
    [0, 2, 0, 3]
    """
    if not 1 <= count <= MOST or count & (count - 1):
        raise UsageError(f"{count} partitions: must be a power of two, 1 to {MOST}")
    bits = count.bit_length() - 1
    return np.array([partition_of(int(key), bits) for key in keys], np.int64)
