"""Golden of the Merkle block: SHA-256 (FIPS 180-4) and trees as RFC 6962 shapes them.

A leaf's hash is SHA-256(00 || bytes), that of an inner node SHA-256(01 || left || right); the left
subtree of n leaves holds the largest power of two below n. The prefixes keep a leaf from passing
for a node. Kernels on arrays: a `Hasher` is fed byte by byte, which is what a protocol on small
blocks needs; for bulk data hashlib is faster.

Left out: messages of 2**29 bytes and more (the RTL counts bits in 32).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["DIGEST", "Hasher", "hash_add", "hash_finish", "hash_start", "leaf_hash",
           "merkle_check", "merkle_levels", "merkle_root", "new_hasher", "node_hash", "tree_words"]

DIGEST = 32            # bytes
MASK = 0xFFFFFFFF


class Hasher(NamedTuple):
    """A message under way; `new_hasher` makes it."""

    constants: npt.NDArray[np.int64]  # shape (64,): of the rounds
    initial: npt.NDArray[np.int64]    # shape (8,)
    words: npt.NDArray[np.int64]      # shape (64,): the message schedule
    state: npt.NDArray[np.int64]      # shape (8,): chained between blocks
    block: npt.NDArray[np.int64]      # shape (64,): bytes
    length: npt.NDArray[np.int64]     # shape (1,): bytes so far


def _primes() -> Iterator[int]:
    candidate = 2
    while True:
        if all(candidate % one for one in range(2, isqrt(candidate) + 1)):
            yield candidate
        candidate += 1


def _root_bits(prime: int, power: int) -> int:
    """The first 32 bits of the fraction of the square or cube root of `prime`."""
    low, high, wanted = 0, prime << 33, prime << 32 * power
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**power <= wanted else (low, middle - 1)
    return low & MASK


def new_hasher() -> Hasher:
    """A hasher. Its constants are worked out as FIPS 180-4 defines them (4.2.2 and 5.3.3)."""
    primes = [prime for _, prime in zip(range(64), _primes(), strict=False)]
    return Hasher(np.array([_root_bits(prime, 3) for prime in primes]),
                  np.array([_root_bits(prime, 2) for prime in primes[:8]]),
                  np.zeros(64, np.int64), np.zeros(8, np.int64), np.zeros(64, np.int64),
                  np.zeros(1, np.int64))


@kernel
def turn(value, by):  # type: ignore[no-untyped-def]
    """`value` turned right by `by` bits, in 32 bits."""
    return ((value >> by) | (value << (32 - by))) & 0xFFFFFFFF


@kernel
def compress(h):  # type: ignore[no-untyped-def]
    """Work the full block into the state."""
    for i in range(16):
        h.words[i] = (h.block[4 * i] << 24 | h.block[4 * i + 1] << 16 | h.block[4 * i + 2] << 8
                      | h.block[4 * i + 3])
    for i in range(16, 64):
        near, far = h.words[i - 15], h.words[i - 2]
        h.words[i] = (h.words[i - 16] + (turn(near, 7) ^ turn(near, 18) ^ (near >> 3))
                      + h.words[i - 7] + (turn(far, 17) ^ turn(far, 19) ^ (far >> 10))) & 0xFFFFFFFF
    a, b, c, d = h.state[0], h.state[1], h.state[2], h.state[3]
    e, f, g, last = h.state[4], h.state[5], h.state[6], h.state[7]
    for i in range(64):
        one = (last + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g))
               + h.constants[i] + h.words[i]) & 0xFFFFFFFF
        two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
        last, g, f, e = g, f, e, (d + one) & 0xFFFFFFFF
        d, c, b, a = c, b, a, (one + two) & 0xFFFFFFFF
    for i, value in enumerate((a, b, c, d, e, f, g, last)):
        h.state[i] = (h.state[i] + value) & 0xFFFFFFFF


@kernel
def hash_start(h):  # type: ignore[no-untyped-def]
    """Begin a message."""
    for i in range(8):
        h.state[i] = h.initial[i]
    h.length[0] = 0


@kernel
def hash_add(h, byte):  # type: ignore[no-untyped-def]
    """Append one byte."""
    h.block[h.length[0] & 63] = byte
    h.length[0] += 1
    if h.length[0] & 63 == 0:
        compress(h)


@kernel
def hash_finish(h, out):  # type: ignore[no-untyped-def]
    """End the message and write its 32 bytes to `out`."""
    bits = h.length[0] * 8
    hash_add(h, 0x80)
    while h.length[0] & 63 != 56:
        hash_add(h, 0)
    for place in range(8):
        hash_add(h, (bits >> (56 - 8 * place)) & 255)
    for i in range(32):
        out[i] = (h.state[i // 4] >> (24 - 8 * (i % 4))) & 255


@kernel
def leaf_hash(h, content, out):  # type: ignore[no-untyped-def]
    """Hash of a leaf: bytes of shape (length,)."""
    hash_start(h)
    hash_add(h, 0)
    for i in range(content.size):
        hash_add(h, int(content[i]))
    hash_finish(h, out)


@kernel
def node_hash(h, left, right, out):  # type: ignore[no-untyped-def]
    """Hash of an inner node; `out` may be `left` or `right`."""
    hash_start(h)
    hash_add(h, 1)
    for i in range(32):
        hash_add(h, int(left[i]))
    for i in range(32):
        hash_add(h, int(right[i]))
    hash_finish(h, out)


@kernel
def merkle_levels(count):  # type: ignore[no-untyped-def]
    """Length of the longest proof in a tree of `count` leaves."""
    levels = 0
    while (1 << levels) < count:
        levels += 1
    return levels


@kernel
def merkle_root(h, hashes, count):  # type: ignore[no-untyped-def]
    """Fold the first `count` (1 or more) leaf hashes, shape (count, 32), into ``hashes[0]``.

    Level by level: pairs are joined, an odd one at the end moves up as it is. That gives the
    tree of RFC 6962.
    """
    while count > 1:
        for pair in range(count // 2):
            node_hash(h, hashes[2 * pair], hashes[2 * pair + 1], hashes[pair])
        if count % 2 == 1:
            for i in range(32):
                hashes[count // 2, i] = hashes[count - 1, i]
        count = (count + 1) // 2


@kernel
def merkle_prove(h, hashes, count, leaf, proof):  # type: ignore[no-untyped-def]
    """Write the proof of `leaf`, the nearest sibling first, to `proof` (shape (levels, 32)).

    Folds `hashes` as `merkle_root` does. Gives the number of siblings.
    """
    length = 0
    while count > 1:
        sibling = leaf ^ 1
        if sibling < count:
            for i in range(32):
                proof[length, i] = hashes[sibling, i]
            length += 1
        for pair in range(count // 2):
            node_hash(h, hashes[2 * pair], hashes[2 * pair + 1], hashes[pair])
        if count % 2 == 1:
            for i in range(32):
                hashes[count // 2, i] = hashes[count - 1, i]
        leaf //= 2
        count = (count + 1) // 2
    return length


@kernel
def merkle_check(h, found, count, leaf, proof, length, root):  # type: ignore[no-untyped-def]
    """1 if `proof` (of `length` siblings) leads from the hash `found` of leaf number `leaf` of
    `count` to `root`. Overwrites `found`.
    """
    if leaf < 0 or leaf >= count:
        return 0
    used = 0
    while count > 1:
        if leaf ^ 1 < count:
            if used == length:
                return 0
            if leaf & 1 == 1:
                node_hash(h, proof[used], found, found)
            else:
                node_hash(h, found, proof[used], found)
            used += 1
        leaf //= 2
        count = (count + 1) // 2
    if used != length:
        return 0
    for i in range(32):
        if found[i] != root[i]:
            return 0
    return 1


def tree_words(leaves: Sequence[bytes], depth: int) -> list[int]:
    """The words that the RTL puts out for one tree, whose levels it has `depth` slots for."""
    h, words = new_hasher(), []
    waiting: dict[int, npt.NDArray[np.uint8]] = {}
    lost = False
    for number, content in enumerate(leaves):
        found, level, ends = np.zeros(DIGEST, np.uint8), 0, number == len(leaves) - 1
        leaf_hash(h, np.frombuffer(content, np.uint8), found)
        while True:
            partner = min((one for one in waiting if one == level or ends and one > level),
                          default=None)
            lost = lost or partner is None and not ends and level >= depth
            root = ends and partner is None
            words.append(int(lost) << 287 | int(root) << 286 | level << 272
                         | number >> level << 256 | int.from_bytes(found.tobytes(), "little"))
            if partner is None:
                break
            node_hash(h, waiting.pop(partner), found, found)
            level = partner + 1
        if not ends and level < depth:
            waiting[level] = found
    return words
