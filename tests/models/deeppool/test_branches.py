"""Blocks of branches: how a graph is read, and what the planner makes of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.errors import OptionsError, UsageError
from rackwright.models.deeppool.branches import plan_layers
from rackwright.models.deeppool.costs import PlanCosts, build_costs
from rackwright.models.deeppool.multiplexer import Mux, multiplex
from rackwright.models.deeppool.network import FlatNetwork
from rackwright.models.deeppool.planner import plan_chain
from rackwright.models.deeppool.series import Block, series_of
from rackwright.models.deeppool.sharing import stand_in_sharing
from rackwright.models.deeppool.timeline import build_timeline
from rackwright.traces import LayerProfile

Make = Callable[..., LayerProfile]
FORK = ((0, 1), (0, 2), (1, 3), (2, 3))           # 0, then 1 beside 2, then 3
PLAIN = ("conv", "linear")                        # kinds that may change GPUs


def test_a_graph_is_series_and_blocks() -> None:
    assert series_of(((0, 1), (1, 2)), 3) == (0, 1, 2)
    nested = ((0, 1), (0, 6), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 7), (6, 7))
    assert series_of(nested, 8) == (
        0, Block(((1, Block(((2,), (3,))), 4, 5), (6,))), 7)
    residual = ((0, 1), (0, 2), (0, 4), (1, 3), (2, 3), (3, 4))
    assert series_of(residual, 5) == (0, Block(((Block(((1,), (2,))), 3), ())), 4)
    shortcut = ((0, 1), (0, 2), (1, 2))
    assert series_of(shortcut, 3) == (0, Block(((1,), ())), 2)


@pytest.mark.parametrize(("edges", "count", "words"), [
    (((0, 2), (1, 2)), 3, "layers \\[0, 1\\] start"),
    (((0, 1), (0, 2)), 3, "layers \\[1, 2\\] end"),
    (((0, 1), (0, 2), (1, 3), (1, 4), (2, 4), (3, 5), (4, 5)), 6, "share no layer between")])
def test_other_graphs_are_refused(edges: tuple[tuple[int, int], ...], count: int, words: str
                                  ) -> None:
    with pytest.raises(OptionsError, match=words):
        series_of(edges, count)


def test_a_limit_must_be_positive(random_profile: Make, flat: FlatNetwork) -> None:
    with pytest.raises(UsageError, match="amplification limit"):
        plan_layers(build_costs(random_profile(1, 4, FORK), flat, 8, 4), -1.0)


@given(seed=st.integers(0, 10_000))
def test_a_shortcut_that_moves_nothing_changes_nothing(seed: int, random_profile: Make,
                                                       flat: FlatNetwork) -> None:
    """The same layers with an edge past the second, from a layer that puts nothing out."""
    chain = random_profile(seed, 4, kinds=PLAIN)
    outputs = chain.output_elements.copy()
    outputs[0] = 0
    made = [LayerProfile("made", "made", chain.layers, chain.kinds, chain.parameters, outputs,
                         chain.batches, chain.times, edges)
            for edges in (chain.edges, ((0, 1), (0, 2), (1, 2), (2, 3)))]
    plain, short = (build_costs(profile, flat, 8, 4) for profile in made)
    assert plan_layers(short).time == pytest.approx(plan_chain(plain).time, rel=1e-12)


def by_hand(costs: PlanCosts, options: tuple[int, ...], limit: float) -> float:
    """Seconds of FORK with these options, by the rule of the block."""
    start, left, right, end = options
    own = costs.layer_time
    ways = [float(costs.move_time[0, start, side] + own[layer, side]
                  + costs.move_time[layer, side, end])
            for layer, side in ((1, left), (2, right))]
    main = 0 if ways[0] >= ways[1] else 1
    layer, side = ((2, right), (1, left))[main]
    extra = float(costs.away_time[0, start, side] - costs.move_time[0, start, side]
                  + costs.away_time[layer, side, end] - costs.move_time[layer, side, end])
    gpus = costs.gpus.tolist()
    used = max(gpus[(left, right)[main]], gpus[start], gpus[end])
    apart = (used + gpus[side] <= gpus[-1] and extra < ways[main]
             and extra + ways[1 - main] <= limit * ways[1 - main])
    block = max(ways[main], extra + ways[1 - main]) if apart else sum(ways)
    return float(own[0, start] + block + own[3, end])


@given(seed=st.integers(0, 10_000), gpus=st.sampled_from([2, 4]))
def test_two_branches_of_a_layer_each_by_trying_everything(
        seed: int, gpus: int, random_profile: Make, flat: FlatNetwork) -> None:
    """Branches are planned one by one: each takes its own fastest way, then they are packed."""
    costs = build_costs(random_profile(seed, 4, FORK, kinds=PLAIN), flat, 8, gpus)
    k = len(costs.gpus)
    best = math.inf
    for start, end in itertools.product(range(k), repeat=2):
        sides = [int(np.argmin(costs.move_time[0, start] + costs.layer_time[layer]
                               + costs.move_time[layer, :, end])) for layer in (1, 2)]
        best = min(best, by_hand(costs, (start, sides[0], sides[1], end), math.inf))
    assert plan_layers(costs).time == pytest.approx(best, rel=1e-12)


def fork(left: float, right: float, output: int = 0) -> LayerProfile:
    """Layers that take as long at any batch: more GPUs never help."""
    times = np.array([[1e-3], [left], [right], [1e-3]]) * np.ones((1, 4))
    return LayerProfile("fork", "fork", ("a", "b", "c", "d"), ("conv",) * 4,
                        np.zeros(4, np.int64), np.full(4, output), np.array([8, 4, 2, 1]), times,
                        FORK)


def test_branches_apart_take_the_longest_and_together_the_sum(flat: FlatNetwork) -> None:
    apart = plan_layers(build_costs(fork(3e-3, 2e-3), flat, 8, 8))
    assert apart.time == pytest.approx(5e-3)
    assert apart.first.tolist() == [0, 0, 1, 0]
    together = plan_layers(build_costs(fork(3e-3, 2e-3), flat, 8, 1))
    assert together.time == pytest.approx(7e-3)
    assert together.first.tolist() == [0, 0, 0, 0]


def test_a_branch_stays_when_moving_it_takes_longer_than_the_main_one() -> None:
    slow = FlatNetwork(1e9, 0.0)          # 4 B * 8 samples * 300,000 elements: 9.6 ms a pass
    together = plan_layers(build_costs(fork(3e-3, 2e-3, 300_000), slow, 8, 8))
    assert together.time == pytest.approx(7e-3)
    assert together.most_gpus == 1


def test_a_limit_keeps_a_branch_from_gpus_that_amplify_it() -> None:
    network = FlatNetwork(1e11, 200e-6)   # four transfers of 0.2 ms and little more
    profile = fork(3e-3, 1e-3, 1_000)
    assert plan_layers(build_costs(profile, network, 8, 2), 1.5).most_gpus == 1
    assert plan_layers(build_costs(profile, network, 8, 2), 2.5).most_gpus == 2


@given(seed=st.integers(0, 10_000), limit=st.sampled_from([1.5, 3.0, math.inf]))
def test_branches_beside_one_another_share_no_gpu(seed: int, limit: float, random_profile: Make,
                                                  flat: FlatNetwork) -> None:
    edges = ((0, 1), (0, 2), (0, 4), (1, 5), (2, 3), (3, 5), (4, 5), (5, 6))
    plan = plan_layers(build_costs(random_profile(seed, 7, edges, kinds=PLAIN), flat, 32, 8), limit)
    assert plan.most_gpus <= 8
    spans = [{*range(int(plan.first[layer]), int(plan.first[layer] + plan.gpus[layer]))}
             for layer in range(7)]
    for one, other in ((1, 2), (1, 3), (1, 4), (2, 4), (3, 4)):
        alike = plan.first[one] == plan.first[other] == 0
        assert alike or not spans[one] & spans[other]
    assert plan.busy_time <= 8 * plan.time * (1 + 1e-12)


def drawn_graph(draw: np.random.Generator) -> tuple[tuple[tuple[int, int], ...], int]:
    """A random series of layers and blocks, two deep: its edges and its number of layers."""
    edges: set[tuple[int, int]] = set()
    count = 1

    def series(at: int, depth: int) -> int:
        nonlocal count
        for _ in range(int(draw.integers(1, 4))):
            ends = {at}
            if depth < 2 and draw.random() < 0.4:
                ends = {series(at, depth + 1) if draw.random() < 0.85 else at
                        for _ in range(int(draw.integers(2, 4)))}
            edges.update((end, count) for end in ends)
            at, count = count, count + 1
        return at

    series(0, 0)
    return tuple(sorted(edges)), count


@given(seed=st.integers(0, 10_000), limit=st.sampled_from([1.2, 2.0, math.inf]),
       bucket=st.sampled_from([0.0, 4e6]))
@settings(max_examples=15)
def test_any_series_of_blocks_is_planned_and_runs_to_its_end(
        seed: int, limit: float, bucket: float, random_profile: Make, flat: FlatNetwork) -> None:
    edges, count = drawn_graph(np.random.default_rng(seed))
    profile = random_profile(seed, count, edges)
    plan = plan_layers(build_costs(profile, flat, 32, 8), limit)
    assert plan.most_gpus <= 8 and plan.busy_time <= 8 * plan.time * (1 + 1e-12)
    made = build_timeline(plan, flat, np.full(count, 0.3), np.full(count, 0.8), 8,
                          bucket_nbytes=bucket)
    found = multiplex(made, Mux(stand_in_sharing(1.1, 0.3), 0.9, laps=3, warm_laps=1))
    assert found.laps == 3
    assert found.iteration_time >= float(plan.costs.compute_time.min(axis=1).max())
