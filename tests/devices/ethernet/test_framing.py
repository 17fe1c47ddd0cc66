"""Frames: sizes known from the standards, shares, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.devices.ethernet import Framing
from rackwright.errors import UnknownName, UsageError

FRAMINGS = st.one_of(
    st.builds(Framing, st.sampled_from(["rocev2", "infiniband"]),
              st.sampled_from([256, 1024, 4096]), st.sampled_from([4, 6]), st.booleans()),
    st.builds(Framing, st.sampled_from(["ethernet", "udp", "tcp"]), st.integers(576, 9216),
              st.sampled_from([4, 6]), st.booleans(), st.booleans()))


@pytest.mark.parametrize("framing, payload, wire", [
    (Framing("ethernet"), 1500, 1538),                # the known 1518 + 20
    (Framing("udp"), 1472, 1538),
    (Framing("tcp"), 1448, 1538),
    (Framing("tcp", stamps=False), 1460, 1538),
    (Framing("tcp", 9000, 6, vlan=True), 8928, 9042),
    (Framing("rocev2"), 4096, 4178),
    (Framing("rocev2", ip=6, vlan=True), 4096, 4202),
    (Framing("infiniband"), 4096, 4122),
])
def test_full_frames(framing, payload, wire):
    assert (framing.payload_nbytes, framing.full_nbytes) == (payload, wire)
    assert framing.efficiency == payload / wire
    assert framing.goodput(100e9) == pytest.approx(12.5e9 * payload / wire)


def test_short_frames_are_padded():
    assert Framing("ethernet").wire_nbytes(1) == 84   # 64 + 20, the 14.88 Mpps of 10 GbE
    assert 10e9 / 8 / 84 == pytest.approx(14.88e6, rel=1e-3)
    assert Framing("ethernet", vlan=True).wire_nbytes(1) == 88
    assert Framing("rocev2").wire_nbytes(1) == 4 + 82 + 16
    assert Framing().wire_nbytes(0) == 0


def test_only_the_first_packet_of_a_write_says_where_to():
    framing = Framing("rocev2")
    assert framing.ends(np.float64(10_000)) == (4178 + 16, 10_000 - 8192 + 82)
    assert framing.wire_nbytes(10_000) == 10_000 + 3 * 82 + 16


@given(FRAMINGS, st.integers(0, 100_000))
def test_frame_by_frame(framing, nbytes):
    sizes, left = [], nbytes
    while left > 0:
        sizes.append(min(left, framing.payload_nbytes))
        left -= sizes[-1]
    assert framing.frames(nbytes) == len(sizes)
    wire = sum(float(framing._wire(np.float64(size), framing.first_extra_nbytes * (not one)))
               for one, size in enumerate(sizes))
    assert framing.wire_nbytes(nbytes) == wire >= nbytes


@pytest.mark.parametrize("arguments, text", [
    ({"mtu": 10}, "path MTU of 256, 512"), ({"protocol": "tcp", "mtu": 10}, "576 to 9216"),
    ({"protocol": "udp", "mtu": 1500.5}, "576 to 9216"), ({"mtu": 1500}, "path MTU"),
    ({"ip": 5}, "4 or 6"),
])
def test_impossible_framings(arguments, text):
    with pytest.raises(UsageError, match=text):
        Framing(**arguments)


def test_other_protocols():
    with pytest.raises(UnknownName, match="protocol 'roce'. Did you mean 'rocev2'"):
        Framing("roce")
