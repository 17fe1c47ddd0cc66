"""The Toeplitz golden against the vectors of Microsoft's specification, and its linearity."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.rss_toeplitz import KEY_BYTES, toeplitz_hash

KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c"
                    "6a42b73bbeac01fa")
# source, port, destination, port, hash of the addresses, hash of addresses and ports
VECTORS = [
    ("66.9.149.187", 2794, "161.142.100.80", 1766, 0x323E8FC2, 0x51CCC178),
    ("199.92.111.2", 14230, "65.69.140.83", 4739, 0xD718262A, 0xC626B0EA),
    ("24.19.198.95", 12898, "12.22.207.184", 38024, 0xD2D0A5DE, 0x5C2B394A),
    ("38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xAFC7327F),
    ("153.39.163.191", 44251, "202.188.127.2", 1303, 0x5D1809C5, 0x10E828A2),
    ("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2CC18CD5, 0x40207D3D),
    ("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0F0C461C, 0xDDE51BBF),
    ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024,
     0x4B61E985, 0x02D1FEEF),
]
TUPLES = st.binary(min_size=12, max_size=12)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector[0] for vector in VECTORS])
def test_vectors_of_the_specification(vector):
    source, port, destination, other, addresses, both = vector
    content = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    assert toeplitz_hash(KEY, content) == addresses
    assert toeplitz_hash(KEY, content + struct.pack(">HH", port, other)) == both


@given(TUPLES, TUPLES, st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_hashes_add(one, other, key):
    """h(a ^ b) = h(a) ^ h(b), and zeros hash to zero."""
    both = bytes(a ^ b for a, b in zip(one, other, strict=True))
    assert toeplitz_hash(key, both) == toeplitz_hash(key, one) ^ toeplitz_hash(key, other)
    assert toeplitz_hash(key, bytes(12)) == 0


@given(st.integers(0, 8 * 12 - 1), st.binary(min_size=16, max_size=16))
def test_one_bit_gives_the_key_from_its_place_on(bit, key):
    content = (1 << 8 * 12 - 1 - bit).to_bytes(12, "big")
    assert toeplitz_hash(key, content) == (
        int.from_bytes(key, "big") >> 8 * 16 - 32 - bit) & 0xFFFFFFFF


def test_a_short_key_is_refused():
    with pytest.raises(UsageError, match="the key has 11 bytes and must have 12"):
        toeplitz_hash(bytes(11), bytes(8))
