"""The network of fault schedules: loss, doubling, delays and cuts as told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rackwright.engine.heap import heap_pop
from rackwright.errors import UsageError
from rackwright.models.protocols.network import (
    SCALE,
    away_from,
    is_cut,
    net_clear,
    net_send,
    new_network,
)


def delivered(net: Any) -> list[tuple[int, int]]:
    """(time, first word) of all that is under way."""
    found = []
    while net.heap.size[0] > 0:
        time, _, place = heap_pop(net.heap)
        found.append((int(time), int(net.words[place, 0])))
    return found


def network(loss: float = 0.0, double: float = 0.0, seed: int = 1) -> Any:
    net = new_network(2048)
    net_clear(net, seed, int(loss * SCALE), int(double * SCALE), 10)
    return net


def sent(net: Any, count: int = 1000) -> list[tuple[int, int]]:
    for word in range(count):
        net_send(net, 100, 0, 1, 0, word, 0, 0, 0, 0, 0, 0)
    return delivered(net)


def test_quiet_network_delivers_once_in_any_order() -> None:
    found = sent(network())
    assert sorted(word for _, word in found) == list(range(1000))
    assert [word for _, word in found] != list(range(1000))
    assert min(time for time, _ in found) > 100
    assert 110 < max(time for time, _ in found) <= 100 + 120


def test_loss_and_doubling() -> None:
    lossy = network(loss=0.25)
    assert len(sent(lossy)) == pytest.approx(750, abs=60)
    assert lossy.dropped[0] == pytest.approx(250, abs=60)
    counts = Counter(word for _, word in sent(network(double=0.25)))
    assert set(counts.values()) == {1, 2}
    assert sum(counts.values()) == pytest.approx(1250, abs=60)


def test_seed_decides() -> None:
    assert sent(network(0.1, 0.1, seed=5)) == sent(network(0.1, 0.1, seed=5))
    assert sent(network(0.1, 0.1, seed=5)) != sent(network(0.1, 0.1, seed=6))


def test_cut_drops_what_crosses_it_while_it_lasts() -> None:
    net = network()
    net.cut_from[0], net.cut_to[0], net.cut_nodes[0] = 50, 60, 0b101
    crossing = {(a, b): bool(is_cut(net, a, b, 55)) for a in range(4) for b in range(4)}
    assert {pair for pair, cut in crossing.items() if cut} == {
        (0, 1), (1, 0), (0, 3), (3, 0), (2, 1), (1, 2), (2, 3), (3, 2)}
    assert not is_cut(net, 0, 1, 49) and not is_cut(net, 0, 1, 60)
    for node in range(4):
        away = int(away_from(net, node, 55))
        assert [bool(away >> other & 1) for other in range(4)] == [
            crossing[node, other] for other in range(4)]


def test_room_is_checked() -> None:
    with pytest.raises(UsageError, match="at least 16"):
        new_network(2)
    net = new_network(16)
    net_clear(net, 1, 0, 0, 10)
    assert len(sent(net, 40)) == 16
    assert net.dropped[1] == 24
