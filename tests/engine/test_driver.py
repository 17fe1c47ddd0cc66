"""The driver: slices, growth, pauses, progress, Ctrl-C, and the words of stalls and faults."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from rackwright.engine import (
    DONE,
    FAULT,
    GROW,
    RUNNING,
    STALLED,
    Control,
    EventHeap,
    drive,
    grown_heap,
    heap_pop,
    heap_push,
    heap_room,
    kernel,
    new_control,
    new_heap,
)
from rackwright.errors import Interrupted, ModelFault, Stalled

DEPTH, STOP_STALLED, STOP_FAULT = 0, 1, 2
STEP_PS = 10


class Tree(NamedTuple):
    """Every event has two children until `depth`, so that the heap has to grow."""

    control: Control
    heap: EventHeap
    seen: Any
    how: Any  # (depth, stall at event, fault at event)


def tree(depth: int, *, stall_at: int = -1, fault_at: int = -1, room: int = 4) -> Tree:
    heap = new_heap(room)
    heap_push.function(heap, 0, 0, 0, 1)
    return Tree(new_control(), heap, np.zeros(1 << depth, np.int64),
                np.array([depth, stall_at, fault_at]))


@kernel
def advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    control, heap, how = state.control, state.heap, state.how
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        if heap.size[0] == 0:
            return DONE
        if heap_room(heap) < 2:
            control.code[0] = 7
            return GROW
        if control.events[0] == how[STOP_STALLED]:
            return STALLED
        if control.events[0] == how[STOP_FAULT]:
            control.code[0] = 42
            control.code[1] = control.events[0]
            return FAULT
        if heap.time_ps[0] > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        now_ps, _, item = heap_pop(heap)
        control.now_ps[0] = now_ps
        state.seen[control.events[0]] = item
        control.events[0] += 1
        if 2 * item + 1 < 1 << how[DEPTH]:
            heap_push(heap, now_ps + STEP_PS, item & 1, 0, 2 * item)
            heap_push(heap, now_ps + STEP_PS, 0, 0, 2 * item + 1)
    return RUNNING


def grow(state: Tree, what: int) -> Tree:
    assert what == 7
    return state._replace(heap=grown_heap(state.heap))


def test_runs_to_the_end_and_grows_on_the_way() -> None:
    state = drive(advance, tree(10), grow=grow)
    assert state.control.events[0] == (1 << 10) - 1
    assert sorted(state.seen[:-1]) == list(range(1, 1 << 10))
    assert len(state.heap.time_ps) >= 1 << 9


@pytest.mark.parametrize("events", [1, 3, 1000])
def test_slices_change_nothing(events: int, digest: Callable[..., str]) -> None:
    whole = drive(advance, tree(10), grow=grow)
    assert digest(drive(advance, tree(10), grow=grow, max_events=events)) == digest(whole)


def test_pauses_change_nothing_and_leave_no_event_behind(digest: Callable[..., str]) -> None:
    whole, state = drive(advance, tree(10), grow=grow), tree(10)
    for until_ps in range(0, 9 * STEP_PS, 5):
        state = drive(advance, state, grow=grow, until_ps=until_ps, max_events=3)
        levels = until_ps // STEP_PS + 1
        assert state.control.events[0] == (1 << levels) - 1  # those at the time itself included
        assert state.control.now_ps[0] == until_ps
    assert digest(drive(advance, state, grow=grow)) == digest(whole)


def test_check_is_called_after_every_event() -> None:
    seen: list[int] = []
    drive(advance, tree(6), grow=grow, check=lambda now: seen.append(int(now.control.events[0])))
    assert sorted(set(seen)) == list(range(1, 64))


def test_a_failing_check_stops_at_its_event() -> None:
    def check(now: Tree) -> None:
        if now.control.events[0] == 5:
            raise ModelFault("five")

    state = tree(6)
    with pytest.raises(ModelFault, match="five"):
        drive(advance, state, check=check, grow=grow)
    assert state.control.events[0] == 5


def test_progress_is_called_between_slices() -> None:
    seen: list[int] = []
    drive(advance, tree(6, room=99), max_events=20,
          progress=lambda now: seen.append(int(now.control.events[0])))
    assert seen == [20, 40, 60, 63]


def test_a_stall_says_when_and_what_waits() -> None:
    with pytest.raises(Stalled) as stall:
        drive(advance, tree(6, stall_at=7), grow=grow, waits=lambda now: "h0 waits for h1")
    assert str(stall.value) == "nothing can progress at 2e-11 s of virtual time: h0 waits for h1"


def test_a_stall_without_words_still_says_that_work_is_left() -> None:
    with pytest.raises(Stalled, match="work is left"):
        drive(advance, tree(6, stall_at=7), grow=grow)


def test_a_fault_is_worded_by_the_model() -> None:
    with pytest.raises(ModelFault) as fault:
        drive(advance, tree(6, fault_at=3), grow=grow,
              faults=lambda now: f"code {now.control.code[0]} in event {now.control.code[1]}")
    assert str(fault.value) == "code 42 in event 3 at 1e-11 s of virtual time"


def test_a_fault_without_words_shows_its_code() -> None:
    with pytest.raises(ModelFault, match=r"fault \(42, 3, 0, 0\) at 1e-11 s"):
        drive(advance, tree(6, fault_at=3), grow=grow)


def test_growth_that_nobody_provides_is_a_fault() -> None:
    with pytest.raises(ModelFault, match="array 7 is full and this replay cannot grow it"):
        drive(advance, tree(6))


def test_growth_that_does_not_grow_is_a_fault_and_no_endless_loop() -> None:
    with pytest.raises(ModelFault, match="array 7 is full even after 64 growths"):
        drive(advance, tree(6), grow=lambda state, what: state)


def test_a_kernel_that_does_nothing_is_a_fault_and_no_endless_loop() -> None:
    with pytest.raises(ModelFault, match="returns without handling an event at 0 s"):
        drive(lambda state, until_ps, max_events: RUNNING, tree(2))


class Endless(NamedTuple):
    control: Control


@kernel
def spin(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    state.control.events[0] += max_events
    state.control.now_ps[0] += max_events
    for at in range(max_events):
        state.control.code[0] ^= at
    return RUNNING


SPINNER = f"""
import importlib.util, signal, sys
signal.alarm(300)  # endless otherwise, when this test is killed
spec = importlib.util.spec_from_file_location("spinner", {str(Path(__file__))!r})
module = importlib.util.module_from_spec(spec)
sys.modules["spinner"] = module
spec.loader.exec_module(module)
module.spin(module.Endless(module.new_control()), 0, 1)
print("ready", flush=True)
try:
    module.drive(module.spin, module.Endless(module.new_control()))
except module.Interrupted as stop:
    print(stop, stop.exit_code, int(stop.partial.control.events[0]) > 0)
"""


def test_ctrl_c_ends_a_run_soon_and_keeps_what_is_done() -> None:
    with subprocess.Popen([sys.executable, "-c", SPINNER], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.6)  # well into slices of full length
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    assert out.startswith("interrupted at ") and out.endswith(" 130 True\n")
    assert "s of virtual time, after " in out


def test_ctrl_c_between_slices_carries_the_state() -> None:
    def progress(state: Tree) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stop:
        drive(advance, tree(6, room=99), max_events=5, progress=progress)
    assert stop.value.partial.control.events[0] == 5
