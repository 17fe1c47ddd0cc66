"""Properties of the witness table's golden (curp, section 2.3)."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from rackwright.errors import UsageError
from rackwright.hdl.witness_table.golden import (
    ABSENT,
    ACCEPT,
    FREED,
    HELD,
    REJECT_FROZEN,
    REJECT_FULL,
    REJECT_KEY,
    STALE,
    UNKNOWN,
    Witness,
    new_witness,
    signed,
    status_of,
    unsigned,
    way_of,
    witness_freeze,
    witness_gc,
    witness_gc_round,
    witness_occupancy,
    witness_probe,
    witness_read,
    witness_record,
    witness_start,
)

REJECTS = (REJECT_KEY, REJECT_FULL, REJECT_FROZEN)


def held(w: Witness) -> list[tuple[int, int, int]]:
    """The entries, as (key hash, client id, RPC id)."""
    at = np.nonzero(w.valid)
    return [*zip(*(column[at].tolist() for column in (w.key_hash, w.client_id, w.rpc_id)),
                 strict=True)]


def copy(w: Witness) -> list[bytes]:
    return [array.tobytes() for array in w]


@pytest.mark.parametrize(("sets", "ways"), [(2, 1), (4, 2), (8, 8), (64, 4)])
def test_accepted_records_commute_and_fit(sets: int, ways: int) -> None:
    w, draws = new_witness(sets, ways), random.Random(sets)
    counts = dict.fromkeys((ACCEPT, *REJECTS, FREED, UNKNOWN), 0)
    records = 0
    for rpc in range(1500):
        key = draws.randrange(-2 * sets * ways, 2 * sets * ways)
        if draws.random() < 0.8:
            records += 1
            counts[status_of(witness_record(w, key, 1, rpc))] += 1
        else:
            entry = draws.choice(held(w) or [(key, 1, rpc)])
            counts[status_of(witness_gc(w, *entry))] += 1
        keys = [entry[0] for entry in held(w)]
        assert len(set(keys)) == len(keys)
        assert len(keys) == witness_occupancy(w) == counts[ACCEPT] - counts[FREED] <= sets * ways
    assert counts[ACCEPT] + sum(counts[status] for status in REJECTS) == records
    assert counts[REJECT_KEY] and counts[REJECT_FULL] and counts[FREED]


def test_any_order_of_accepted_records_is_accepted() -> None:
    w, draws = new_witness(2, 2), random.Random(5)
    while witness_occupancy(w) < 4:
        witness_record(w, draws.getrandbits(63), draws.getrandbits(63), draws.getrandbits(63))
    for order in itertools.permutations(held(w)):
        other = new_witness(2, 2)
        assert all(status_of(witness_record(other, *entry)) == ACCEPT for entry in order)
        assert sorted(held(other)) == sorted(held(w))


def test_gc_of_the_unknown_is_a_no_op() -> None:
    w = new_witness(4, 2)
    for key in range(6):
        witness_record(w, key, 1, key)
    before = copy(w)
    for entry in [(0, 1, 9), (0, 2, 0), (3, 1, 0), (0, 1, 1), (7, 7, 7)]:
        assert witness_gc(w, *entry) == UNKNOWN
    assert copy(w) == before


def test_gc_needs_the_set_not_the_key() -> None:
    w = new_witness(4, 2)
    witness_record(w, 5, 1, 1)
    assert status_of(witness_gc(w, 1, 1, 1)) == FREED
    assert witness_occupancy(w) == 0


def test_freeze_holds_until_start() -> None:
    w = new_witness(4, 2)
    witness_record(w, 1, 1, 1)
    witness_record(w, 2, 1, 2)
    witness_freeze(w)
    before = held(w)
    for key in range(20):
        assert witness_record(w, key, 1, key) == REJECT_FROZEN
    witness_gc_round(w)
    assert held(w) == before
    assert status_of(witness_gc(w, 2, 1, 2)) == FREED
    assert witness_record(w, 2, 1, 2) == REJECT_FROZEN
    witness_start(w)
    assert witness_occupancy(w) == 0
    assert status_of(witness_record(w, 1, 1, 1)) == ACCEPT


def test_stale_after_three_rounds_and_only_when_in_the_way() -> None:
    w = new_witness(2, 2)
    assert witness_record(w, 0, 1, 1) == ACCEPT
    for _ in range(3):
        assert witness_record(w, 0, 2, 2) == REJECT_KEY
        witness_gc_round(w)
    assert witness_record(w, 0, 2, 2) == REJECT_KEY | STALE
    assert status_of(witness_record(w, 2, 2, 2)) == ACCEPT
    full = witness_record(w, 4, 3, 3)
    assert full & (STALE | 255) == REJECT_FULL | STALE and way_of(full) == 0
    assert witness_record(w, 1, 3, 3) == ACCEPT  # the other set knows nothing of it


def test_every_stale_entry_can_be_freed() -> None:
    """What a rejection names is enough for the master to retry and gc it."""
    w = new_witness(2, 4)
    for key in range(8):
        witness_record(w, key, 1, key)
    for _ in range(3):
        witness_gc_round(w)
    freed = 0
    while (code := witness_record(w, 100, 9, 9)) & STALE:
        at = 100 & 1, way_of(code)
        entry = (int(table[at]) for table in (w.key_hash, w.client_id, w.rpc_id))
        assert status_of(witness_gc(w, *entry)) == FREED
        freed += 1
    assert status_of(code) == ACCEPT and freed == 1


def test_round_numbers_wrap() -> None:
    w = new_witness(2, 1, gc_width=2, stale_rounds=3)
    witness_record(w, 0, 1, 1)
    stale = []
    for _ in range(8):
        stale.append(bool(witness_record(w, 0, 1, 1) & STALE))
        witness_gc_round(w)
    assert stale == [False, False, False, True] * 2


def test_probe_and_read_change_nothing() -> None:
    w = new_witness(4, 2)
    witness_record(w, 6, 1, 1)
    before = copy(w)
    assert status_of(witness_probe(w, 6)) == HELD and witness_probe(w, 2) == ABSENT
    found = [(row, way) for row in range(4) for way in range(2)
             if status_of(witness_read(w, row, way)) == HELD]
    assert found == [(2, 0)]
    assert witness_read(w, 2, 2) == ABSENT and witness_read(w, 2, -1) == ABSENT
    assert copy(w) == before


@pytest.mark.parametrize("word", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_words_of_64_bits(word: int) -> None:
    w = new_witness(1024, 4)
    key = signed(word)
    assert -2**63 <= key < 2**63 and unsigned(key) == word
    assert witness_record(w, key, key, key) == ACCEPT
    assert w.valid[word % 1024, 0] == 1 and unsigned(int(w.key_hash[word % 1024, 0])) == word
    assert witness_record(w, signed(word ^ 1 << 63), 0, 0) != REJECT_KEY
    assert witness_record(w, key, 0, 0) == REJECT_KEY


@pytest.mark.parametrize(("arguments", "message"), [
    ({"sets": 12}, "sets=12 is not possible; allowed: a power of two"),
    ({"sets": 1}, "sets=1 "), ({"sets": -4}, "sets=-4 "), ({"ways": 0}, "ways=0 .*1 to 8"),
    ({"ways": 9}, "ways=9 "), ({"gc_width": 0}, "gc_width=0 "),
    ({"gc_width": 2, "stale_rounds": 4}, "stale_rounds=4 .*1 to 3"), ({"stale_rounds": 0}, "=0 "),
])
def test_impossible_tables(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        new_witness(**arguments)
