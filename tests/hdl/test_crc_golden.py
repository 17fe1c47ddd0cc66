"""The frame check's golden against zlib."""

from __future__ import annotations

import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rackwright.hdl.crc32_stream import RESIDUE, crc32, crc32_add


@given(st.binary(max_size=100))
def test_equals_zlib(content):
    assert crc32(content) == zlib.crc32(content)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_parts_follow_each_other(head, tail):
    assert crc32_add(crc32(head), np.frombuffer(tail, np.uint8)) == zlib.crc32(head + tail)


@given(st.binary(max_size=40))
def test_a_frame_with_its_check_leaves_the_residue(content):
    assert crc32(content + crc32(content).to_bytes(4, "little")) == RESIDUE
