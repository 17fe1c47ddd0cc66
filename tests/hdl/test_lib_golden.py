"""The arbiter's golden: properties of every transition, for every size that the bench exhausts."""

from __future__ import annotations

import pytest

from rackwright.hdl.lib.arbiter import served


@pytest.mark.parametrize("size", range(1, 9))
def test_only_who_asks_and_somebody_if_anybody(size: int) -> None:
    for turn in range(size):
        for request in range(1 << size):
            one = served(request, turn, size)
            assert (one < 0) == (request == 0)
            assert one < 0 or request >> one & 1


@pytest.mark.parametrize("size", range(1, 9))
def test_who_keeps_asking_waits_for_the_others_at_most_once(size: int) -> None:
    """From every turn and whatever the others ask, `one` comes closer with every grant: the
    distance from the turn to it falls, so that it is served within `size` grants."""
    for turn in range(size):
        for one in range(size):
            distance = (one - turn) % size
            for request in range(1 << size):
                found = served(request | 1 << one, turn, size)
                if found != one:
                    after = (one - (found + 1)) % size
                    assert after < distance
