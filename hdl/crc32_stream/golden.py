"""Golden of the frame check: CRC-32 of IEEE 802.3, as a kernel on bytes.

Polynomial 0x04C11DB7, bits of a byte lowest first, register all ones at the start and inverted at
the end. A frame followed by its CRC, lowest byte first, has the CRC `RESIDUE`.

Left out: frames that are not whole bytes.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.kernel import kernel

__all__ = ["RESIDUE", "crc32", "crc32_add"]

RESIDUE = 0x2144DF1C


@kernel
def crc32_add(crc, content):  # type: ignore[no-untyped-def]
    """CRC of what `crc` is the CRC of, followed by `content`, bytes of shape (n,)."""
    register = crc ^ 0xFFFFFFFF
    for place in range(content.size):
        register ^= int(content[place])
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def crc32(content: bytes) -> int:
    """CRC of `content`.

    >>> hex(crc32(b"123456789"))
    '0xcbf43926'
    """
    return int(crc32_add(0, np.frombuffer(content, np.uint8)))
