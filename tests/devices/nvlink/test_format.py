"""Packets in flits: counts, shares, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.devices.nvlink import FLIT_NBYTES, PacketFormat
from rackwright.errors import RackwrightError

PAYLOADS = st.integers(1, 16).map(lambda flits: flits * FLIT_NBYTES)


def flits_one_by_one(nbytes: int, payload: int) -> int:
    """Another way to count: packet by packet."""
    total = 0
    while nbytes > 0:
        part = min(nbytes, payload)
        full, rest = divmod(part, FLIT_NBYTES)
        total += 1 + full + (2 if rest else 0)
        nbytes -= part
    return total


@given(st.integers(0, 20_000), PAYLOADS, st.integers(1, 36))
def test_the_busiest_link_has_the_flits_of_every_so_many_packets(nbytes, payload, links):
    form = PacketFormat(payload)
    rounds, last = form.busiest(np.float64(nbytes), links)
    packets = -(-nbytes // payload)
    mine = list(range(0, packets, links))
    assert rounds == len(mine)
    flits = sum(flits_one_by_one(min(payload, nbytes - packet * payload), payload)
                for packet in mine)
    assert max(rounds - 1, 0) * form.packet_flits + last == flits


def test_sixteen_of_seventeen_flits_are_payload():
    assert PacketFormat().efficiency == 16 / 17
    assert PacketFormat(128).efficiency == 8 / 9  # what SMs send; 1/8 of the payload is header


@pytest.mark.parametrize("payload", [0, -16, 8, 24, 272, 1 << 20, 16.5, True, "256"])
def test_other_payloads_are_refused(payload):
    with pytest.raises(RackwrightError, match=r"payload_nbytes of an NVLink packet is .*multiples"):
        PacketFormat(payload)
