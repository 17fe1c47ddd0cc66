"""Traffic patterns by name and by pairs."""

from __future__ import annotations

import pytest

from rackwright.devices.nvlink import pairs_of
from rackwright.errors import UnknownName, UsageError


def test_names():
    assert pairs_of("single") == ((0, 1),)
    assert pairs_of("incast3") == ((1, 0), (2, 0), (3, 0))
    assert pairs_of("ring4") == ((0, 1), (1, 2), (2, 3), (3, 0))
    assert pairs_of("two_pairs") == pairs_of("pairs2")
    assert sorted(pairs_of("all_to_all3")) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert pairs_of([(2, 0)]) == ((2, 0),)


@pytest.mark.parametrize("word", ["", "in", "incast", "incast0", "ring1", "incast1000", "6"])
def test_other_words_are_unknown(word):
    with pytest.raises(UnknownName, match="traffic pattern"):
        pairs_of(word)


@pytest.mark.parametrize("pairs, text", [
    ([], "at least one"), ([(0, 0)], "two different GPUs"), ([(0, -1)], "numbered from 0"),
    ([(0, 1), (0, 1)], "twice"), ([(0, 1, 2)], "sequence of"), (7, "sequence of"),
    ([(0, 72)], "73 GPUs"), ("incast72", "73 GPUs"),
])
def test_pairs_that_cannot_be(pairs, text):
    with pytest.raises(UsageError, match=text):
        pairs_of(pairs)
