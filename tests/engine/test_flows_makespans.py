"""Makespans of shuffles, against closed forms and against SimGrid's printed digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine import share_flows

# SimGrid 3.32 (CM02, no TCP window), as it printed them, s
SIMGRID = {(8, 1_000): 0.00205465336, (16, 1_000): 0.00079056784, (8, 10_000): 0.0128793209}


@pytest.mark.parametrize(
    ("ports", "flows"),
    [(8, 1_000), (16, 1_000), pytest.param(8, 10_000, marks=pytest.mark.slow)])
def test_fat_tree_shuffle_ends_when_simgrid_says(
        shuffle: Callable[..., Any], ports: int, flows: int) -> None:
    finish = share_flows(*shuffle(ports, flows).arguments)
    assert finish.max() == pytest.approx(SIMGRID[ports, flows], rel=5e-9)


@pytest.mark.parametrize("senders", [1, 7, 256])
def test_incast_takes_the_sum_of_its_bytes(senders: int) -> None:
    """n equal messages into one port of C bytes/s: all end at n S / C."""
    size, bandwidth = 1_500_000, 12.5e9
    private = np.arange(1, senders + 1)
    links = np.stack([private, np.zeros(senders, np.int64)], axis=1).ravel()
    finish = share_flows(np.full(senders + 1, bandwidth), np.arange(0, 2 * senders + 1, 2), links,
                         size)
    assert finish == pytest.approx(np.full(senders, senders * size / bandwidth), abs=2e-12)


def test_processor_sharing_of_one_link() -> None:
    """Sizes 1, 2, 3 on a link of 1: ends at 3, 5 and 6 (each leaves its share to the others)."""
    finish = share_flows([1.0], [0, 1, 2, 3], [0, 0, 0], [1.0, 2.0, 3.0])
    assert finish.tolist() == [3.0, 5.0, 6.0]


def test_late_start_shares_from_then_on() -> None:
    finish = share_flows([10.0], [0, 1, 2], [0, 0], [100.0, 20.0], [0.0, 4.0])
    assert finish.tolist() == [12.0, 8.0]


def test_weights_split_a_link_in_proportion() -> None:
    finish = share_flows([4.0], [0, 1, 2], [0, 0], [3.0, 3.0], weight=[3.0, 1.0])
    assert finish.tolist() == [1.0, 1.5]


def test_parking_lot_gives_the_long_flow_its_fair_share() -> None:
    """One flow over three unit links, one short flow on each: every rate is 1/2."""
    finish = share_flows([1.0] * 3, [0, 3, 4, 5, 6], [0, 1, 2, 0, 1, 2], [1.0, 2.0, 2.0, 2.0])
    assert finish.tolist() == [2.0, 3.0, 3.0, 3.0]


def test_bytes_that_do_not_divide_end_one_step_later_never_early() -> None:
    finish = share_flows([3.0], [0, 1], [0], [1.0])
    assert finish[0] == 333_333_333_334 / 1e12


def test_a_flow_without_bytes_or_without_links_ends_when_it_starts() -> None:
    finish = share_flows([1.0], [0, 1, 1, 2], [0, 0], [0.0, 5.0, 2.0], [1.0, 2.0, 0.0])
    assert finish.tolist() == [1.0, 2.0, 2.0]


def test_no_flows_at_all() -> None:
    assert share_flows([1.0], [0], [], []).shape == (0,)
