"""PFC: nothing lost with the headroom of the closed form, buffers bounded, pauses spread, block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices.ethernet import (
    Framing,
    PacketNetwork,
    SwitchModel,
    Transfer,
    headroom_nbytes,
    pause_time,
    simulate,
    star,
    two_tier,
)
from rackwright.errors import Stalled, UsageError

RATE = 100e9
WIRE = 500e-9
RAW = Framing("ethernet")
SWITCH = 300e-9
ROOM = headroom_nbytes(RATE, WIRE, 1518, SWITCH)
LOSSLESS = SwitchModel(SWITCH, pfc=True, xoff_nbytes=20_000, xon_nbytes=10_000,
                       headroom_nbytes=ROOM)


def incast(senders, frames):
    return [Transfer(f"h{sender}", "h0", frames * 1500) for sender in range(1, senders + 1)]


@pytest.mark.parametrize("senders", [2, 4, 8])
def test_pauses_keep_everything_within_the_bound(senders):
    network = star(senders + 1, RATE, LOSSLESS, WIRE)
    found = simulate(network, incast(senders, 200), RAW)
    assert found.drops.sum() == 0 and found.pauses.sum() > 0
    assert 20_000 < found.most_held_nbytes.max() <= 20_000 + ROOM
    assert found.most_used_nbytes.max() <= senders * (20_000 + ROOM)


def test_the_receiver_never_idles():
    frame = 1538 * 8 / RATE
    found = simulate(star(5, RATE, LOSSLESS, WIRE), incast(4, 200), RAW)
    assert found.finish_time.max() == pytest.approx(800 * frame + 2 * WIRE + SWITCH, rel=0.01)


def test_without_headroom_frames_are_lost_without_pauses_more():
    short = replace(LOSSLESS, headroom_nbytes=ROOM // 4)
    off = replace(LOSSLESS, pfc=False, buffer_nbytes=8 * 20_000)
    losses = [simulate(star(9, RATE, model, WIRE), incast(8, 200), RAW).drops.sum()
              for model in (LOSSLESS, short, off)]
    assert losses[0] == 0 < losses[1] < losses[2]


@settings(max_examples=25, deadline=None)
@given(wire=st.integers(0, 2000), delay=st.integers(0, 2000), response=st.integers(0, 1000),
       senders=st.integers(2, 6), xoff=st.integers(2000, 40_000),
       mtu=st.sampled_from([576, 1500, 9000]), data=st.data())
def test_losslessness_holds_whatever_the_numbers(wire, delay, response, senders, xoff, mtu, data):
    xon = data.draw(st.integers(0, xoff))
    framing = Framing("ethernet", mtu)
    room = headroom_nbytes(RATE, wire * 1e-9, mtu + 18, delay * 1e-9, response * 1e-9)
    model = SwitchModel(delay * 1e-9, data.draw(st.booleans()), pfc=True, xoff_nbytes=xoff,
                        xon_nbytes=xon, headroom_nbytes=room)
    transfers = [replace(transfer, nbytes=data.draw(st.integers(1, 300_000)))
                 for transfer in incast(senders, 1)]
    transfers += [Transfer("h0", f"h{sender}", 100_000) for sender in range(1, senders + 1)]
    found = simulate(star(senders + 1, RATE, model, wire * 1e-9), transfers, framing,
                     pause_response_time=response * 1e-9)
    assert found.drops.sum() == 0 and np.isfinite(found.finish_time).all()


def test_every_step_conserves_bytes_while_pauses_come_and_go():
    found = simulate(star(4, RATE, LOSSLESS, WIRE), incast(3, 40), RAW, checked=True)
    assert found.pauses.sum() > 0


def tree():
    """Hosts a, b behind s1, c behind s2 with receivers d (busy) and e (idle)."""
    network = PacketNetwork()
    for switch in ("s1", "s2"):
        network.add_switch(switch, replace(LOSSLESS, xoff_nbytes=10_000, xon_nbytes=5_000))
    for host, switch in (("a", "s1"), ("b", "s1"), ("c", "s2"), ("f", "s2"), ("d", "s2"),
                         ("e", "s2")):
        network.add_host(host)
        network.join(host, switch, RATE, WIRE)
    network.join("s1", "s2", RATE, WIRE)
    return network


def test_a_pause_spreads_and_blocks_who_goes_elsewhere():
    """b sends to the idle e, but its switch is silenced because of a's frames for the busy d."""
    size = 400 * 1500
    busy = [Transfer("a", "d", size), Transfer("c", "d", size), Transfer("f", "d", size)]
    blocked = simulate(tree(), [*busy, Transfer("b", "e", size)], RAW)
    alone = simulate(tree(), [Transfer("b", "e", size)], RAW)
    assert blocked.drops.sum() == 0
    assert blocked.finish_time[3] > 1.5 * alone.finish_time[0]
    network = tree()
    into_s1 = [index for index, port in enumerate(network.ports)
               if network.names[port.target] == "s1" and network.models[port.source] is None]
    assert blocked.pauses[into_s1].sum() > 0  # s1 in turn silences its hosts


def test_another_class_is_not_blocked():
    network, size = tree(), 400 * 1500
    for node, model in enumerate(network.models):
        if model is not None:
            network.models[node] = replace(model, classes=2)
    busy = [Transfer("a", "d", size, kind=1), Transfer("c", "d", size, kind=1),
            Transfer("f", "d", size, kind=1)]
    free = simulate(network, [*busy, Transfer("b", "e", size, kind=0)], RAW)
    alone = simulate(network, [Transfer("b", "e", size, kind=0)], RAW)
    assert free.finish_time[3] == pytest.approx(alone.finish_time[0], rel=0.01)


def test_pauses_in_a_ring_can_deadlock_and_it_is_said(monkeypatch):
    """Three switches in a ring, each flow two hops on: every one waits for the next."""
    network = PacketNetwork()
    model = SwitchModel(pfc=True, xoff_nbytes=3_000, xon_nbytes=1_500)
    for number in range(3):
        network.add_switch(f"s{number}", model)
        for side in "ab":
            network.add_host(f"{side}{number}")
            network.join(f"{side}{number}", f"s{number}", RATE, WIRE)
    for number in range(3):
        network.join(f"s{number}", f"s{(number + 1) % 3}", 25e9, WIRE)

    def two_hops_on(source, target):
        start = int(network.names[source][1])
        nodes = [source, *(network.number(f"s{(start + step) % 3}") for step in range(3)), target]
        return tuple(next(index for index, port in enumerate(network.ports)
                          if (port.source, port.target) == pair)
                     for pair in zip(nodes, nodes[1:], strict=False))

    monkeypatch.setattr(network, "ways",
                        lambda pairs, seed=0: [two_hops_on(*pair) for pair in pairs])
    transfers = [Transfer(f"a{number}", f"b{(number + 2) % 3}", 3_000_000) for number in range(3)]
    with pytest.raises(Stalled, match="pauses that wait for each other deadlock"):
        simulate(network, transfers, RAW)


def test_two_tiers_lose_nothing():
    network = two_tier(3, 2, 3, RATE, RATE, LOSSLESS, WIRE)
    transfers = [Transfer(f"h{host}", f"h{(host + 4) % 9}", 150_000) for host in range(9)]
    transfers += [Transfer(f"h{host}", "h0", 150_000) for host in range(1, 9)]
    found = simulate(network, transfers, RAW, seed=3)
    assert found.drops.sum() == 0 and np.isfinite(found.finish_time).all()


def test_quanta():
    assert pause_time(65_535, 100e9) == pytest.approx(335.5e-6, rel=1e-3)
    for quanta, rate in ((-1, 1e9), (65_536, 1e9), (1, 0.0)):
        with pytest.raises(UsageError):
            pause_time(quanta, rate)


def test_headroom_grows_with_the_wire():
    assert headroom_nbytes(100e9, 0.0, 1518) == 84 + 3 * 1518 + 20
    assert headroom_nbytes(100e9, 500e-9, 1518) == 84 + 12_500 + 3 * 1518 + 20
    with pytest.raises(UsageError):
        headroom_nbytes(100e9, -1.0, 1518)
