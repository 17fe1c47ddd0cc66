"""Messages over chains of links: closed form against the packet model, and against hand sums."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices.ethernet import (
    Framing,
    Hop,
    PacketNetwork,
    SwitchModel,
    Transfer,
    message_time,
    simulate,
)
from rackwright.errors import UsageError

CHAINS = [(100e9,), (100e9, 100e9), (100e9, 400e9, 100e9), (400e9, 100e9, 100e9, 400e9),
          (25e9, 100e9, 400e9, 100e9, 50e9)]
SIZES = [1, 100, 1000, 4096, 4097, 8192, 8193, 20_000, 1_000_000]


def chain(rates, cut_through):
    network, before = PacketNetwork(), "a"
    network.add_host("a")
    for number, rate in enumerate(rates[:-1]):
        network.add_switch(f"s{number}", SwitchModel(400e-9, cut_through))
        network.join(before, f"s{number}", rate, 100e-9)
        before = f"s{number}"
    network.add_host("b")
    network.join(before, "b", rates[-1], 100e-9)
    return network


@pytest.mark.parametrize("rates", CHAINS)
@pytest.mark.parametrize("cut_through", [True, False])
@pytest.mark.parametrize("protocol", ["rocev2", "tcp", "infiniband"])
def test_closed_form_and_packet_model_are_the_same(rates, cut_through, protocol):
    framing = Framing(protocol)
    network = chain(rates, cut_through)
    hops = [Hop(rate, 100e-9, 400e-9, cut_through) for rate in rates]
    found = [simulate(network, [Transfer("a", "b", size)], framing, checked=size < 10_000)
             .finish_time[0] for size in SIZES]
    assert message_time(SIZES, hops, framing) == pytest.approx(found, rel=1e-4)


def test_store_and_forward_by_hand():
    """Two frames of 1538 bytes over two hops of 100 Gb/s: three frames, two wires, a switch."""
    hops = [Hop(100e9, 50e-9, 300e-9, cut_through=False)] * 2
    frame = 1538 * 8 / 100e9
    assert message_time(3000, hops, Framing("ethernet")) == pytest.approx(
        3 * frame + 2 * 50e-9 + 300e-9)


def test_cutting_through_saves_a_frame_less_its_head():
    slow, fast = ([Hop(100e9, 50e-9, 300e-9, cut)] * 2 for cut in (False, True))
    saved = message_time(1500, slow, Framing("ethernet")) - message_time(
        1500, fast, Framing("ethernet"))
    assert saved == pytest.approx((1538 - 72) * 8 / 100e9)


def test_a_faster_output_cannot_cut_through():
    hops = [Hop(100e9), Hop(400e9, cut_through=True)]
    stored = [Hop(100e9), Hop(400e9, cut_through=False)]
    assert message_time(SIZES, hops) == pytest.approx(message_time(SIZES, stored))


def test_shapes_and_limits():
    hops = [Hop(100e9, 1e-6)] * 3
    assert message_time(0, hops) == 0.0
    times = message_time(np.arange(1, 100_000, 501), hops)
    assert (np.diff(times) > 0).all()
    assert message_time(1 << 30, hops) == pytest.approx((1 << 30) / Framing().goodput(100e9),
                                                        rel=1e-3)


@pytest.mark.parametrize("make", [
    lambda: Hop(0), lambda: Hop(float("nan")), lambda: Hop(1e9, -1e-9), lambda: Hop(1e9, 0, -1),
    lambda: message_time(1, []), lambda: message_time(-5, [Hop(1e9)]),
    lambda: message_time(1.5, [Hop(1e9)]),
])
def test_impossible_arguments(make):
    with pytest.raises(UsageError):
        make()
