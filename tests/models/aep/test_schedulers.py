"""The schedulers against the paper's Algorithm 1, written out anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.models.aep.schedulers import DEFRAG, FLFS, GROUP, MTFS, pick_queue

Queues = npt.NDArray[np.int64]


def pick(policy: int, queues: Queues, delta: float = 0.8, look_ahead: int = 7,
         group: int = 1) -> int:
    decay = np.array([delta ** k for k in range(look_ahead + 1)])
    return int(pick_queue(policy, queues, queues.sum(axis=1), queues.shape[0], queues.shape[1],
                          decay, look_ahead, group, np.zeros((2, queues.shape[0] + look_ahead))))


def algorithm_1(queues: Queues, delta: float, look_ahead: int) -> list[list[float]]:
    """Scores of the paper's pseudo-code, 0 for an empty queue."""
    blocks, experts = queues.shape
    scores = [[0.0] * experts for _ in range(blocks)]
    for b in range(blocks):
        ahead = sum(delta ** k * sum(int(q) for q in queues[(b + k) % blocks]) / experts
                    for k in range(1, look_ahead + 1))
        for e in range(experts):
            if queues[b, e] > 0:
                scores[b][e] = ahead + int(queues[b, e])
    return scores


queues = st.tuples(st.integers(1, 9), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(st.lists(st.integers(0, 6), min_size=shape[1], max_size=shape[1]),
                           min_size=shape[0], max_size=shape[0])).map(
    lambda rows: np.array(rows, np.int64))


def test_golden_vector() -> None:
    """Computed by hand from Algorithm 1: 8 blocks, 2 experts, K = 7, delta = 0.8."""
    q = np.array([[5, 0], [0, 4], [6, 1], [0, 0], [3, 0], [0, 0], [0, 0], [0, 9]], np.int64)
    scores = algorithm_1(q, 0.8, 7)
    assert [round(scores[b][e], 4) for b, e in ((0, 0), (1, 1), (2, 0), (2, 1), (4, 0), (7, 1))] \
        == [10.3981, 9.2719, 9.5094, 4.5094, 7.9009, 14.5635]
    assert pick(DEFRAG, q) == 7 * 2 + 1


@given(queues, st.sampled_from([0.0, 0.5, 0.8, 1.0]), st.integers(0, 20))
def test_defrag_is_algorithm_1(q: Queues, delta: float, look_ahead: int) -> None:
    scores = np.array(algorithm_1(q, delta, look_ahead))
    picked = pick(DEFRAG, q, delta, look_ahead)
    if q.sum() == 0:
        assert picked == -1
    else:
        # sums in another order may differ in the last bits
        assert scores.flat[picked] == pytest.approx(scores.max(), rel=1e-12)
        assert q.flat[picked] > 0


@given(queues)
def test_mtfs_is_the_longest_queue(q: Queues) -> None:
    assert pick(MTFS, q) == (int(np.argmax(q)) if q.sum() else -1)


@given(queues)
def test_without_decay_defrag_is_mtfs(q: Queues) -> None:
    assert pick(DEFRAG, q, delta=0.0) == pick(MTFS, q)


@given(queues)
def test_flfs_is_the_first_block_with_work(q: Queues) -> None:
    waiting = np.flatnonzero(q)
    assert pick(FLFS, q) == (int(waiting[0]) if len(waiting) else -1)


def one_expert(q: Queues) -> Queues:
    return np.ascontiguousarray(q.sum(axis=1, keepdims=True))


@given(queues)
def test_groups_of_one_block_are_mtfs(q: Queues) -> None:
    """With one expert on a GPU, as the public code counts."""
    assert pick(GROUP, one_expert(q), group=1) == pick(MTFS, one_expert(q))


@given(queues, st.integers(0, 5))
def test_one_group_of_all_blocks_is_flfs(q: Queues, beyond: int) -> None:
    assert pick(GROUP, q, group=len(q) + beyond) == pick(FLFS, q)


@given(queues, st.integers(1, 10))
def test_the_largest_group_goes_first(q: Queues, group: int) -> None:
    picked = pick(GROUP, q, group=group)
    if q.sum() == 0:
        assert picked == -1
        return
    sums = [int(q[at:at + group].sum()) for at in range(0, len(q), group)]
    first = int(np.argmax(sums)) * group
    members = q[first:first + group].ravel()
    assert picked == first * q.shape[1] + int(np.flatnonzero(members)[0])
