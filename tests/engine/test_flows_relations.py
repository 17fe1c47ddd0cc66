"""Changes of the input whose effect on the finish times is known exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine import share_flows

STEP = 1e-12
FEW_STEPS = 1e-11  # sums in another order may move an end by a step, and that of others in turn


@pytest.fixture(scope="module")
def load(shuffle: Callable[..., Any]) -> Any:
    return shuffle(4, 200, spread=4e-4)


@pytest.fixture(scope="module")
def finish(load: Any) -> Any:
    return share_flows(*load.arguments)


def test_the_load_is_worth_testing(load: Any, finish: Any) -> None:
    alone = load.nbytes / 12.5e9
    assert (finish - load.start > 1.5 * alone).mean() > 0.5
    assert len(np.unique(finish)) == len(finish)


@pytest.mark.parametrize("factor", [0.5, 2.0, 1024.0])
def test_scaling_bytes_and_bandwidths_alike_changes_nothing(
        load: Any, finish: Any, factor: float) -> None:
    scaled = share_flows(load.bandwidth * factor, load.offsets, load.links, load.nbytes * factor,
                         load.start)
    assert np.array_equal(scaled, finish)


def test_scaling_by_ten_changes_nothing_but_roundings(load: Any, finish: Any) -> None:
    scaled = share_flows(load.bandwidth * 10, load.offsets, load.links, load.nbytes * 10,
                         load.start)
    assert scaled == pytest.approx(finish, abs=FEW_STEPS)


@pytest.mark.parametrize("factor", [2.0, 5.0])
def test_faster_links_divide_all_times(load: Any, factor: float) -> None:
    slow = share_flows(load.bandwidth, load.offsets, load.links, load.nbytes, 0.0)
    fast = share_flows(load.bandwidth * factor, load.offsets, load.links, load.nbytes, 0.0)
    assert fast == pytest.approx(slow / factor, abs=FEW_STEPS)


def test_numbers_of_links_mean_nothing(load: Any, finish: Any) -> None:
    new = np.random.default_rng(3).permutation(len(load.bandwidth))
    relabelled = share_flows(load.bandwidth, load.offsets, new[load.links], load.nbytes,
                             load.start)
    assert relabelled == pytest.approx(finish, abs=FEW_STEPS)


def test_the_order_of_flows_means_nothing(load: Any, finish: Any) -> None:
    order = np.random.default_rng(4).permutation(len(load.nbytes))
    lengths = np.diff(load.offsets)[order]
    links = np.concatenate([load.links[load.offsets[i]:load.offsets[i + 1]] for i in order])
    shuffled = share_flows(load.bandwidth, np.cumsum([0, *lengths]), links, load.nbytes[order],
                           load.start[order])
    assert shuffled == pytest.approx(finish[order], abs=FEW_STEPS)


def test_a_link_that_nobody_crosses_changes_nothing(load: Any, finish: Any) -> None:
    more = share_flows(np.append(load.bandwidth, 1.0), *load.arguments[1:])
    assert np.array_equal(more, finish)


def test_a_disjoint_twin_changes_nothing(load: Any, finish: Any) -> None:
    count = len(load.bandwidth)
    twins = share_flows(
        np.tile(load.bandwidth, 2), np.append(load.offsets, load.offsets[1:] + load.offsets[-1]),
        np.append(load.links, load.links + count), np.tile(load.nbytes, 2),
        np.tile(load.start, 2))
    assert np.array_equal(twins, np.tile(finish, 2))


def test_two_halves_of_a_flow_end_with_the_whole(load: Any) -> None:
    """A flow of weight 2 is two flows of weight 1 with half the bytes each."""
    count = len(load.nbytes)
    whole = share_flows(*load.arguments, weight=np.where(np.arange(count) == 0, 2.0, 1.0))
    first = load.links[:load.offsets[1]]
    offsets = np.append(load.offsets, load.offsets[-1] + len(first))
    size = np.append(load.nbytes, load.nbytes[0] / 2)
    size[0] /= 2
    halves = share_flows(load.bandwidth, offsets, np.append(load.links, first), size,
                         np.append(load.start, load.start[0]))
    assert halves == pytest.approx(np.append(whole, whole[0]), abs=FEW_STEPS)


def test_weights_count_only_in_proportion(load: Any, finish: Any) -> None:
    assert np.array_equal(share_flows(*load.arguments, weight=4.0), finish)


def test_extreme_weights_leave_nothing_behind() -> None:
    """Light flows go on alone when a million times heavier ones have ended."""
    finish = share_flows([1.0], [0, 1, 2, 3], [0, 0, 0], [1.0, 1.0, 2e-6], [0.0, 0.0, 1.0],
                         weight=[1e6, 1e-6, 1e-6])
    assert finish == pytest.approx([1.0, 2.0 + 2e-6, 1.0 + 4e-6], abs=1e-9)


def test_a_link_crossed_twice_is_charged_twice() -> None:
    assert share_flows([2.0], [0, 2], [0, 0], [3.0]).tolist() == [3.0]


def test_more_capacity_on_a_single_link_helps_everybody() -> None:
    """True of one link only: in a network one flow's gain can be the others' loss."""
    size = np.random.default_rng(5).uniform(1e5, 1e6, 50)
    slow, fast = (share_flows([width], np.arange(51), np.zeros(50, int), size)
                  for width in (1e9, 1.1e9))
    assert (fast < slow).all()
