"""The consensus variant, exhaustively for f up to 3."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest

from rackwright.errors import UsageError
from rackwright.models.curp.consensus import held_by, may_answer, propose, recovered
from rackwright.models.curp.formulas import recovery_threshold, superquorum
from rackwright.models.curp.witnesses import new_witnesses


def subsets(servers: int, size: int) -> Iterator[int]:
    for chosen in combinations(range(servers), size):
        yield sum(1 << which for which in chosen)


@pytest.mark.parametrize("f", [1, 2, 3])
def test_every_recovery_finds_what_was_answered(f: int) -> None:
    for accepted in subsets(2 * f + 1, superquorum(f)):
        for asked in subsets(2 * f + 1, f + 1):
            assert (accepted & asked).bit_count() >= recovery_threshold(f)
            assert recovered({7: accepted}, asked, f) == [7]


@pytest.mark.parametrize("f", [1, 2, 3])
def test_one_accept_less_is_not_enough(f: int) -> None:
    assert any(recovered({7: accepted}, asked, f) == []
               for accepted in subsets(2 * f + 1, superquorum(f) - 1)
               for asked in subsets(2 * f + 1, f + 1))


@pytest.mark.parametrize("f", [1, 2, 3])
def test_no_two_conflicting_updates_are_replayed(f: int) -> None:
    """A witness holds one of the two at most, so that both cannot reach the threshold."""
    servers = 2 * f + 1
    for first in range(1 << servers):
        ws = new_witnesses(servers, 4, 2)
        propose(ws, first, 0, 5, 1, 1, 1)
        propose(ws, (1 << servers) - 1, 0, 5, 2, 1, 2)   # the same key, everywhere
        for asked in subsets(servers, f + 1):
            assert len(recovered(held_by(ws, asked), asked, f)) <= 1


def test_terms_and_quorums() -> None:
    ws = new_witnesses(3, 4, 2)
    assert propose(ws, 0b111, 1, 5, 1, 1, 1) == 0          # another leader's witnesses
    assert propose(ws, 0b011, 0, 5, 1, 1, 1) == 0b011
    assert not may_answer(0b011, 1) and may_answer(0b111, 1)
    with pytest.raises(UsageError, match="a recovery needs 2"):
        recovered({}, 0b001, 1)
