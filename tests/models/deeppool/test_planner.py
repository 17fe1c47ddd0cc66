"""The planner of chains: against a transcription, against trying everything, and its properties."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.models.deeppool.costs import FORBIDDEN, build_costs
from rackwright.models.deeppool.network import FlatNetwork
from rackwright.models.deeppool.planner import best_static, fixed_plan, plan_chain
from rackwright.traces import LayerProfile

Make = Callable[..., LayerProfile]
FREE = FlatNetwork(1e30, 0.0)


@given(seed=st.integers(0, 10_000), layers=st.integers(1, 12), gpus=st.sampled_from([1, 2, 4, 8]),
       limit=st.sampled_from([1.05, 1.5, 2.0, 5.0, 99.0]), flat_sides=st.booleans())
def test_a_plan_is_that_of_the_transcription(
        seed: int, layers: int, gpus: int, limit: float, flat_sides: bool, random_profile: Make,
        flat: FlatNetwork, written: Any) -> None:
    profile = random_profile(seed, layers)
    found = plan_chain(build_costs(profile, flat, 16, gpus), limit)
    wanted = written(profile, 16, gpus, 2.66e5, 40.0, flat_sides).plan(limit)
    assert found.time * 1e6 == pytest.approx(wanted.time, rel=1e-9)
    assert tuple(found.gpus.tolist()) == wanted.gpus
    assert found.busy_time * 1e6 == pytest.approx(wanted.busy, rel=1e-9)


@given(seed=st.integers(0, 10_000), layers=st.integers(1, 5), gpus=st.sampled_from([2, 4, 8]))
def test_without_limit_a_plan_is_the_shortest_of_all(
        seed: int, layers: int, gpus: int, random_profile: Make, flat: FlatNetwork, written: Any
        ) -> None:
    profile = random_profile(seed, layers)
    found = plan_chain(build_costs(profile, flat, 8, gpus))
    assert found.time * 1e6 == pytest.approx(written(profile, 8, gpus, 2.66e5, 40.0).shortest(),
                                             rel=1e-9)


@given(seed=st.integers(0, 10_000), limit=st.sampled_from([1.2, 2.0, 5.0, math.inf]))
def test_every_plan_can_be_run(seed: int, limit: float, random_profile: Make, flat: FlatNetwork
                               ) -> None:
    profile = random_profile(seed, 20)
    costs = build_costs(profile, flat, 32, 8)
    plan = plan_chain(costs, limit)
    assert all(8 % gpus == 0 and 32 % gpus == 0 for gpus in plan.gpus.tolist())
    changed = np.flatnonzero(np.diff(plan.gpus)) + 1
    small = profile.output_elements[changed - 1] == 0      # nothing to move is free everywhere
    assert not (costs.kept[changed] & ~small).any()
    assert plan.time == pytest.approx(float(plan.layer_time.sum()))
    assert plan.busy_time <= 8 * plan.time * (1 + 1e-12)
    if limit == math.inf:
        assert plan.time <= best_static(costs).time * (1 + 1e-12)
        assert plan.time <= fixed_plan(costs, -1).time * (1 + 1e-12)


def test_one_gpu_takes_the_sum_of_the_layers(random_profile: Make, flat: FlatNetwork) -> None:
    profile = random_profile(3, 15)
    plan = plan_chain(build_costs(profile, flat, 16, 1))
    assert plan.time == pytest.approx(float(profile.column(16).sum()), rel=1e-12)


def test_on_a_free_network_every_layer_takes_its_fastest(random_profile: Make) -> None:
    profile = random_profile(4, 15, kinds=("conv", "linear"))
    costs = build_costs(profile, FREE, 16, 8)
    assert plan_chain(costs).time == pytest.approx(float(costs.compute_time.min(axis=1).sum()))


def test_with_endless_latency_nothing_moves(random_profile: Make) -> None:
    profile = random_profile(5, 15)
    costs = build_costs(profile, FlatNetwork(2.66e11, 10.0), 16, 8)
    plan = plan_chain(costs)
    assert len(set(plan.gpus.tolist())) == 1
    assert plan.time == pytest.approx(best_static(costs).time)


def test_data_parallel_and_one_gpu_are_the_ends(random_profile: Make, flat: FlatNetwork) -> None:
    costs = build_costs(random_profile(6, 5), flat, 32, 8)
    assert set(fixed_plan(costs, -1).gpus.tolist()) == {8}
    assert set(fixed_plan(costs, 0).gpus.tolist()) == {1}
    assert fixed_plan(costs, -1).text == "0-4 on 8"


def test_a_limit_must_be_positive(random_profile: Make, flat: FlatNetwork) -> None:
    with pytest.raises(UsageError, match="amplification limit 0; it must be above 0"):
        plan_chain(build_costs(random_profile(6, 5), flat, 32, 8), 0.0)


def test_a_thousand_gpus_and_a_hundred_layers_are_planned(random_profile: Make, flat: FlatNetwork
                                                          ) -> None:
    plan = plan_chain(build_costs(random_profile(7, 100), flat, 1024, 1024), 2.0)
    assert len(plan.costs.gpus) == 11
    assert FORBIDDEN > 1 and plan.time > 0
