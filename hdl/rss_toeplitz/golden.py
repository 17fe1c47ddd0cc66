"""Golden of receive-side scaling: the Toeplitz hash, as a kernel on arrays of bytes.

Every bit of the input that is set adds, by XOR, the 32 bits of the key that begin at its place
(Microsoft's specification of RSS hashing, which NICs follow). A table turns the low bits of the
hash into a queue.

Left out: which fields of a packet are hashed.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["KEY_BYTES", "toeplitz", "toeplitz_hash"]

KEY_BYTES = 40         # for inputs of up to 36 bytes
HASH_BYTES = 4


@kernel
def toeplitz(key, content):  # type: ignore[no-untyped-def]
    """32-bit hash of `content`, bytes of shape (n,), by `key`, of shape (n + 4,) or more."""
    total = 0
    for place in range(content.size):
        # the 39 bits of the key that the eight bits of this byte reach
        reach = 0
        for step in range(5):
            reach = reach << 8 | int(key[place + step])
        for bit in range(8):
            if (int(content[place]) >> (7 - bit)) & 1:
                total ^= (reach >> (8 - bit)) & 0xFFFFFFFF
    return total


def toeplitz_hash(key: bytes, content: bytes) -> int:
    """Hash of `content`. Raises UsageError unless the key has 4 bytes more than it.

    >>> hex(toeplitz_hash(bytes([0, 0, 0, 1, 0x80]), b"\\x01"))
    '0xc0'
    """
    if len(key) < len(content) + HASH_BYTES:
        raise UsageError(f"Toeplitz hash of {len(content)} bytes: the key has {len(key)} bytes and "
                         f"must have {len(content) + HASH_BYTES} or more")
    return int(toeplitz(np.frombuffer(key, np.uint8), np.frombuffer(content, np.uint8)))
