"""The timed network: order of queues, cancels, small messages, preferences of pairs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from rackwright.engine.heap import heap_pop
from rackwright.models.dispersedledger.wires import (
    Wires,
    cancel,
    move_chunks,
    new_wires,
    queue_chunk,
    send_small,
)
from rackwright.models.dispersedledger.world import CHUNK, GOT, RETURN
from rackwright.models.protocols.network import Network, net_clear, new_network

N, RATE, DELAY, TICK = 4, 1e6, 0.1, 0.01
CLASS = {CHUNK: 0, RETURN: 1}


class Bench(NamedTuple):
    net: Network
    wires: Wires

    def send(self, kind: int, instance: int, nbytes: float, source: int = 0, to: int = 1) -> None:
        self.net.free_count[0] -= 1
        place = self.net.free[self.net.free_count[0]]
        self.net.words[place, 0] = instance
        queue_chunk(self.wires, self.net, source, to, CLASS[kind], place, nbytes, instance // N)

    def run(self, ticks: int) -> list[tuple[float, int, int]]:
        """(time, kind, instance) of what arrives."""
        for tick in range(ticks):
            move_chunks(self.wires, self.net, round(tick * TICK * 1e12))
        found = []
        while self.net.heap.size[0] > 0:
            time, kind, place = heap_pop(self.net.heap)
            found.append((int(time) * 1e-12, int(kind), int(self.net.words[place, 0])))
        return found


def _bench(delay: Any = None, by_rtt: bool = False) -> Bench:
    delays = np.full((N, N), DELAY) if delay is None else delay
    rates = np.full((1, N), RATE)
    net = new_network(256)
    net_clear(net, 0, 0, 0, 1)
    return Bench(net, new_wires(rates, rates, delays, (1.0, TICK, 0.0), 64, 256, by_rtt))


@pytest.fixture
def bench() -> Bench:
    return _bench()


def test_a_chunk_takes_its_bytes_and_its_delay(bench: Bench) -> None:
    bench.send(CHUNK, 0, 25_000)
    [(time, kind, _)] = bench.run(10)
    assert time == pytest.approx(0.025 + DELAY)
    assert kind == CHUNK


def test_the_oldest_epoch_is_retrieved_first(bench: Bench) -> None:
    for instance in (9, 5, 6, 1):
        bench.send(RETURN, instance, 10_000)
    assert [instance for _, _, instance in bench.run(10)] == [1, 5, 6, 9]


def test_dispersal_keeps_its_order_and_goes_first(bench: Bench) -> None:
    bench.send(RETURN, 0, 30_000)
    for instance in (9, 1):
        bench.send(CHUNK, instance, 30_000)
    found = bench.run(12)
    assert [instance for _, _, instance in found] == [9, 1, 0]
    assert found[1][0] == pytest.approx(DELAY + 0.062, abs=0.001)     # 30 parts of 31


def test_a_cancel_spares_the_first_chunk_of_each_epoch(bench: Bench) -> None:
    for instance in (0, 1, 2, 4, 5):
        bench.send(RETURN, instance, 10_000)
        cancel(bench.wires, 0, 1, instance)
    assert [instance for _, _, instance in bench.run(10)] == [0, 4]
    assert bench.wires.backlog.sum() == 0
    assert bench.net.free_count[0] == 256 - 2     # the two lie with the receiver


def test_small_messages_overtake_and_are_paid_for(bench: Bench) -> None:
    bench.net.free_count[0] -= 1
    place = bench.net.free[bench.net.free_count[0]]
    send_small(bench.wires, bench.net, 0, 0, 1, GOT, place, 1_000.0)
    bench.send(CHUNK, 3, 10_000)
    (small, kind, _), (big, _, _) = bench.run(3)
    assert small == pytest.approx(DELAY + 2e-3)
    assert kind == GOT
    assert big == pytest.approx(DELAY + 0.011, abs=2e-4)


def test_a_small_message_waits_out_a_port_without_rate() -> None:
    bench = _bench()
    rates = np.array([[0.0] * N, [RATE] * N])
    bench = bench._replace(wires=bench.wires._replace(up=rates, down=rates))
    bench.net.free_count[0] -= 1
    place = bench.net.free[bench.net.free_count[0]]
    send_small(bench.wires, bench.net, 0, 0, 1, GOT, place, 1_000.0)
    time, _, _ = heap_pop(bench.net.heap)
    assert time * 1e-12 == pytest.approx(1.0 + DELAY + 2e-3)     # the step is a second


def test_ports_are_shared_by_the_inverse_of_the_round_trip() -> None:
    delays = np.full((N, N), 0.1)
    delays[0, 2] = delays[2, 0] = 0.05
    bench = _bench(delays, by_rtt=True)
    bench.send(RETURN, 1, 1e6, 0, 1)
    bench.send(RETURN, 2, 1e6, 0, 2)
    bench.run(6)
    sent = bench.wires.total[2]
    assert sent[2] == pytest.approx(2 * sent[1])
    assert sent.sum() == pytest.approx(6 * TICK * RATE)
