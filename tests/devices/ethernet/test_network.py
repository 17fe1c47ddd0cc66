"""Networks: ways, equal-cost choices, order, determinism, and what is refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rackwright.devices.ethernet import (
    Framing,
    PacketNetwork,
    SwitchModel,
    Transfer,
    simulate,
    star,
    two_tier,
)
from rackwright.devices.ethernet.simulate import Delivery
from rackwright.errors import UsageError

RAW = Framing("ethernet")


def clos():
    return two_tier(4, 4, 4, 100e9, 100e9, SwitchModel(400e-9), 100e-9)


def same(one: Delivery, other: Delivery) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
               for name in ("finish_time", "dropped", "wire_nbytes", "most_used_nbytes", "pauses"))


def test_flows_spread_over_equal_ways_and_stay_on_theirs():
    network = clos()
    source, target = network.number("h0"), network.number("h15")
    ways = Counter(network.ways([(source, target)] * 400))
    assert len(ways) == 4 and min(ways.values()) > 70
    assert all(len(way) == 4 for way in ways)
    assert network.ways([(source, target)] * 9) == network.ways([(source, target)] * 9)
    assert ways != Counter(network.ways([(source, target)] * 400, seed=1))


def test_within_a_leaf_the_way_is_short():
    network = clos()
    assert len(network.ways([(network.number("h0"), network.number("h3"))])[0]) == 2


def test_wire_bytes_add_up():
    network = clos()
    transfers = [Transfer(f"h{host}", f"h{(host + 5) % 16}", 30_000) for host in range(16)]
    found = simulate(network, transfers, RAW, checked=True)
    hops = sum(map(len, network.ways([(network.number(one.source), network.number(one.target))
                                      for one in transfers])))
    assert found.wire_nbytes.sum() == hops * RAW.wire_nbytes(30_000)


def test_the_same_twice_and_in_slices():
    transfers = [Transfer(f"h{host}", f"h{(host * 7 + 1) % 16}", 60_000, host * 1e-7)
                 for host in range(16) if host != (host * 7 + 1) % 16]
    model = SwitchModel(400e-9, buffer_nbytes=30_000)
    network = two_tier(4, 2, 4, 100e9, 50e9, model, 100e-9)
    whole = simulate(network, transfers, RAW)
    assert whole.drops.sum() > 0
    assert same(whole, simulate(network, transfers, RAW))
    assert same(whole, simulate(network, transfers, RAW, max_events=3))


def test_transfers_of_a_host_take_turns():
    network = star(3, 100e9, SwitchModel())
    found = simulate(network, [Transfer("h0", "h1", 150_000), Transfer("h0", "h2", 150_000)], RAW)
    assert np.ptp(found.finish_time) <= 2 * 1538 * 8 / 100e9 + 1e-12


@pytest.mark.parametrize("transfer, text", [
    (Transfer("h0", "s0", 1), "s0 is a switch"), (Transfer("h0", "h9", 1), "no node 'h9'"),
    (Transfer("h0", "h0", 1), "no way"), (Transfer("h0", "h1", 0), "whole number >= 1"),
    (Transfer("h0", "h1", -5), "whole number >= 1"), (Transfer("h0", "h1", 1, kind=1), "class 1"),
])
def test_transfers_that_cannot_be(transfer, text):
    with pytest.raises(UsageError, match=text):
        simulate(star(2, 1e11, SwitchModel()), [transfer])


@pytest.mark.parametrize("arguments, text", [
    ({"latency_time": -1.0}, "latency_time"), ({"classes": 9}, "classes"),
    ({"scheduler": "fifo"}, "strict or drr"), ({"scheduler": "drr"}, "quanta"),
    ({"buffer_nbytes": 0}, "buffer_nbytes"), ({"xoff_nbytes": 5, "xon_nbytes": 6}, "xon_nbytes"),
    ({"headroom_nbytes": -1}, "headroom"), ({"port_nbytes": 0}, "port_nbytes"),
])
def test_switches_that_cannot_be(arguments, text):
    with pytest.raises(UsageError, match=text):
        SwitchModel(**arguments)


def test_networks_that_cannot_be():
    network = PacketNetwork()
    network.add_host("a")
    with pytest.raises(UsageError, match="empty or taken"):
        network.add_host("a")
    network.add_switch("s", SwitchModel())
    network.join("a", "s", 1e9)
    with pytest.raises(UsageError, match="a host has one"):
        network.join("a", "s", 1e9)
    with pytest.raises(UsageError, match="rate"):
        network.join("s", "s", 1e9)
    with pytest.raises(UsageError, match="at least one transfer"):
        simulate(network, [])
    with pytest.raises(UsageError, match="hosts is 0"):
        star(0, 1e9, SwitchModel())
