"""Events, conditions, processes as events, failures, interrupts."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from rackwright.engine import Interrupt, Simulation
from rackwright.errors import UsageError

Steps = Generator[Any, Any, Any]


@pytest.fixture
def sim() -> Simulation:
    return Simulation()


@pytest.fixture
def log() -> list[Any]:
    return []


def waiter(sim: Simulation, log: list[Any], event: Any) -> Steps:
    try:
        value = yield event
        log.append((sim.now, value))
    except ValueError as problem:
        log.append((sim.now, f"caught {problem}"))


def trigger(sim: Simulation, event: Any, *, at: float, problem: Exception | None = None) -> Steps:
    yield sim.timeout(at)
    event.fail(problem) if problem else event.succeed(at)


def test_everybody_who_waits_is_told_in_the_order_of_waiting(sim: Any, log: Any) -> None:
    event = sim.event()
    for name in "abc":
        sim.process(told(event, log, name))
    sim.process(trigger(sim, event, at=2.0))
    sim.run()
    assert log == [("a", 2.0), ("b", 2.0), ("c", 2.0)]


def told(event: Any, log: list[Any], name: str) -> Steps:
    log.append((name, (yield event)))


def test_states_of_an_event(sim: Any) -> None:
    event = sim.event("go")
    assert not event.triggered and repr(event) == "<event 'go', pending>"
    with pytest.raises(UsageError, match="event 'go' has no value yet"):
        _ = event.value
    event.succeed(3)
    assert event.triggered and not event.done and event.ok and event.value == 3
    sim.run()
    assert event.done and repr(event) == "<event 'go', done>"


def test_an_event_happens_once(sim: Any) -> None:
    event = sim.event("go").succeed(1)
    with pytest.raises(UsageError, match="event 'go' has already been triggered, with 1"):
        event.succeed(2)
    with pytest.raises(UsageError, match="happens once"):
        event.fail(ValueError())


def test_only_an_exception_is_a_failure(sim: Any) -> None:
    with pytest.raises(UsageError, match="cannot fail with 'text'; an exception is needed"):
        sim.event().fail("text")


def test_a_timeout_triggers_itself(sim: Any) -> None:
    timeout = sim.timeout(1.0)
    assert not timeout.triggered
    for act in (timeout.succeed, lambda: timeout.fail(ValueError())):
        with pytest.raises(UsageError, match="a timeout at 1 s"):
            act()


def test_what_is_done_already_is_not_waited_for(sim: Any, log: Any) -> None:
    event, timeout = sim.event().succeed("early"), sim.timeout(0.5, "short")

    def late() -> Steps:
        yield sim.timeout(1.0)
        for done in (event, timeout, event):
            log.append((sim.now, (yield done)))

    sim.process(late())
    sim.run()
    assert log == [(1.0, "early"), (1.0, "short"), (1.0, "early")]


def test_a_process_waits_for_a_process_and_gets_what_it_returns(sim: Any, log: Any) -> None:
    def child() -> Steps:
        yield sim.timeout(2.0)
        return "value"

    sim.process(waiter(sim, log, sim.process(child())))
    sim.run()
    assert log == [(2.0, "value")]


def test_all_of_waits_for_all_and_any_of_for_one(sim: Any, log: Any) -> None:
    slow, fast = sim.timeout(3.0, "slow"), sim.timeout(1.0, "fast")
    sim.process(waiter(sim, log, sim.any_of([slow, fast])))
    sim.process(waiter(sim, log, sim.all_of([slow, fast])))
    sim.run()
    assert log == [(1.0, {fast: "fast"}), (3.0, {slow: "slow", fast: "fast"})]
    assert list(log[1][1]) == [slow, fast]  # in the order given


def test_conditions_of_nothing_and_of_done_events_happen_at_once(sim: Any, log: Any) -> None:
    done = sim.timeout(1.0, "done")
    sim.run()
    for condition in (sim.all_of([]), sim.any_of([]), sim.all_of([done, done]),
                      sim.any_of([sim.event(), done])):
        sim.process(waiter(sim, log, condition))
    sim.run()
    assert log == [(1.0, {}), (1.0, {}), (1.0, {done: "done"}), (1.0, {done: "done"})]


def test_conditions_nest(sim: Any, log: Any) -> None:
    pair = sim.all_of([sim.timeout(1.0), sim.timeout(2.0)])
    sim.process(waiter(sim, log, sim.any_of([pair, sim.timeout(5.0)])))
    sim.run(until=4.0)
    assert [at for at, _ in log] == [2.0]


def test_a_condition_fails_with_the_first_failure(sim: Any, log: Any) -> None:
    event = sim.event()
    sim.process(waiter(sim, log, sim.all_of([sim.timeout(9.0), event])))
    sim.process(trigger(sim, event, at=1.0, problem=ValueError("broken")))
    sim.run(until=2.0)
    assert log == [(1.0, "caught broken")]


def test_a_condition_takes_events_only(sim: Any) -> None:
    with pytest.raises(UsageError, match="5 is no event of this simulation"):
        sim.any_of([5])


def test_a_failure_is_thrown_into_whoever_waits(sim: Any, log: Any) -> None:
    event = sim.event()
    sim.process(waiter(sim, log, event))
    sim.process(waiter(sim, log, event))
    sim.process(trigger(sim, event, at=1.0, problem=ValueError("broken")))
    sim.run()
    assert log == [(1.0, "caught broken"), (1.0, "caught broken")]


def test_a_failure_that_nobody_waits_for_ends_the_run(sim: Any) -> None:
    sim.event().fail(ValueError("lost"))
    with pytest.raises(ValueError, match="lost"):
        sim.run()


def test_a_defused_failure_does_not_end_the_run(sim: Any) -> None:
    sim.event().fail(ValueError("known")).defuse()
    sim.run()


def failing(sim: Simulation) -> Steps:
    yield sim.timeout(1.0)
    raise ValueError("broken")


def test_a_process_that_fails_ends_the_run_and_is_named(sim: Any) -> None:
    sim.process(failing(sim), name="client 3")
    with pytest.raises(ValueError, match="broken") as problem:
        sim.run()
    assert problem.value.__notes__ == ["in process 'client 3' at 1 s"]


def test_a_process_that_fails_unseen_is_not_forgiven_by_a_later_waiter(sim: Any, log: Any) -> None:
    child = sim.process(failing(sim))

    def parent() -> Steps:
        yield sim.timeout(2.0)
        yield child

    sim.process(parent())
    with pytest.raises(ValueError, match="broken"):
        sim.run()
    assert sim.now == 1.0


def test_a_failure_passes_up_through_processes_until_caught(sim: Any, log: Any) -> None:
    def middle() -> Steps:
        yield sim.process(failing(sim))

    sim.process(waiter(sim, log, sim.process(middle())))
    sim.run()
    assert log == [(1.0, "caught broken")]


def test_the_run_goes_on_after_a_failure(sim: Any, log: Any) -> None:
    sim.process(failing(sim))
    sim.process(waiter(sim, log, sim.timeout(5.0, "late")))
    with pytest.raises(ValueError, match="broken"):
        sim.run(until=3.0)
    assert sim.now == 1.0
    sim.run()
    assert log == [(5.0, "late")] and sim.now == 5.0


def test_run_until_a_failing_process_raises_its_failure(sim: Any) -> None:
    process = sim.process(failing(sim))
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            sim.run(until=process)


def sleeper(sim: Simulation, log: list[Any], event: Any) -> Steps:
    try:
        yield event
        log.append((sim.now, "slept"))
    except Interrupt as interrupt:
        log.append((sim.now, interrupt.cause))
        yield sim.timeout(1.0)
        log.append((sim.now, "went on"))


def interrupter(sim: Simulation, process: Any, *, at: float) -> Steps:
    yield sim.timeout(at)
    process.interrupt("because")


def test_an_interrupt_reaches_the_process_and_not_what_it_waited_for(sim: Any, log: Any) -> None:
    event = sim.timeout(5.0, "value")
    process = sim.process(sleeper(sim, log, event))
    sim.process(waiter(sim, log, event))
    sim.process(interrupter(sim, process, at=2.0))
    sim.run()
    assert log == [(2.0, "because"), (3.0, "went on"), (5.0, "value")]


@pytest.mark.parametrize("first", [True, False])
def test_an_interrupt_detaches_whatever_the_place_in_the_queue(
        sim: Any, log: Any, first: bool) -> None:
    event = sim.event()
    processes = [sim.process(sleeper(sim, log, event)) for _ in range(2)]
    sim.process(interrupter(sim, processes[0 if first else 1], at=1.0))
    sim.process(trigger(sim, event, at=4.0))
    sim.run()
    assert log == [(1.0, "because"), (2.0, "went on"), (4.0, "slept")]


def test_an_interrupt_comes_before_other_events_of_the_tick(sim: Any, log: Any) -> None:
    event = sim.event()
    process = sim.process(sleeper(sim, log, event))

    def both() -> Steps:
        yield sim.timeout(1.0)
        event.succeed()
        process.interrupt("because")

    sim.process(both())
    sim.run()
    assert log == [(1.0, "because"), (2.0, "went on")]


def test_a_process_that_ends_before_its_interrupt_is_left_alone(sim: Any, log: Any) -> None:
    event = sim.event()
    process = sim.process(sleeper(sim, log, event))

    def twice() -> Steps:
        yield sim.timeout(1.0)
        process.interrupt("one")
        process.interrupt("two")

    def catcher() -> Steps:
        with pytest.raises(Interrupt):
            yield sim.timeout(9.0)

    quick = sim.process(catcher())
    sim.process(twice())
    sim.process(interrupter(sim, quick, at=2.0))
    with pytest.raises(Interrupt):  # the second one hits the handler of the first
        sim.run()
    sim.run()
    assert log == [(1.0, "one")]


def test_an_interrupt_that_is_not_caught_ends_the_run(sim: Any) -> None:
    def process() -> Steps:
        yield sim.timeout(9.0)

    sim.process(interrupter(sim, sim.process(process()), at=1.0))
    with pytest.raises(Interrupt):
        sim.run()


def test_nobody_interrupts_the_dead_or_itself(sim: Any) -> None:
    def process() -> Steps:
        yield sim.timeout(1.0)
        sim.active.interrupt()

    def short() -> Steps:
        yield sim.timeout(0.1)

    dead = sim.process(short())
    sim.run()
    with pytest.raises(UsageError, match="process 'short' has ended"):
        dead.interrupt()
    sim.process(process())
    with pytest.raises(UsageError, match="process 'process' cannot interrupt itself"):
        sim.run()


def test_a_process_cannot_be_triggered_from_outside(sim: Any) -> None:
    process = sim.process(failing(sim))
    with pytest.raises(UsageError, match="succeeds when its generator returns"):
        process.succeed()
    with pytest.raises(UsageError, match="fails when its generator raises"):
        process.fail(ValueError())
