"""The scorer's golden against the AEP model's floating-point scheduler."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.uqueue_score import (
    DEFRAG,
    FIRST,
    FRACTION,
    MOST,
    fixed_load,
    fixed_pick,
    new_queues,
)
from rackwright.models.aep.schedulers import FLFS, MTFS, pick_queue

BLOCKS, SLOTS = 6, 2
LENGTHS = st.lists(st.integers(0, 60), min_size=BLOCKS * SLOTS, max_size=BLOCKS * SLOTS)


def queues(lengths):
    found = new_queues(BLOCKS, SLOTS)
    found.length[:] = np.array(lengths).reshape(BLOCKS, SLOTS)
    return found


@given(LENGTHS, st.integers(0, 9), st.integers(0, 255))
def test_load_is_the_decayed_sum_but_for_what_is_cut_off(lengths, look_ahead, decay):
    q, share = queues(lengths), decay / 256
    means = q.length.mean(axis=1)
    for block in range(BLOCKS):
        exact = sum(share**k * means[(block + k) % BLOCKS] for k in range(1, look_ahead + 1))
        found = fixed_load(q, block, look_ahead, decay) / FRACTION
        # each step cuts off less than one unit of the fraction, and later ones shrink it
        assert exact - (look_ahead + 1) / FRACTION <= found <= exact + 1e-9


@pytest.mark.parametrize(("mode", "policy"), [(MOST, MTFS), (FIRST, FLFS)])
@given(lengths=LENGTHS)
def test_choices_without_load_are_the_models(mode, policy, lengths):
    q = queues(lengths)
    wanted = pick_queue(policy, q.length, q.length.sum(axis=1), BLOCKS, SLOTS, np.zeros(10), 8, 1,
                        np.zeros((2, 2 * BLOCKS + 8)))
    found = fixed_pick(q, mode, 8, 205)
    assert (q.best[0] * SLOTS + q.best[1] if found else -1) == wanted


@given(LENGTHS)
def test_defrag_takes_a_queue_of_the_highest_score_within_the_fraction(lengths):
    q = queues(lengths)
    if not fixed_pick(q, DEFRAG, 5, 205):
        assert not q.length.any()
        return
    scores = {(block, slot): q.length[block, slot] + fixed_load(q, block, 5, 205) / FRACTION
              for block in range(BLOCKS) for slot in range(SLOTS) if q.length[block, slot]}
    block, slot, length, score = q.best
    assert length == q.length[block, slot] and score / FRACTION == scores[block, slot]
    assert scores[block, slot] == max(scores.values())
    assert (block, slot) == min(where for where, one in scores.items() if one == score / FRACTION)


def test_impossible_sizes_are_refused():
    with pytest.raises(UsageError, match="blocks=4, slots=3"):
        new_queues(4, 3)
