"""The clock, the order of events, and what `run` does at the end."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from typing import Any

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import Simulation
from rackwright.errors import Interrupted, Stalled, UsageError

Steps = Generator[Any, Any, Any]


def test_time_is_counted_in_picoseconds_and_told_in_seconds() -> None:
    sim = Simulation()
    log = []

    def process() -> Steps:
        for _ in range(3):
            yield sim.timeout(0.1)
            log.append((sim.now, sim.now_ps))

    sim.process(process())
    sim.run()
    assert log == [(0.1, 10**11), (0.2, 2 * 10**11), (0.3, 3 * 10**11)]


def test_delays_are_rounded_to_the_nearest_picosecond() -> None:
    sim = Simulation()
    sim.run(until=sim.timeout(2.4e-12))
    assert sim.now_ps == 2


@pytest.mark.parametrize("delays", list(itertools.permutations([3, 1, 2, 1])))
def test_by_time_and_within_a_tick_by_order_of_scheduling(delays: tuple[int, ...]) -> None:
    sim = Simulation()
    log = []
    for at, delay in enumerate(delays):
        sim.timeout(delay, (delay, at))._when_done(lambda event: log.append(event.value))
    sim.run()
    assert log == sorted(log)


def test_starts_come_before_other_events_of_the_tick() -> None:
    sim = Simulation()
    log = []

    def noted(name: str, delay: float = 0.0) -> Steps:
        log.append(f"{name} starts")
        yield sim.timeout(delay)
        log.append(f"{name} ends")
        if name == "first":
            sim.process(noted("third"))

    sim.process(noted("first"))
    sim.process(noted("second"))
    sim.run()
    assert log == ["first starts", "second starts", "first ends", "third starts", "second ends",
                   "third ends"]


def test_what_was_scheduled_for_a_tick_comes_before_what_the_tick_adds() -> None:
    sim = Simulation()
    log = []

    def adds() -> Steps:
        yield sim.timeout(1.0)
        sim.event().succeed()._when_done(lambda _: log.append("added"))
        sim.timeout(0.0)._when_done(lambda _: log.append("no delay"))

    sim.process(adds())
    sim.process(later(sim, log, "scheduled"))
    sim.run()
    assert log == ["scheduled", "added", "no delay"]


def later(sim: Simulation, log: list[str], text: str) -> Steps:
    yield sim.timeout(1.0)
    log.append(text)


@settings(deadline=None, max_examples=100)
@given(plan=st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=6))
def test_same_order_as_simpy(plan: list[list[int]]) -> None:
    """Timeouts and events of whole seconds, many in one tick, in both engines."""

    def run(env: Any) -> list[tuple[float, int, int]]:
        log = []
        gate = env.event()

        def worker(who: int, delays: list[int]) -> Steps:
            for at, delay in enumerate(delays):
                yield env.timeout(delay)
                log.append((float(env.now), who, at))
                if delay == 3 and not gate.triggered:
                    gate.succeed()
            yield gate
            log.append((float(env.now), who, -1))

        for who, delays in enumerate(plan):
            env.process(worker(who, delays))
        env.run()
        return log

    assert run(Simulation()) == run(simpy.Environment())


def test_run_until_a_time_includes_it_and_leaves_the_clock_there() -> None:
    sim = Simulation()
    log: list[str] = []
    sim.process(later(sim, log, "at one"))
    assert sim.run(until=0.5) is None
    assert (sim.now, log) == (0.5, [])
    sim.run(until=1.0)
    assert (sim.now, log) == (1.0, ["at one"])
    sim.run(until=7.0)
    assert sim.now == 7.0


def test_run_until_an_event_gives_its_value_and_stops_there() -> None:
    sim = Simulation()
    sim.timeout(9.0)
    assert sim.run(until=sim.timeout(2.0, "value")) == "value"
    assert sim.now == 2.0
    sim.run()
    assert sim.now == 9.0


def test_run_until_a_process_gives_what_it_returns() -> None:
    sim = Simulation()

    def process() -> Steps:
        yield sim.timeout(1.0)
        return "done"

    one = sim.process(process())
    assert sim.run(until=one) == "done"
    assert sim.run(until=one) == "done"  # it is over: nothing to wait for


def test_a_paused_run_is_the_run() -> None:
    def log_of(stops: list[float]) -> list[tuple[float, int]]:
        sim = Simulation()
        log = []

        def worker(who: int) -> Steps:
            for _ in range(20):
                yield sim.timeout(0.1 + who / 100)
                log.append((sim.now, who))

        for who in range(5):
            sim.process(worker(who))
        for stop in stops:
            sim.run(until=stop)
        sim.run()
        return log

    assert log_of([0.1, 0.5, 0.50001, 1.7]) == log_of([])


def test_a_plain_run_ends_quietly_and_tells_who_waits() -> None:
    sim = Simulation()
    jobs = sim.store(name="jobs")

    def server() -> Steps:
        while True:
            yield jobs.get()

    def client() -> Steps:
        yield sim.timeout(1.0)

    sim.process(server(), name="server 0")
    sim.process(client())
    sim.run()
    assert sim.waiting() == ["process 'server 0' waits for an item of store 'jobs' (0 items)"]


def test_waiting_for_what_cannot_happen_is_a_stall_that_says_who_waits_for_what() -> None:
    sim = Simulation()
    server = sim.resource(1, name="disk")
    never = sim.event("power")

    def holder() -> Steps:
        with server.request() as unit:
            yield unit
            yield never

    def client() -> Steps:
        yield sim.timeout(2.0)
        with server.request() as unit:
            yield unit

    sim.process(holder())
    client_process = sim.process(client())
    with pytest.raises(Stalled) as stall:
        sim.run(until=client_process)
    assert str(stall.value) == (
        "process 'client' can no longer happen: nothing is left to happen at 2 s. "
        "process 'holder' waits for event 'power'; "
        "process 'client' waits for a unit of resource 'disk' (1 of 1 in use, 1 waiting)")


def test_ctrl_c_carries_the_simulation() -> None:
    sim = Simulation()

    def process() -> Steps:
        yield sim.timeout(3.0)
        raise KeyboardInterrupt

    sim.process(process())
    sim.timeout(9.0)
    with pytest.raises(Interrupted, match="interrupted at 3 s .* with 1 events to come") as stop:
        sim.run()
    assert stop.value.partial is sim
    sim.run()
    assert sim.now == 9.0


@pytest.mark.parametrize("until", [-1.0, 0.5, float("nan"), float("inf"), "1s"])
def test_a_run_to_the_past_or_to_nowhere_is_refused(until: Any) -> None:
    sim = Simulation()
    sim.run(until=1.0)
    with pytest.raises(UsageError, match="a time in seconds from now \\(1\\)"):
        sim.run(until=until)


@pytest.mark.parametrize("delay", [-1e-9, float("nan"), float("inf"), "1us", None, -1e-15])
def test_an_impossible_delay_is_refused_naming_the_process(delay: Any) -> None:
    sim = Simulation()

    def process() -> Steps:
        yield sim.timeout(delay)

    sim.process(process(), name="client 3")
    with pytest.raises(UsageError) as problem:
        sim.run()
    assert str(problem.value) == (f"process 'client 3' asks for a timeout of {delay!r} seconds; "
                                  "a finite number, 0 or more, is needed")


@pytest.mark.parametrize("thing", [5, None, "x", iter(())])
def test_yielding_anything_but_an_event_is_refused_naming_the_process(thing: Any) -> None:
    sim = Simulation()

    def process() -> Steps:
        yield thing

    sim.process(process(), name="client 3")
    with pytest.raises(UsageError, match="process 'client 3' yielded .*; yield an event, such as"):
        sim.run()


def test_an_event_of_another_simulation_is_refused() -> None:
    sim, other = Simulation(), Simulation()

    def process(event: Any) -> Steps:
        yield event

    for event in (other.timeout(1.0), other.event()):
        sim.process(process(event))
        with pytest.raises(UsageError, match="yielded .* of another simulation"):
            sim.run()


@pytest.mark.parametrize(("thing", "hint"), [
    (lambda: None, "call the function"), (5, "write a function that yields events")])
def test_a_process_needs_a_generator(thing: Any, hint: str) -> None:
    with pytest.raises(UsageError, match=f"a process needs a generator, not .*; {hint}"):
        Simulation().process(thing)


def test_run_inside_a_process_is_refused() -> None:
    sim = Simulation()

    def process() -> Steps:
        sim.run()
        yield sim.timeout(1.0)

    sim.process(process())
    with pytest.raises(UsageError, match="process 'process' asks for run\\(\\) inside a running"):
        sim.run()


def test_streams_of_a_simulation_are_seeded_by_name() -> None:
    one, same, other = Simulation(seed=4), Simulation(seed=4), Simulation(seed=5)
    assert one.rng("a") is one.rng("a")
    draws = [sim.rng("a").random() for sim in (one, same, other)]
    assert draws[0] == draws[1] != draws[2]
