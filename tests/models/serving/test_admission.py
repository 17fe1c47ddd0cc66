"""Admission by free KV blocks: the emptiest rank, ties, order of arrival, memory given back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.models.serving.requests import (
    Admission,
    Requests,
    admit_one,
    context_tokens,
    new_admission,
    new_requests,
    token_out,
)

ALL = 10**9


def waiting(blocks: list[int], free: list[int], outputs: int = 2) -> tuple[Requests, Admission]:
    """Requests that need `blocks` KV blocks of one token, all arrived; ranks with `free`."""
    count = len(blocks)
    made = new_requests(np.arange(count, dtype=np.int64),
                        np.array(blocks, np.int64) - outputs,
                        np.full(count, outputs, np.int64), kv_block_tokens=1)
    admission = new_admission(np.array(free, np.int64))
    admission.arrived[0] = count
    return made, admission


def admit_all(requests: Requests, admission: Admission, most: int = ALL, now: int = 0) -> list[int]:
    found = []
    while (r := int(admit_one(requests, admission, most, now))) >= 0:
        found.append(r)
    return found


def test_the_rank_with_most_free_blocks_takes_it() -> None:
    requests, admission = waiting([4, 4, 4], [9, 12, 10])
    assert admit_all(requests, admission) == [0, 1, 2]
    # 12 -> 8; then 10 -> 6; then 9 -> 5
    assert requests.home.tolist() == [1, 2, 0]
    assert admission.kv_free.tolist() == [5, 8, 6]
    assert admission.rank_active.tolist() == [1, 1, 1]


def test_ties_go_to_the_lowest_rank() -> None:
    requests, admission = waiting([3] * 4, [10, 10, 10])
    admit_all(requests, admission)
    assert requests.home.tolist() == [0, 1, 2, 0]


def test_a_request_that_does_not_fit_holds_back_those_behind_it() -> None:
    requests, admission = waiting([8, 9, 2], [10, 4])
    assert admit_all(requests, admission) == [0]
    assert requests.admitted_ps.tolist() == [0, -1, -1]
    for now in (1, 2):
        token_out(requests, admission, 0, now)
    assert admit_all(requests, admission, now=3) == [1, 2]
    assert requests.admitted_ps.tolist() == [0, 3, 3]
    assert requests.home.tolist() == [0, 0, 1]


def test_a_request_may_fill_a_rank_to_the_last_block() -> None:
    requests, admission = waiting([5, 6], [5])
    assert admit_all(requests, admission) == [0]
    assert admission.kv_free.tolist() == [0]


def test_the_cap_counts_what_runs() -> None:
    requests, admission = waiting([2] * 5, [100, 100])
    assert admit_all(requests, admission, most=3) == [0, 1, 2]
    for _ in range(2):
        token_out(requests, admission, 1, 7)
    assert admit_all(requests, admission, most=3) == [3]


def test_nothing_is_admitted_before_it_arrives() -> None:
    requests, admission = waiting([2, 2], [100])
    admission.arrived[0] = 1
    assert admit_all(requests, admission) == [0]


def test_blocks_are_rounded_up_over_prompt_and_output() -> None:
    made = new_requests(np.zeros(4, np.int64), np.array([1, 15, 16, 100]), np.array([1, 1, 1, 60]),
                        kv_block_tokens=16)
    assert made.kv_blocks.tolist() == [1, 1, 2, 10]


def test_a_life_of_three_tokens() -> None:
    """First token apart, two inter-token latencies, everything given back at the end."""
    requests, admission = waiting([10], [50, 50], outputs=3)
    admit_all(requests, admission, now=5)
    assert context_tokens(requests, 0) == 7
    assert not token_out(requests, admission, 0, 100)
    assert not token_out(requests, admission, 0, 130)
    assert context_tokens(requests, 0) == 9
    assert token_out(requests, admission, 0, 180)
    assert (requests.first_ps[0], requests.last_ps[0], requests.finish_ps[0]) == (100, 180, 180)
    assert admission.itl_sum_ps[0] == 80.0
    assert np.flatnonzero(admission.itl_counts).tolist() == [30, 50]
    assert admission.kv_free.tolist() == [50, 50]
    assert admission.rank_active.tolist() == [0, 0]
    assert (admission.active[0], admission.finished[0], admission.tokens[0]) == (0, 1, 3)


class Twin:
    """The rules once more, in plain Python."""

    def __init__(self, blocks: list[int], free: list[int]) -> None:
        self.blocks, self.free = blocks, list(free)
        self.queue, self.homes = list(range(len(blocks))), dict[int, int]()
        self.running: list[int] = []

    def admit(self, most: int) -> None:
        while self.queue and len(self.running) < most:
            rank = max(range(len(self.free)), key=lambda g: (self.free[g], -g))
            if self.free[rank] < self.blocks[self.queue[0]]:
                return
            r = self.queue.pop(0)
            self.free[rank] -= self.blocks[r]
            self.homes[r] = rank
            self.running.append(r)

    def end(self, r: int) -> None:
        self.running.remove(r)
        self.free[self.homes[r]] += self.blocks[r]


@settings(deadline=None)
@given(blocks=st.lists(st.integers(1, 12), min_size=1, max_size=25),
       free=st.lists(st.integers(12, 30), min_size=1, max_size=4),
       most=st.integers(1, 30), data=st.data())
def test_against_the_rules_in_plain_python(blocks: list[int], free: list[int], most: int,
                                           data: Any) -> None:
    requests, admission = waiting(blocks, free, outputs=1)
    twin = Twin(blocks, free)
    while admission.finished[0] < len(blocks):
        admit_all(requests, admission, most)
        twin.admit(most)
        assert {r: int(requests.home[r]) for r in twin.homes} == twin.homes
        assert admission.admitted[0] == len(twin.homes)
        assert admission.kv_free.tolist() == twin.free
        assert admission.active[0] == admission.rank_active.sum() == len(twin.running) <= most
        ended = data.draw(st.sampled_from(twin.running))
        assert token_out(requests, admission, ended, 1)
        twin.end(ended)
    assert admission.admitted[0] == len(blocks)


@pytest.mark.parametrize("ranks", [1, 3])
def test_all_memory_is_free_at_the_end(ranks: int) -> None:
    requests, admission = waiting([3] * 10, [100] * ranks, outputs=1)
    for r in admit_all(requests, admission):
        token_out(requests, admission, r, 1)
    assert admission.kv_free.tolist() == [100] * ranks
    assert not admission.rank_active.any()
