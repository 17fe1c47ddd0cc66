"""Traces that cannot go on: one error that says what waits for what."""

from __future__ import annotations

import pytest

from rackwright.errors import Stalled, TraceError

MIB = 1 << 20


def test_a_receive_that_nobody_sends(step_time, nodes):
    compute, _, move = nodes
    with pytest.raises(Stalled) as caught:
        step_time([compute(0, 1e-3)], [move(0, None, 0, MIB), compute(1, 1e-3, (0,))])
    text = str(caught.value)
    assert "2 of 3 nodes never run" in text
    assert "transfer number 0 from rank 0 to rank 1 (tag 0): rank 1 (node 0, receive 0) waits " \
        "for rank 0, which has nothing left to do: it never takes part" in text


def test_a_collective_that_a_rank_leaves_out(step_time, nodes):
    compute, reduce, _ = nodes
    with pytest.raises(Stalled, match="ALL_REDUCE number 1 of group 'all': rank 0 .node 1, reduce "
                                      "1. waits for rank 1, which has nothing left"):
        step_time([reduce(0, MIB), reduce(1, MIB)], [reduce(0, MIB), compute(1, 1e-6)])


def test_transfers_that_wait_in_a_circle(step_time, nodes):
    _, _, move = nodes
    first = [move(0, None, 1, MIB), move(1, 1, None, MIB, (0,))]
    second = [move(0, None, 0, MIB), move(1, 0, None, MIB, (0,))]
    with pytest.raises(Stalled) as caught:
        step_time(first, second)
    assert "which waits in transfer number 0 from rank 0 to rank 1" in str(caught.value)
    assert "which waits in transfer number 0 from rank 1 to rank 0" in str(caught.value)


def test_ranks_that_mean_different_sizes(step_time, nodes):
    _, reduce, _ = nodes
    with pytest.raises(TraceError, match="rank 0 has node 0 .reduce 0, 1048576 bytes., rank 1 "
                                         "node 0 .reduce 0, 2097152 bytes.; expected the same"):
        step_time([reduce(0, MIB)], [reduce(0, 2 * MIB)])
