"""The closed form: monotone, vectorised, broadcast, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices.nvlink import Bundle
from rackwright.errors import UsageError


def test_no_bytes_take_no_time_and_more_take_more(hopper):
    bundle = Bundle(**hopper)
    times = bundle.p2p_time("incast2", np.arange(0, 200_000, 997))
    assert times[0] == 0 and (np.diff(times) >= 0).all()
    assert isinstance(bundle.transfer_time(1), float)
    assert bundle.transfer_time(np.ones((2, 3), int)).shape == (2, 3)


def test_long_messages_reach_the_bandwidth(hopper):
    bundle = Bundle(**hopper)
    assert bundle.bandwidth == pytest.approx(376.2e9, rel=1e-3)
    slope = bundle.transfer_time(1 << 31) - bundle.transfer_time(1 << 30)
    assert (1 << 30) / slope == pytest.approx(bundle.bandwidth, rel=1e-4)


def test_relations_between_patterns(hopper):
    time = Bundle(**hopper).p2p_time
    n = 1 << 24
    assert time("two_pairs", n) == time("single", n)
    assert time("ring4", n) == time("bidirectional", n) > time("single", n)
    assert time("outcast2", n) == time("incast2", n) < 2 * time("single", n)
    assert time([(3, 1)], n) == time("single", n)


def test_half_the_links_take_twice_as_long(hopper):
    whole, half = Bundle(**hopper), Bundle(**{**hopper, "links": 9})
    assert half.transfer_time(1 << 28) == pytest.approx(2 * whole.transfer_time(1 << 28), rel=1e-3)


@pytest.mark.parametrize("change, text", [
    ({"links": 0}, "links"), ({"link_bandwidth": 0.0}, "link_bandwidth"),
    ({"link_share": 1.2}, "link_share"), ({"response_flits": -1}, "response_flits"),
    ({"latency_time": -1e-9}, "latency_time"), ({"switch_latency_time": 2.0}, "switch_latency"),
    ({"credit_flits": 16}, r"whole packet \(17 flits\)"), ({"links": float("nan")}, "links"),
])
def test_impossible_numbers(hopper, change, text):
    with pytest.raises(UsageError, match=text):
        Bundle(**{**hopper, **change})


@pytest.mark.parametrize("nbytes", [-1, 1.5, "4k", float("nan"), [1, -2]])
def test_impossible_sizes(hopper, nbytes):
    with pytest.raises(UsageError, match="nbytes must be whole numbers"):
        Bundle(**hopper).transfer_time(nbytes)


def test_without_a_switch_two_gpus_are_all(hopper):
    straight = Bundle(**{**hopper, "switch_latency_time": None})
    with pytest.raises(UsageError, match="two GPUs"):
        straight.p2p_time("incast2", 1)
