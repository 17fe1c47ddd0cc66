"""Closed form against flit model, over sweeps: within 2 % (all-to-all: 3 %)."""

from __future__ import annotations

import pytest

from rackwright.devices.nvlink import Bundle, CycleBundle, PacketFormat

SIZES = [1, 16, 17, 255, 256, 4096, 4609, 65_537, 300_001, 1 << 20, 5_000_000, 1 << 26]
PATTERNS = ["single", "bidirectional", "incast2", "incast3", "outcast2", "ring4", "two_pairs"]
GENERATIONS = [(4, 20e9, None), (6, 25.78e9, None), (12, 25e9, 1e-7), (18, 50e9, 1e-7)]


def agree(arguments, pattern, bound, nbytes=tuple(SIZES)):
    closed, cycle = (cls(**arguments).p2p_time(pattern, list(nbytes))
                     for cls in (Bundle, CycleBundle))
    assert closed == pytest.approx(cycle, rel=bound)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(hopper, pattern):
    agree(hopper, pattern, 0.002)


@pytest.mark.parametrize("pattern", ["single", "bidirectional", "incast2", "outcast2"])
@pytest.mark.parametrize("credits", [17, 34, 40, 100, 350, 500, 700])
def test_short_credits(hopper, pattern, credits):
    agree({**hopper, "credit_flits": credits}, pattern, 0.02, [256, 65_537, 300_001, 5_000_000])


def test_room_for_one_packet_and_several_short_ends(hopper):
    """The worst corner known: short last packets of several flows share a window of one packet."""
    agree({**hopper, "credit_flits": 17}, "incast2", 0.07, [4609])


@pytest.mark.parametrize("payload", [16, 64, 128])
def test_short_packets(hopper, payload):
    for pattern in ("bidirectional", "incast2"):
        agree({**hopper, "format": PacketFormat(payload)}, pattern, 0.01, SIZES[:-1])


@pytest.mark.parametrize("links, bandwidth, switch", GENERATIONS)
def test_generations(hopper, links, bandwidth, switch):
    arguments = {**hopper, "links": links, "link_bandwidth": bandwidth,
                 "switch_latency_time": switch}
    for pattern in ("single", "bidirectional"):
        agree(arguments, pattern, 0.005)


@pytest.mark.parametrize("gpus", [4, 8])
def test_all_to_all(hopper, gpus):
    agree(hopper, f"all_to_all{gpus}", 0.03, SIZES[:-2])
