"""Resources and stores: order, priorities, capacity, giving up."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import Interrupt, Simulation
from rackwright.errors import UsageError

Steps = Generator[Any, Any, Any]


@pytest.fixture
def sim() -> Simulation:
    return Simulation()


@pytest.fixture
def log() -> list[Any]:
    return []


def user(sim: Simulation, log: list[Any], server: Any, name: Any, *, hold: float = 1.0,
         start: float = 0.0, priority: float = 0) -> Steps:
    if start:
        yield sim.timeout(start)
    with server.request(priority) as unit:
        yield unit
        log.append((sim.now, name))
        yield sim.timeout(hold)


def test_units_go_out_first_come_first_served(sim: Any, log: Any) -> None:
    server = sim.resource(2)
    for name in "abcde":
        sim.process(user(sim, log, server, name))
    sim.run()
    assert log == [(0, "a"), (0, "b"), (1, "c"), (1, "d"), (2, "e")]
    assert (server.in_use, server.queued) == (0, 0)


def test_lower_priorities_go_first_and_equal_ones_by_arrival(sim: Any, log: Any) -> None:
    server = sim.resource(1)
    for name, priority in (("first", 9), ("c", 5), ("a", -1), ("d", 5), ("b", 0)):
        sim.process(user(sim, log, server, name, priority=priority))
    sim.run()
    assert [name for _, name in log] == ["first", "a", "b", "c", "d"]


def test_who_stops_waiting_is_passed_over(sim: Any, log: Any) -> None:
    server = sim.resource(1, name="disk")
    sim.process(user(sim, log, server, "holder", hold=5.0))

    def impatient() -> Steps:
        with server.request() as unit:
            done = yield sim.any_of([unit, sim.timeout(2.0)])
            log.append((sim.now, unit in done))

    sim.process(impatient())
    sim.process(user(sim, log, server, "patient", start=1.0))
    sim.run(until=3.0)
    assert server.queued == 1
    sim.run()
    assert log == [(0, "holder"), (2, False), (5, "patient")]


def test_an_interrupted_waiter_leaves_the_queue_with_its_block(sim: Any, log: Any) -> None:
    server = sim.resource(1)
    sim.process(user(sim, log, server, "holder", hold=5.0))

    def waiter() -> Steps:
        try:
            with server.request() as unit:
                yield unit
        except Interrupt:
            log.append((sim.now, "gave up"))

    process = sim.process(waiter())
    sim.process(user(sim, log, server, "next", start=1.0))

    def interrupter() -> Steps:
        yield sim.timeout(2.0)
        process.interrupt()

    sim.process(interrupter())
    sim.run()
    assert log == [(0, "holder"), (2, "gave up"), (5, "next")]


def test_a_unit_granted_to_someone_who_gives_up_in_that_tick_goes_on(sim: Any, log: Any) -> None:
    server = sim.resource(1)
    first, second, third = (server.request() for _ in range(3))
    first.release()       # second is granted, but has not been told yet
    assert second.triggered and not second.done
    second.release()      # gives up
    sim.run()
    assert third.done and server.in_use == 1 and server.queued == 0


def test_releasing_twice_is_releasing_once(sim: Any) -> None:
    server = sim.resource(1)
    one = server.request()
    server.release(one)
    one.release()
    assert server.in_use == 0


def test_a_unit_goes_back_where_it_came_from(sim: Any) -> None:
    one, other = sim.resource(1, "disk"), sim.resource(1, "bus")
    with pytest.raises(UsageError, match="'disk' cannot take back a unit of resource 'bus'"):
        one.release(other.request())


def test_items_come_out_in_the_order_they_went_in(sim: Any, log: Any) -> None:
    store = sim.store()

    def producer() -> Steps:
        for item in range(4):
            yield sim.timeout(1.0)
            yield store.put(item)

    def consumer(name: str) -> Steps:
        while True:
            log.append((name, (yield store.get()), sim.now))

    sim.process(producer())
    sim.process(consumer("x"))
    sim.process(consumer("y"))
    sim.run()
    assert log == [("x", 0, 1), ("y", 1, 2), ("x", 2, 3), ("y", 3, 4)]


def test_a_full_store_holds_the_producer_back(sim: Any, log: Any) -> None:
    store = sim.store(capacity=2, name="buffer")

    def producer() -> Steps:
        for item in range(4):
            yield store.put(item)
            log.append((sim.now, f"put {item}"))

    def consumer() -> Steps:
        for _ in range(4):
            yield sim.timeout(10.0)
            log.append((sim.now, f"got {(yield store.get())}"))

    sim.process(producer())
    sim.process(consumer())
    sim.run(until=5.0)
    assert sim.waiting()[0] == ("process 'producer' waits for room in store 'buffer' (2 items)")
    sim.run()
    assert log == [(0, "put 0"), (0, "put 1"), (10, "got 0"), (10, "put 2"), (20, "got 1"),
                   (20, "put 3"), (30, "got 2"), (40, "got 3")]


def test_a_get_can_be_taken_back(sim: Any) -> None:
    store = sim.store()
    first, second = store.get(), store.get()
    first.cancel()
    store.put("item")
    sim.run()
    assert not first.triggered and second.value == "item"


@pytest.mark.parametrize("capacity", [0, -1, 1.5, "2", True])
def test_a_capacity_is_a_whole_number_above_zero(sim: Any, capacity: Any) -> None:
    for make in (sim.resource, sim.store):
        with pytest.raises(UsageError, match="has capacity .*; a whole number, 1 or more"):
            make(capacity, "x")


@settings(deadline=None, max_examples=60)
@given(jobs=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=15),
       capacity=st.integers(1, 3))
def test_same_service_as_simpy(jobs: list[tuple[int, int]], capacity: int) -> None:
    """Starts and holds that never tie, so that the order is the same by necessity."""

    def run(env: Any, server: Any) -> list[tuple[float, int]]:
        log: list[tuple[float, int]] = []

        def job(who: int, start: float, hold: float) -> Steps:
            yield env.timeout(start)
            with server.request() as unit:
                yield unit
                log.append((round(env.now, 9), who))
                yield env.timeout(hold)

        for who, (start, hold) in enumerate(jobs):
            env.process(job(who, start + who * 1e-3, hold + who * 1e-6))
        env.run()
        return log

    ours, theirs = Simulation(), simpy.Environment()
    assert run(ours, ours.resource(capacity)) == run(theirs, simpy.Resource(theirs, capacity))
