"""The vote counter's golden against counting sets, in any order of votes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.vote_counter import (
    COMPLETE_NOW,
    GOT,
    IS_COMPLETE,
    NEW,
    READY,
    READY_SENT,
    SEND_READY,
    new_votes,
    votes_add,
    votes_clear,
    votes_flags,
)

NODES, FAULTS = 7, 2
VOTES = st.lists(st.tuples(st.sampled_from([GOT, READY]), st.integers(0, NODES - 1)), max_size=40)


@given(VOTES)
def test_flags_are_what_the_sets_of_voters_say(cast):
    votes, seen, said = new_votes(NODES, FAULTS, 2), set(), 0
    for kind, sender in cast:
        flags = votes_add(votes, 1, kind, sender)
        assert bool(flags & NEW) == ((kind, sender) not in seen)
        seen.add((kind, sender))
        got, ready = (len({one for one in seen if one[0] == kind}) for kind in (GOT, READY))
        asked = got >= NODES - FAULTS or ready >= FAULTS + 1
        assert bool(flags & READY_SENT) == asked
        assert bool(flags & IS_COMPLETE) == (ready >= 2 * FAULTS + 1)
        assert not said & flags & (SEND_READY | COMPLETE_NOW)
        said |= flags
    assert votes_flags(votes, 0) == 0


@given(VOTES)
def test_order_does_not_matter(cast):
    forward, backward = new_votes(NODES, FAULTS, 1), new_votes(NODES, FAULTS, 1)
    for kind, sender in cast:
        votes_add(forward, 0, kind, sender)
    for kind, sender in reversed(cast):
        votes_add(backward, 0, kind, sender)
    assert all((one == other).all() for one, other in zip(forward, backward, strict=True))


@pytest.mark.parametrize(("nodes", "faults"), [(4, 1), (16, 5), (128, 42), (5, 1), (1, 0)])
def test_thresholds_at_their_edges(nodes, faults):
    """N-F-1 GotChunk, F Ready, 2F Ready do nothing yet; one more does."""
    votes = new_votes(nodes, faults, 2)
    for sender in range(nodes - faults):
        flags = votes_add(votes, 0, GOT, sender)
        assert bool(flags & SEND_READY) == (sender == nodes - faults - 1)
    for sender in range(2 * faults + 1):
        flags = votes_add(votes, 1, READY, sender)
        assert bool(flags & SEND_READY) == (sender == faults)
        assert bool(flags & COMPLETE_NOW) == (sender == 2 * faults)
    votes_clear(votes, 1)
    assert votes_flags(votes, 1) == 0 and votes_add(votes, 1, READY, 0) & NEW


@pytest.mark.parametrize(("nodes", "faults", "slots"), [(3, 1, 1), (4, -1, 1), (4, 1, 0)])
def test_impossible_sizes_are_refused(nodes, faults, slots):
    with pytest.raises(UsageError, match=f"nodes={nodes}, faults={faults}, slots={slots}"):
        new_votes(nodes, faults, slots)
