"""From a plan to what every GPU does: order, tasklets, buckets."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.hdl.bg_gate import ALLREDUCE, COMPUTE, MULTIPLEX
from rackwright.models.deeppool.branches import plan_layers
from rackwright.models.deeppool.costs import build_costs
from rackwright.models.deeppool.multiplexer import Mux, multiplex
from rackwright.models.deeppool.network import FlatNetwork
from rackwright.models.deeppool.planner import fixed_plan
from rackwright.models.deeppool.sharing import stand_in_sharing
from rackwright.models.deeppool.timeline import (
    LABELS,
    Segment,
    Timeline,
    build_timeline,
    forward_shares,
    merged,
)
from rackwright.traces import LayerProfile

Make = Callable[..., LayerProfile]
ALONE = Mux(stand_in_sharing(1.1, 0.3), 0.9, present=False, laps=3, warm_laps=1)
SUM, WORK = LABELS.index("gradients"), LABELS.index("compute")


def timeline(profile: LayerProfile, network: Any, limit: float = math.inf, gpus: int = 8,
             parallel: bool = False, **settings: Any) -> tuple[Any, Timeline]:
    costs = build_costs(profile, network, 32, gpus)
    plan = fixed_plan(costs, -1) if parallel else plan_layers(costs, limit)
    forward = forward_shares(profile.times[:, 0], None)
    return plan, build_timeline(plan, network, forward, np.ones(len(profile)), gpus, **settings)


@given(seed=st.integers(0, 10_000), limit=st.sampled_from([1.3, 2.0, math.inf]),
       gpus=st.sampled_from([1, 2, 8]))
def test_a_chain_takes_what_its_plan_says(seed: int, limit: float, gpus: int, random_profile: Make,
                                          flat: FlatNetwork) -> None:
    plan, made = timeline(random_profile(seed, 10), flat, limit, gpus)
    assert multiplex(made, ALONE).iteration_time == pytest.approx(plan.time, abs=5e-11)


def test_gpu_time_of_a_chain_is_that_of_its_plan(random_profile: Make, flat: FlatNetwork) -> None:
    plan, made = timeline(random_profile(12, 20), flat, 2.0)
    spent = sum(one.time * (one.gpus[1] - one.gpus[0]) for one in made.segments)
    assert spent == pytest.approx(plan.busy_time)


def test_branches_on_their_own_gpus_run_side_by_side(random_profile: Make) -> None:
    free = FlatNetwork(1e30, 0.0)
    edges = ((0, 1), (0, 2), (1, 3), (2, 3))
    profile = random_profile(1, 4, edges, kinds=("conv", "linear"))
    alike = np.ones((4, 6)) * np.array([[1e-3], [3e-3], [2e-3], [1e-3]])
    profile = LayerProfile("fork", "fork", profile.layers, profile.kinds, profile.parameters,
                           profile.output_elements, profile.batches, alike, edges)
    plan, made = timeline(profile, free)
    assert plan.first.tolist() == [0, 0, 1, 0]
    assert multiplex(made, ALONE).iteration_time == pytest.approx(5e-3)
    one, serial = timeline(profile, free, gpus=1)
    assert one.time == pytest.approx(7e-3)
    assert multiplex(serial, ALONE).iteration_time == pytest.approx(7e-3)


def test_buckets_sum_the_same_gradients_and_hide_behind_the_backward_pass(
        random_profile: Make) -> None:
    network = FlatNetwork(5e10, 40e-6)
    profile = random_profile(5, 20)
    _, end = timeline(profile, network, parallel=True)
    late = multiplex(end, ALONE).iteration_time
    times = []
    for bucket in (1.0, 4e6, 4e7, 1e12):
        _, made = timeline(profile, network, parallel=True, bucket_nbytes=bucket)
        sums = [one for one in made.segments if one.label == SUM]
        assert all(one.beside for one in sums)
        assert sum(one.time for one in sums) == pytest.approx(
            sum(one.time for one in end.segments if one.label == SUM))
        times.append(multiplex(made, ALONE).iteration_time)
    assert times[0] <= times[1] <= times[2] <= times[3] == pytest.approx(late)
    assert times[0] < 0.9 * late
    compute = sum(one.time for one in end.segments if one.label == WORK)
    assert times[0] >= compute


def test_sums_by_the_nic_leave_the_gpu_free(random_profile: Make, flat: FlatNetwork) -> None:
    for apart in (False, True):
        _, made = timeline(random_profile(5, 6), flat, parallel=True, sums_apart=apart)
        flags = {one.flags for one in made.segments if one.label == SUM}
        assert flags == {ALLREDUCE | (MULTIPLEX if apart else 0)}


def work(time: float, **settings: Any) -> Segment:
    return Segment(WORK, COMPUTE, settings.pop("gpus", (0, 8)), time, 1.0, **settings)


def test_short_layers_are_merged_until_a_quarter_of_a_millisecond() -> None:
    found = merged([work(100e-6)] * 7)
    assert [round(one.time * 1e6) for one in found] == [300, 300, 100]


def test_no_tasklet_is_merged_beyond_half_a_millisecond() -> None:
    assert [one.parts for one in merged([work(200e-6), work(400e-6), work(200e-6)])] == [1, 1, 1]
    assert [one.parts for one in merged([work(900e-6), work(1e-6)])] == [1, 1]


def test_at_most_ten_layers_make_a_tasklet() -> None:
    assert [one.parts for one in merged([work(1e-6)] * 25)] == [10, 10, 5]


def test_a_tasklet_ends_where_others_wait() -> None:
    assert len(merged([work(1e-6, post=0), work(1e-6)])) == 2
    assert len(merged([work(1e-6), work(1e-6, wait=0)])) == 2
    assert len(merged([work(1e-6), work(1e-6, gpus=(0, 4))])) == 2
    assert merged([work(1e-6, wait=3), work(2e-6, post=4)])[0].post == 4


def test_forward_shares_stay_between_nothing_and_all() -> None:
    shares = forward_shares(np.array([2.0, 0.0, 1.0]), np.array([1.0, 0.0, 3.0]))
    assert shares.tolist() == [0.5, 0.0, 1.0]
    assert set(forward_shares(np.ones(3), None)) == {1 / 3}
