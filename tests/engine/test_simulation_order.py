"""Ticks with one event and with many, ends of ticks, what is cancelled; equal seeds, equal logs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rackwright.engine.simulation as scripts
from rackwright.engine import Interrupt, Simulation
from rackwright.errors import Interrupted

Steps = Generator[Any, Any, Any]


@settings(deadline=None, max_examples=100)
@given(delays=st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), max_size=8))
def test_order_is_time_then_the_order_of_scheduling(delays: list[list[int]]) -> None:
    """Callbacks that schedule more: a sort by (time, number of scheduling) is the rule."""
    sim = Simulation()
    scheduled: list[int] = []
    seen: list[int] = []

    def plan(rest: list[int]) -> None:
        number = len(scheduled)
        scheduled.append(sim.now_ps + rest[0])

        def happen(_: Any) -> None:
            assert sim.now_ps == scheduled[number]
            seen.append(number)
            if rest[1:]:
                plan(rest[1:])

        sim.timeout(rest[0] * 1e-12)._when_done(happen)

    for chain in delays:
        plan(chain)
    sim.run()
    assert sorted(seen) == list(range(len(scheduled)))
    assert seen == sorted(seen, key=lambda number: (scheduled[number], number))


def test_a_run_to_a_time_waits_for_all_that_its_tick_adds() -> None:
    sim = Simulation()
    flows, log = sim.flows([10.0]), []

    def child() -> Steps:
        log.append("child")
        yield sim.timeout(0)
        log.append("after the child")

    def process() -> Steps:
        yield sim.timeout(1.0)
        moved = yield flows.transfer([], 5.0)  # shared out at the end of the tick
        log.append(moved)
        yield sim.process(child())
        yield sim.timeout(0.5)
        log.append("too late")

    sim.process(process())
    sim.run(until=1.0)
    assert log == [5.0, "child", "after the child"]
    assert sim.now == 1.0


def test_a_time_that_a_failed_run_did_not_reach_is_never_reached() -> None:
    sim = Simulation()

    def failing() -> Steps:
        yield sim.timeout(1.0)
        raise ValueError("broken")

    sim.process(failing())
    with pytest.raises(ValueError, match="broken"):
        sim.run(until=3.0)
    sim.run()
    assert sim.now == 1.0


def test_a_failure_leaves_the_rest_of_its_tick_for_the_next_run() -> None:
    sim = Simulation()
    log: list[str] = []

    def worker(name: str) -> Steps:
        yield sim.timeout(1.0)
        log.append(name)
        if name == "b":
            raise ValueError("broken")
        yield sim.timeout(0)
        log.append(f"{name} again")

    for name in "abcd":
        sim.process(worker(name))
    with pytest.raises(ValueError, match="broken"):
        sim.run(until=1.0)
    assert log == ["a", "b", "c", "d", "a again"]
    sim.run()
    assert log[5:] == ["c again", "d again"] and sim.now == 1.0


def test_a_failure_between_trigger_and_telling_reaches_who_comes_late_in_the_tick() -> None:
    sim = Simulation()
    event, log = sim.event(), []

    def waiter() -> Steps:
        try:
            yield event
        except ValueError as problem:
            log.append(str(problem))

    event.fail(ValueError("broken"))
    sim.process(waiter())  # its start comes before the event's turn
    sim.run()
    assert log == ["broken"]


def test_an_interrupted_waiter_of_a_timeout_leaves_the_others_of_the_tick() -> None:
    sim = Simulation()
    log: list[tuple[str, float]] = []

    def sleeper(name: str) -> Steps:
        try:
            yield sim.timeout(5.0)
        except Interrupt:
            log.append((f"{name} interrupted", sim.now))
            yield sim.timeout(4.0)
        log.append((name, sim.now))

    one, _ = sim.process(sleeper("one")), sim.process(sleeper("two"))
    sim.run(until=1.0)
    one.interrupt()
    sim.run()
    assert log == [("one interrupted", 1.0), ("two", 5.0), ("one", 5.0)]


def test_ctrl_c_in_the_middle_of_scheduling_loses_no_tick(monkeypatch: Any) -> None:
    """It may come when a tick is noted and not yet queued for."""
    sim = Simulation()

    def unlucky() -> Steps:
        with monkeypatch.context() as patch:
            patch.setattr(scripts, "heappush", stop)
            yield sim.timeout(2.0)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    sim.process(unlucky())
    with pytest.raises(Interrupted):
        sim.run()
    assert sim.run(until=sim.timeout(2.0, "same tick")) == "same tick"
    assert sim.now == 2.0


def noisy_log(seed: int) -> list[tuple[int, int, str]]:
    """Queues, flows, ties and interrupts; whatever happens, in its order."""
    sim = Simulation(seed)
    draw, server, flows = sim.rng("draws"), sim.resource(2), sim.flows([3.0, 5.0])
    log: list[tuple[int, int, str]] = []

    def client(who: int) -> Steps:
        try:
            for _ in range(4):
                yield sim.timeout(int(draw.integers(0, 3)))
                with server.request(int(draw.integers(0, 2))) as unit:
                    yield unit
                    log.append((sim.now_ps, who, "served"))
                    yield flows.transfer([who % 2], float(draw.integers(1, 9)))
                    log.append((sim.now_ps, who, "moved"))
        except Interrupt:
            log.append((sim.now_ps, who, "interrupted"))

    clients = [sim.process(client(who)) for who in range(12)]

    def interrupter() -> Steps:
        for one in clients[::4]:
            yield sim.timeout(draw.random() * 4)
            if one.alive:
                one.interrupt()

    sim.process(interrupter())
    sim.run()
    return log


def test_equal_seeds_give_equal_logs_also_in_one_process() -> None:
    logs = [noisy_log(seed) for seed in (1, 1, 2)]
    assert logs[0] == logs[1] != logs[2]
    assert {what for _, _, what in logs[0]} == {"served", "moved", "interrupted"}


def test_equal_seeds_give_equal_logs_in_every_process(run_python: Any) -> None:
    code = ("import importlib.util, sys\n"
            f"spec = importlib.util.spec_from_file_location('order', {__file__!r})\n"
            "order = importlib.util.module_from_spec(spec); spec.loader.exec_module(order)\n"
            "print(order.noisy_log(3))")
    logs = [run_python(code, PYTHONHASHSEED=seed) for seed in "12"]
    assert logs[0].stdout == logs[1].stdout == f"{noisy_log(3)}\n", logs[0].stderr
