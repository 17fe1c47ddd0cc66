"""Stateless draws: the same numbers whatever the order in which events ask for them.

A draw keyed by what it decides (request, token, layer, ...) is the same under every policy and
what-if: common random numbers. All arithmetic stays inside int64, so the interpreter and the
compiled kernel give the same bits.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.kernel import kernel

__all__ = ["hash31", "mix64"]

M31 = (1 << 31) - 1
M62 = (1 << 62) - 1
GOLDEN62 = 0x1E3779B97F4A7C15  # 2**64 / golden ratio, low 62 bits: 0 is no fixed point
# Odd 31-bit multipliers: low words of well-known mixing constants (splitmix64, murmur3),
# cleared of bit 31 so that a product of two 31-bit words fits int64.
B31 = 0x133111EB
D31 = 0x42B2AE35


@kernel
def stir(x):  # type: ignore[no-untyped-def]
    """One round of `mix64`: a bijection of 62 bits; two rounds avalanche fully (measured)."""
    x ^= x >> 31
    low, high = x & M31, x >> 31
    # (high, low) * (D31, B31) modulo 2**62, in 31-bit limbs
    cross = ((low * D31) & M31) + ((high * B31) & M31)
    x = (low * B31 + ((cross & M31) << 31)) & M62
    return x ^ (x >> 29)


@kernel
def mix64(x):  # type: ignore[no-untyped-def]
    """Mix the low 62 bits of an integer into [0, 2**62): a bijection, full avalanche."""
    return stir(stir(stir((np.int64(x) & M62) ^ GOLDEN62)))


@kernel
def hash31(seed, a, b, c, d):  # type: ignore[no-untyped-def]
    """A 31-bit hash of a seed and four integers, for comparing with thresholds.

    62 bits of the seed count and 31 bits of each of `a` .. `d`: two keys that differ only above
    these bits get the same hash.
    """
    h = (np.int64(seed) & M62) ^ GOLDEN62
    h = stir(stir(h)) ^ (np.int64(a) & M31) ^ ((np.int64(b) & M31) << 31)
    h = stir(stir(h)) ^ (np.int64(c) & M31) ^ ((np.int64(d) & M31) << 31)
    return stir(stir(h)) >> 31
