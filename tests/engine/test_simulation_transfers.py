"""Ports and flows of scripts: the rules of the kernels behind events."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from rackwright.engine import Simulation, share_flows
from rackwright.errors import InputError, Stalled, UsageError

Steps = Generator[Any, Any, Any]


@pytest.fixture
def sim() -> Simulation:
    return Simulation()


def test_messages_queue_for_a_port(sim: Any) -> None:
    port = sim.port(1e9, 1e-6, name="uplink")
    ends = []

    def sender(size: int) -> Steps:
        sent = yield port.send(size)
        ends.append((sent, sim.now))

    for size in (1_000, 2_000):
        sim.process(sender(size))
    sim.run()
    assert ends == [(1_000, 2e-6), (2_000, 4e-6)]
    assert (port.messages, port.sent_bytes, port.busy_time) == (2, 3_000, 3e-6)


def test_a_message_cuts_through_two_ports(sim: Any) -> None:
    first, second = sim.port(1e9, 1e-6), sim.port(1e9, 2e-6)
    sim.run(until=first.send(1_000, onward=[second]))
    assert sim.now == 1e-6 + 3e-6


def test_the_second_port_is_booked_when_the_head_gets_there(sim: Any) -> None:
    """A later message that reaches the shared port first goes first."""
    far, near, shared = sim.port(1e9, 10e-6), sim.port(1e9, 1e-6), sim.port(1e9)
    slow = far.send(1_000, onward=[shared])
    sim.run(until=2e-6)
    quick = near.send(1_000, onward=[shared])
    sim.run(until=quick)
    assert sim.now == 4e-6 and not slow.triggered
    sim.run(until=slow)
    assert sim.now == 11e-6


@pytest.mark.parametrize("size", [-1, 1.5, float("nan"), "1kB", None])
def test_a_message_is_a_whole_number_of_bytes(sim: Any, size: Any) -> None:
    with pytest.raises(UsageError, match="port 'uplink' cannot send .* bytes; a whole number"):
        sim.port(1e9, name="uplink").send(size)


def test_a_port_needs_bandwidth(sim: Any) -> None:
    with pytest.raises(InputError, match="port 0 has bandwidth 0.0 bytes/s"):
        sim.port(0.0)


def test_transfers_share_a_link(sim: Any) -> None:
    flows = sim.flows([10.0])
    ends = []

    def client(start: float, nbytes: float) -> Steps:
        yield sim.timeout(start)
        moved = yield flows.transfer([0], nbytes)
        ends.append((moved, sim.now))

    sim.process(client(0.0, 100.0))
    sim.process(client(4.0, 20.0))
    sim.run()
    assert ends == [(20.0, 8.0), (100.0, 12.0)]
    assert sim.now == 12.0  # ends that moved leave nothing behind


def test_scripts_get_the_times_of_share_flows(shuffle: Callable[..., Any]) -> None:
    load = shuffle(4, 150, spread=3e-4)
    expected = share_flows(*load.arguments)
    sim = Simulation()
    flows, ends = sim.flows(load.bandwidth), {}

    def client(flow: int) -> Steps:
        yield sim.timeout(float(load.start[flow]))
        path = load.links[load.offsets[flow]:load.offsets[flow + 1]].tolist()
        yield flows.transfer(path, float(load.nbytes[flow]))
        ends[flow] = sim.now

    for flow in range(len(expected)):
        sim.process(client(flow))
    sim.run()
    assert [ends[flow] for flow in range(len(expected))] == expected.tolist()
    assert flows.live == 0


def test_one_re_share_for_all_that_happens_in_a_tick(sim: Any) -> None:
    flows = sim.flows([10.0])
    for _ in range(100):
        flows.transfer([0], 5.0)
    sim.run()
    assert sim.now == 50.0
    assert flows._flows.fills[0] == 2  # at the start and when all are through


def test_weights_and_bandwidths_may_change(sim: Any) -> None:
    flows = sim.flows([12.0])
    heavy, light = flows.transfer([0], 18.0, weight=3.0), flows.transfer([0], 18.0)
    sim.run(until=1.0)
    flows.set_bandwidth(0, 24.0)
    sim.run(until=heavy)
    assert sim.now == 1.5
    sim.run(until=light)
    assert sim.now == 2.0


def test_a_transfer_without_bytes_or_links_takes_no_time(sim: Any) -> None:
    flows = sim.flows([1.0])
    assert sim.run(until=flows.transfer([0], 0)) == 0
    assert sim.run(until=flows.transfer([], 5.0)) == 5.0
    assert sim.now == 0.0


def test_a_transfer_that_cannot_end_says_which_link_it_waits_for(sim: Any) -> None:
    flows = sim.flows([10.0, 10.0])

    def client() -> Steps:
        yield flows.transfer([0, 1], 50.0)

    process = sim.process(client())
    sim.run(until=2.0)
    flows.set_bandwidth(1, 0.0)
    with pytest.raises(Stalled) as stall:
        sim.run(until=process)
    assert ("process 'client' waits for flow 0 (30 bytes left), which waits for link 1, whose "
            "bandwidth is 0 bytes/s") in str(stall.value)


@pytest.mark.parametrize(("path", "nbytes", "weight"), [
    ([0], -1.0, 1.0), ([0], float("nan"), 1.0), ([0], 1.0, 0.0), ([0], float("inf"), 1.0)])
def test_an_impossible_transfer_is_refused(sim: Any, path: Any, nbytes: float, weight: float
                                           ) -> None:
    with pytest.raises(UsageError, match="bytes must be finite and >= 0, the weight from"):
        sim.flows([1.0]).transfer(path, nbytes, weight=weight)


def test_a_link_that_does_not_exist_is_refused(sim: Any) -> None:
    flows = sim.flows([1.0])
    with pytest.raises(InputError, match=r"is 1 \(path 0\); there are 1 links, so 0 to 0"):
        flows.transfer([1], 5.0)
    with pytest.raises(UsageError, match="link 4 cannot get 1.0 bytes/s; there are links 0 to 0"):
        flows.set_bandwidth(4, 1.0)


def test_the_first_priority_takes_all_that_it_can(sim: Any) -> None:
    """10 bytes/s: the first class ends at 5 s as if alone, the second moves its 50 bytes then."""
    flows = sim.flows([10.0])
    later = flows.transfer([0], 50.0, priority=1)
    first = flows.transfer([0], 50.0)
    sim.run(until=first)
    assert sim.now == 5.0
    sim.run(until=later)
    assert sim.now == 10.0
    with pytest.raises(UsageError, match="priority -1; a whole number from 0 to 100"):
        flows.transfer([0], 1.0, priority=-1)


def test_a_transfer_over_a_dead_link_goes_on_over_another(sim: Any) -> None:
    """20 of 50 bytes are through when the link dies; the rest takes 3 s over a link like it."""
    flows = sim.flows([10.0, 10.0])
    moved = flows.transfer([0], 50.0)
    sim.run(until=2.0)
    flows.set_bandwidth(0, 0.0)
    sim.run(until=4.0)
    flows.reroute(moved, [1])
    sim.run(until=moved)
    assert sim.now == 7.0
    with pytest.raises(UsageError, match="that has not ended can be re-routed"):
        flows.reroute(moved, [1])
