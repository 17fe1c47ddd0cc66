"""The multiplexer: time is accounted for, slices change nothing, and the gate does its work."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine.driver import drive
from rackwright.models.deeppool.branches import plan_layers
from rackwright.models.deeppool.costs import build_costs
from rackwright.models.deeppool.kernel import advance
from rackwright.models.deeppool.multiplexer import Mux, multiplex, pieces_of, prepare_mux, steady
from rackwright.models.deeppool.network import FlatNetwork
from rackwright.models.deeppool.planner import fixed_plan
from rackwright.models.deeppool.sharing import h100_sharing, stand_in_sharing
from rackwright.models.deeppool.state import BG_ONLY, BOTH, IDLE, POLICIES, MuxState
from rackwright.models.deeppool.timeline import Segment, Timeline, build_timeline
from rackwright.traces import LayerProfile

Make = Callable[..., LayerProfile]
STAND_IN = stand_in_sharing(1.1, 0.3)
MUX = Mux(STAND_IN, 0.9, laps=60, warm_laps=20)
EDGES = ((0, 1), (0, 2), (0, 4), (1, 5), (2, 3), (3, 5), (4, 5), (5, 6))


def laid(profile: LayerProfile, limit: float = 2.0, parallel: bool = False, gpus: int = 8,
         bandwidth: float = 2.66e11, **settings: Any) -> Timeline:
    network = FlatNetwork(bandwidth, 40e-6)
    costs = build_costs(profile, network, 32, gpus)
    plan = fixed_plan(costs, -1) if parallel else plan_layers(costs, limit)
    layers = len(profile)
    return build_timeline(plan, network, np.full(layers, 0.3), np.linspace(0.3, 1, layers), gpus,
                          **settings)


def run(timeline: Timeline, mux: Mux, max_events: int | None = None) -> MuxState:
    state, _ = prepare_mux(timeline, mux)
    loop: Any = advance
    return drive(loop, state, max_events=max_events)


def contents(state: MuxState) -> list[bytes]:
    return [array.tobytes() for part in (state.progress, state.background, state.spans,
                                         state.control) for array in part]


@given(seed=st.integers(0, 1000), limit=st.sampled_from([1.5, 2.0, math.inf]),
       policy=st.sampled_from(sorted(POLICIES)), branches=st.booleans(),
       bucket=st.sampled_from([0.0, 4e6]))
@settings(max_examples=25)
def test_all_gpu_time_is_accounted_for(seed: int, limit: float, policy: str, branches: bool,
                                       bucket: float, random_profile: Make) -> None:
    profile = random_profile(seed, 7, EDGES if branches else None)
    state = run(laid(profile, limit, bucket_nbytes=bucket),
                replace(MUX, policy=policy, sharing=h100_sharing(), laps=6, warm_laps=2))
    wall = int(state.control.now_ps[0])
    assert (state.background.spent_ps.sum(axis=1) == wall).all()
    shared = state.background.spent_ps[:, [BG_ONLY, BOTH]].sum(axis=1)
    assert (state.background.done_ps <= shared * 0.9 + 1).all()
    if policy == "newest":
        assert state.background.beside_sums[0] == 0


@given(seed=st.integers(0, 1000), slice_events=st.sampled_from([1, 3, 17]))
@settings(max_examples=15)
def test_a_sliced_run_gives_the_bytes_of_a_whole_one(seed: int, slice_events: int,
                                                     random_profile: Make) -> None:
    timeline = laid(random_profile(seed, 8))
    mux = replace(MUX, laps=4, warm_laps=1, spans=100, admission_time=3e-6)
    assert contents(run(timeline, mux, slice_events)) == contents(run(timeline, mux))


def test_stopping_at_any_time_changes_nothing(random_profile: Make) -> None:
    timeline = laid(random_profile(3, 8))
    mux = replace(MUX, laps=3, warm_laps=1)
    whole, (stopped, _) = run(timeline, mux), prepare_mux(timeline, mux)
    loop: Any = advance
    for until in range(0, int(whole.control.now_ps[0]), 777_777_777):
        drive(loop, stopped, until_ps=until)
        assert stopped.control.now_ps[0] == until
    assert contents(drive(loop, stopped))[:-2] == contents(whole)[:-2]


@pytest.mark.parametrize("gate", ["host", "nic"])
def test_interpreted_and_compiled_kernels_give_the_same_bytes(
        gate: str, random_profile: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    timeline = laid(random_profile(8, 7, EDGES), bucket_nbytes=4e6)
    mux = replace(MUX, sharing=h100_sharing(), gate=gate, laps=5, warm_laps=2, spans=50)
    compiled = contents(run(timeline, mux))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert contents(run(timeline, mux)) == compiled


def one_tasklet(time: float, gpus: int = 1, gap: float = 0.0) -> Timeline:
    """A tasklet on all GPUs, then one on the first alone, which the others wait for."""
    found = [Segment(1, 1, (0, gpus), time, 1.0)]
    if gap:
        found.append(Segment(1, 1, (0, 1), gap, 1.0))
    return Timeline((*found, Segment(4, 32, (0, gpus), 0.0, meet=0)), 1, gpus)


def test_a_slowdown_that_the_gate_allows_lasts() -> None:
    found = multiplex(one_tasklet(1e-3), MUX)
    assert found.iteration_time == pytest.approx(1.1e-3)
    assert found.bg_speed[0] == pytest.approx(0.3)


def test_a_larger_slowdown_is_let_in_every_so_often() -> None:
    """Closed form: after 1.5 times, an average that falls by a tenth a lap needs 16 laps to 1.1."""
    waits = 0
    recent = 1.5
    while recent > 1.1:
        recent, waits = recent + 0.1 * (1.0 - recent), waits + 1
    sharing = stand_in_sharing(1.5, 0.5)
    laps = 20 * (waits + 1)
    found = multiplex(one_tasklet(1e-3), replace(
        MUX, sharing=sharing, piece_time=750e-6 + 1e-9, laps=laps + 1, warm_laps=1))
    assert waits == 16
    # a piece of 0.75 ms at half speed lasts the slowed tasklet
    assert found.iteration_time == pytest.approx(1e-3 * (1 + 0.5 / (waits + 1)), rel=2e-2)


def test_without_background_nothing_is_slower(random_profile: Make) -> None:
    timeline = laid(random_profile(9, 12))
    alone = multiplex(timeline, replace(MUX, present=False))
    plan_time = alone.iteration_time
    assert alone.worst_time == plan_time and alone.bg_gpus == 0
    assert multiplex(timeline, replace(MUX, policy="closed")).iteration_time >= plan_time


def test_background_runs_whenever_the_foreground_does_not() -> None:
    """The second GPU is free for 4 of 5 ms, and the gate lets a piece in at once."""
    found = multiplex(one_tasklet(1e-3, 2, 4e-3), replace(MUX, policy="closed"))
    assert found.spent[1, IDLE] == 0
    assert found.bg_speed[1] > 0.9 * 0.75
    assert found.bg_speed[0] == 0


@given(seed=st.integers(0, 1000), parallel=st.booleans())
@settings(max_examples=20)
def test_the_gate_bounds_the_slowdown(seed: int, parallel: bool, random_profile: Make) -> None:
    """By 1.1 with a stand-in that never exceeds it; with measured pairs far below no gate at all.
    """
    timeline = laid(random_profile(seed, 10), parallel=parallel)
    alone = multiplex(timeline, replace(MUX, present=False)).iteration_time
    assert multiplex(timeline, MUX).iteration_time <= 1.1 * alone * (1 + 1e-9)
    measured = replace(MUX, sharing=h100_sharing())
    gated = multiplex(timeline, measured).iteration_time
    free = multiplex(timeline, replace(measured, policy="open")).iteration_time
    assert gated - alone < 0.6 * (free - alone)


def test_more_background_speed_never_slows_the_background(random_profile: Make) -> None:
    timeline = laid(random_profile(4, 10))
    found = [multiplex(timeline, replace(MUX, sharing=stand_in_sharing(1.1, share))).bg_gpus
             for share in (0.1, 0.3, 0.6, 0.9)]
    assert found == sorted(found) and found[0] < found[-1]


def test_the_older_policy_waits_for_transfers(random_profile: Make) -> None:
    """It refuses whatever is queued within 4 tasklets of a transfer or a sum."""
    timeline = laid(random_profile(4, 10), parallel=True)
    state = run(timeline, replace(MUX, policy="artefact", laps=5, warm_laps=1))
    assert state.background.beside_sums[0] == 0 and state.background.asked[0] > 0


def test_a_nic_that_sums_frees_the_gpu_for_background(random_profile: Make) -> None:
    profile = random_profile(4, 10)
    found = [multiplex(laid(profile, parallel=True, bandwidth=1.25e9, sums_apart=apart),
                       MUX).bg_gpus for apart in (False, True)]
    assert found[1] > 2 * found[0]


def test_an_unfinished_run_has_means_of_what_it_did(random_profile: Make) -> None:
    state, lanes = prepare_mux(laid(random_profile(4, 10)), replace(MUX, laps=50, warm_laps=40))
    loop: Any = advance
    drive(loop, state, until_ps=30_000_000_000)
    found = steady(state, lanes)
    assert 0 < found.laps < 40 and found.iteration_time > 0


def test_pieces_cut_a_step_evenly() -> None:
    assert pieces_of(1.6e-3) == pytest.approx(1.6e-3 / 3)
    assert pieces_of(1e-4) == pytest.approx(1e-4)
