"""The same bytes however a run is sliced, whether compiled or interpreted, and run after run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.engine.share import new_share, share_advance, share_grow
from rackwright.engine.status import FOREVER_PS, GROW, RUNNING

HERE = str(Path(__file__).parent)

SCRIPT = f"""
import sys; sys.path.insert(0, {HERE!r})
import hashlib
from conftest import fat_tree_shuffle
from rackwright.engine.driver import drive
from rackwright.engine.share import new_share, share_advance
state = drive(share_advance, new_share(*fat_tree_shuffle(4, 100, spread=2e-4).arguments))
assert state.control.events[0] == 200
walk = lambda v: b"".join(map(walk, v)) if isinstance(v, tuple) else v.tobytes()
print(hashlib.sha256(walk(state)).hexdigest())
"""


@pytest.fixture
def fresh(shuffle: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: new_share(*shuffle(4, 200, spread=4e-4).arguments)


@pytest.fixture
def whole(fresh: Callable[[], Any], digest: Callable[..., str]) -> str:
    return digest(drive(share_advance, fresh()))


@pytest.mark.parametrize("events", [1, 7, 100, 10**6])
def test_slices_by_events_change_nothing(fresh: Callable[[], Any], whole: str,
                                         digest: Callable[..., str], events: int) -> None:
    assert digest(drive(share_advance, fresh(), max_events=events)) == whole


def test_slices_by_time_change_nothing(fresh: Callable[[], Any], whole: str,
                                       digest: Callable[..., str]) -> None:
    state = fresh()
    for until_ps in range(0, 10**9, 37_000_003):
        state = drive(share_advance, state, until_ps=until_ps)
    assert digest(drive(share_advance, state)) == whole


def test_a_pause_leaves_the_clock_at_its_time(fresh: Callable[[], Any]) -> None:
    state = drive(share_advance, fresh(), until_ps=423_456_789)
    assert state.control.now_ps[0] == 423_456_789
    done = state.finish_ps[state.finish_ps >= 0]
    assert 0 < done.max() <= 423_456_789
    assert (state.finish_ps < 0).any()


def test_a_second_run_in_the_process_is_the_same(fresh: Callable[[], Any], whole: str,
                                                 digest: Callable[..., str]) -> None:
    assert digest(drive(share_advance, fresh())) == whole


def test_the_interpreter_gives_the_bytes_of_the_compiled_kernel(
        run_python: Callable[..., Any]) -> None:
    compiled, interpreted = (run_python(SCRIPT, NUMBA_DISABLE_JIT=off) for off in ("0", "1"))
    assert compiled.returncode == interpreted.returncode == 0, interpreted.stderr
    assert compiled.stdout == interpreted.stdout


def test_room_for_live_flows_grows_as_needed(shuffle: Callable[..., Any]) -> None:
    load = shuffle(4, 3_000)
    state = new_share(*load.arguments)
    assert len(state.flows.slots.route) == 1024
    state = drive(share_advance, state, grow=share_grow, max_events=50)
    assert len(state.flows.slots.route) == 4096
    assert (state.finish_ps > 0).all()


def test_every_array_is_at_rest_at_the_end(fresh: Callable[[], Any]) -> None:
    state = drive(share_advance, fresh())
    flows = state.flows
    assert flows.live[0] == flows.moving[0] == flows.links.busy_count[0] == 0
    assert flows.free_count[0] == len(flows.slots.free)
    assert sorted(flows.slots.free) == list(range(len(flows.slots.free)))
    assert (flows.links.first == -1).all() and (flows.links.hops == 0).all()
    assert (flows.links.weight == 0).all()


def test_every_flow_moves_its_bytes_and_no_more(fresh: Callable[[], Any]) -> None:
    """Rates integrated over every interval in which they are constant."""
    state = fresh()
    sent, rates = np.zeros(len(state.nbytes)), np.zeros(len(state.nbytes))
    before = [0]

    def check(now: Any) -> None:
        at = int(now.control.now_ps[0])
        sent[:] += rates * (at - before[0]) / 1e12
        before[0] = at
        slots = now.flows.slots
        live = slots.ends[:now.flows.live[0]]
        rates[:] = 0
        rates[slots.tag[live]] = slots.rate[live]

    drive(share_advance, state, check=check)
    # an end is rounded up by less than a step: never short, at most one step too much
    assert (sent >= state.nbytes * (1 - 1e-12)).all()
    assert (sent <= state.nbytes * (1 + 1e-12) + 12.5e9 * 1e-12).all()


def test_a_full_array_is_said_before_anything_of_the_tick_is_done(
        shuffle: Callable[..., Any], digest: Callable[..., str]) -> None:
    """Two ticks: 600 flows fit, the next 600 do not; some of the first end in that very tick."""
    load = shuffle(4, 1_200)
    start = np.where(np.arange(1_200) < 600, 0.0, 1e-4)
    state = new_share(*load.arguments[:3], np.full(1_200, 1e5), start)
    status, calls, before = RUNNING, 0, ""
    while status == RUNNING and calls < 10_000:
        before = digest(state)
        status = share_advance(state, FOREVER_PS, 1)
        calls += 1
    assert status == GROW and state.control.now_ps[0] < 10**8
    assert digest(state) == before
    grown = drive(share_advance, state, grow=share_grow)
    roomy = new_share(*load.arguments[:3], np.full(1_200, 1e5), start)
    roomy = drive(share_advance, share_grow(roomy, 0))
    assert np.array_equal(grown.finish_ps, roomy.finish_ps)
