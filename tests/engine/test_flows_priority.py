"""Weights and strict priorities: who gets how much of a link."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from rackwright.engine import share_flows
from rackwright.errors import InputError, Stalled


def test_thirty_to_one_splits_a_link_in_that_ratio() -> None:
    """The light flow has had 1/31 of the link when the heavy one ends, and goes on alone."""
    finish = share_flows([31.0], [0, 1, 2], [0, 0], [300.0, 41.0], weight=[30.0, 1.0])
    assert finish.tolist() == [10.0, 11.0]


def test_thirty_to_one_holds_on_every_link_of_a_path() -> None:
    finish = share_flows([31.0, 62.0], [0, 2, 3, 4], [0, 1, 0, 1], [300.0, 10.0, 320.0],
                         weight=[30.0, 1.0, 1.0])
    assert finish.tolist() == [10.0, 10.0, 10.0]


def test_the_first_priority_is_served_as_if_alone() -> None:
    rng = np.random.default_rng(0)
    paths = np.sort(rng.integers(0, 6, (80, 2)), axis=1).reshape(-1)
    size, first = rng.uniform(1e5, 1e6, 80), np.arange(80) < 20
    whole: Any = share_flows(np.full(6, 1e9), np.arange(0, 161, 2), paths, size,
                             priority=np.where(first, 0, 1))
    alone = share_flows(np.full(6, 1e9), np.arange(0, 41, 2), paths[:40], size[:20])
    assert np.array_equal(whole[:20], alone)
    assert whole[20:].max() > whole[:20].max()


def test_a_later_priority_waits_for_the_link_and_then_has_it() -> None:
    finish = share_flows([10.0, 10.0], [0, 1, 2, 3], [0, 0, 1], [50.0, 10.0, 10.0],
                         priority=[0, 7, 7])
    assert finish.tolist() == [5.0, 6.0, 1.0]


def test_a_later_priority_takes_what_the_first_cannot_use() -> None:
    finish = share_flows([10.0, 4.0], [0, 2, 3], [0, 1, 0], [40.0, 60.0], priority=[0, 1])
    assert finish.tolist() == [10.0, 10.0]


@pytest.mark.parametrize(("value", "message"), [
    ([0, 256], "priority[1] is 256.0; a whole number from 0 to 255 is needed"),
    ([-1, 0], "priority[0] is -1.0"), ([0.5, 0], "priority[0] is 0.5")])
def test_a_wrong_priority_is_named(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        share_flows([1.0], [0, 1, 2], [0, 0], 1.0, priority=value)


def test_a_flow_behind_a_stalled_one_of_an_earlier_priority_still_moves() -> None:
    """A dead link takes nothing from the others."""
    with pytest.raises(Stalled) as stall:
        share_flows([10.0, 0.0], [0, 2, 3], [0, 1, 0], [40.0, 60.0], priority=[0, 1])
    assert str(stall.value) == (
        "nothing can progress at 6 s of virtual time: "
        "flow 0 (40 bytes left) waits for link 1, whose bandwidth is 0 bytes/s")
