"""Stateless draws: the same numbers whatever the order in which events ask for them.

A draw keyed by what it decides (request, token, layer, ...) is the same under every policy and
what-if: common random numbers. All arithmetic stays inside int64, so the interpreter and the
compiled kernel give the same bits.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["hash31", "mix64"]

M31 = (1 << 31) - 1
M62 = (1 << 62) - 1
# Odd 31-bit multipliers: the low words of well-known mixing constants (splitmix64, murmur3,
# xxhash32), cleared of bit 31 so that a product of two 31-bit words fits int64.
A31 = 0x1CE4E5B9
B31 = 0x133111EB
C31 = 0x05EBCA6B
D31 = 0x42B2AE35
E31 = 0x1E3779B1
F31 = 0x05EBCA77


@kernel
def mix64(x):  # type: ignore[no-untyped-def]
    """Mix a non-negative int64 into [0, 2**62), every input bit reaching every output bit."""
    x = x & M62
    for _ in range(3):
        x ^= x >> 31
        low, high = x & M31, x >> 31
        # (high, low) * (D31, B31) modulo 2**62, in 31-bit limbs
        cross = ((low * D31) & M31) + ((high * B31) & M31)
        x = (low * B31 + ((cross & M31) << 31)) & M62
        x ^= x >> 29
    return x


@kernel
def hash31(seed, a, b, c, d):  # type: ignore[no-untyped-def]
    """A 31-bit hash of a seed and four non-negative integers, for comparing with thresholds."""
    h = mix64((seed & M31) ^ ((a & M31) << 31))
    h = mix64(h ^ (b & M31) ^ ((c & M31) << 31))
    return mix64(h ^ (d & M31)) >> 31
