"""Golden of the Reed-Solomon block: the code of AVID-M, as kernels on arrays of bytes.

GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D). A codeword holds one byte of each of n chunks: the
first k are the values of a polynomial of degree below k at the points 0..k-1 (the data itself),
the others its values at k..n-1. That is the systematic Vandermonde code of the public
implementation of DispersedLedger (klauspost/reedsolomon, default matrix). Any k chunks give all
others by Lagrange's formula.

Encoding, the check that all n chunks belong together, and decoding from any k of them are the
same interpolation with other points. Left out: finding which chunks are wrong (a Merkle proof
does that).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["POLYNOMIAL", "Code", "new_code", "rs_check", "rs_decode", "rs_encode"]

POLYNOMIAL = 0x11D
ORDER = 255            # of the multiplicative group; 2 generates it


class Code(NamedTuple):
    """An (n, k) code; `new_code` makes it."""

    power: npt.NDArray[np.int64]    # shape (510,): 2**i, twice round
    log: npt.NDArray[np.int64]      # shape (256,): its inverse; log[0] is never used
    weights: npt.NDArray[np.int64]  # shape (n, k): row r gives chunk r from the data


def new_code(k: int, n: int) -> Code:
    """The code of `k` data and ``n - k`` parity chunks. Raises UsageError.

    >>> [[hex(int(one)) for one in row] for row in new_code(2, 4).weights[2:]]
    [['0x3', '0x2'], ['0x2', '0x3']]
    """
    if not 1 <= k < n <= ORDER:
        raise UsageError(f"Reed-Solomon code with k={k}, n={n}: 1 <= k < n <= {ORDER} must hold")
    power, log = np.ones(2 * ORDER, np.int64), np.zeros(ORDER + 1, np.int64)
    for i in range(1, 2 * ORDER):
        twice = int(power[i - 1]) << 1
        power[i] = twice ^ (POLYNOMIAL if twice > ORDER else 0)
    log[power[:ORDER]] = np.arange(ORDER)
    code = Code(power, log, np.zeros((n, k), np.int64))
    points = np.arange(k)
    for target in range(n):
        lagrange_weights(code, points, target, code.weights[target])
    return code


@kernel
def gf_times(code, a, b):  # type: ignore[no-untyped-def]
    """Product of two bytes."""
    if a == 0 or b == 0:
        return 0
    return code.power[code.log[a] + code.log[b]]


@kernel
def lagrange_weights(code, points, target, weights):  # type: ignore[no-untyped-def]
    """Fill `weights`: the value at `target` is the sum of weights times values at `points`."""
    for j in range(points.size):
        exponent = 0
        zero = False
        for m in range(points.size):
            if m != j:
                if points[m] == target:
                    zero = True
                else:
                    exponent += code.log[target ^ points[m]]
                exponent += 255 - code.log[points[j] ^ points[m]]
        weights[j] = 0 if zero else code.power[exponent % 255]


@kernel
def interpolate(code, weights, chunks, rows, byte):  # type: ignore[no-untyped-def]
    """The byte at `byte` of the chunk that `weights` give from the chunks `rows`."""
    total = 0
    for j in range(rows.size):
        total ^= gf_times(code, weights[j], int(chunks[rows[j], byte]))
    return total


@kernel
def parity_byte(code, chunks, row, byte):  # type: ignore[no-untyped-def]
    """What the data rows of `chunks` give for the byte at `byte` of chunk `row`."""
    total = 0
    for j in range(code.weights.shape[1]):
        total ^= gf_times(code, code.weights[row, j], int(chunks[j, byte]))
    return total


@kernel
def rs_encode(code, chunks):  # type: ignore[no-untyped-def]
    """Fill the parity rows of `chunks`, bytes of shape (n, length), from its first k rows."""
    for row in range(code.weights.shape[1], code.weights.shape[0]):
        for byte in range(chunks.shape[1]):
            chunks[row, byte] = parity_byte(code, chunks, row, byte)


@kernel
def rs_check(code, chunks):  # type: ignore[no-untyped-def]
    """1 if every parity row is what the data rows give, else 0: AVID-M's BAD_UPLOADER."""
    for row in range(code.weights.shape[1], code.weights.shape[0]):
        for byte in range(chunks.shape[1]):
            if parity_byte(code, chunks, row, byte) != int(chunks[row, byte]):
                return 0
    return 1


@kernel
def rs_decode(code, chunks, rows, weights):  # type: ignore[no-untyped-def]
    """Rebuild every other row of `chunks` from the k distinct rows named in `rows`, in place.

    `weights`: int64 of shape (k,), scratch. What stood in the other rows does not matter.
    """
    for target in range(code.weights.shape[0]):
        given = False
        for j in range(rows.size):
            if rows[j] == target:
                given = True
        if not given:
            lagrange_weights(code, rows, target, weights)
            for byte in range(chunks.shape[1]):
                chunks[target, byte] = interpolate(code, weights, chunks, rows, byte)


def codeword(code: Code, data: int) -> int:
    """The codeword of k data bytes, both packed with byte 0 lowest: what the RTL puts out."""
    n, k = code.weights.shape
    chunks: Any = np.zeros((n, 1), np.uint8)
    chunks[:k, 0] = list(data.to_bytes(k, "little"))
    rs_encode(code, chunks)
    return int.from_bytes(chunks.tobytes(), "little")
