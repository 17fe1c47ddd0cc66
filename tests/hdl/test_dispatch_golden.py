"""The dispatcher's golden against lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.token_dispatch import (
    dispatch_credit,
    dispatch_push,
    dispatch_serve,
    new_dispatch,
)

EXPERTS, DEPTH = 3, 4
STEPS = st.lists(st.tuples(st.sampled_from(["push", "credit", "serve"]),
                           st.integers(0, EXPERTS - 1), st.integers(0, 3)), max_size=60)


@given(STEPS)
def test_any_mix_equals_lists(steps):
    d, out = new_dispatch(EXPERTS, DEPTH), np.zeros(3, np.int64)
    queues: list[list[tuple[int, int]]] = [[] for _ in range(EXPERTS)]
    credit, last = [0] * EXPERTS, EXPERTS - 1
    for number, (step, expert, amount) in enumerate(steps):
        if step == "push":
            fits = len(queues[expert]) < DEPTH
            assert dispatch_push(d, expert, number, amount) == fits
            if fits:
                queues[expert].append((number, amount))
        elif step == "credit":
            dispatch_credit(d, expert, amount)
            credit[expert] += amount
        else:
            turns = [(last + 1 + turn) % EXPERTS for turn in range(EXPERTS)]
            able = [one for one in turns if queues[one] and credit[one]]
            assert dispatch_serve(d, out) == (able[0] if able else -1)
            if able:
                last = able[0]
                credit[last] -= 1
                assert (out[0], out[1]) == queues[last].pop(0) and out[2] == len(queues[last])


def test_credits_saturate():
    d = new_dispatch(1, 2)
    dispatch_credit(d, 0, 200)
    dispatch_credit(d, 0, 200)
    assert d.credit[0] == 255


def test_impossible_sizes_are_refused():
    with pytest.raises(UsageError, match="experts=0, depth=4: both must be at least 1"):
        new_dispatch(0, 4)
