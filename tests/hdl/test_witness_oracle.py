"""The golden against a dict of sets, and compiled against interpreted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.hdl.witness_table.golden import (
    STALE,
    STATUS_NAMES,
    Witness,
    new_witness,
    signed,
    status_of,
)
from rackwright.hdl.witness_table.overflow import conflict_counts
from rackwright.hdl.witness_table.words import (
    FREEZE,
    GC,
    PROBE,
    READ,
    RECORD,
    START,
    Request,
    answer,
)

WORD = st.integers(0, 2**64 - 1)
SETS, WAYS = 4, 2
KEYS = [*range(12), 2**64 - 1, 2**64 - 2, 2**63, 2**63 - 1, 2**40 + 1, 2**40 + 5]


class Oracle:
    """Entries of a set in a dict: key -> (RPC, round). RIFL ids are unique, as in the system."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> str:
        self.sets: dict[int, dict[int, tuple[int, int]]] = {row: {} for row in range(SETS)}
        self.round, self.frozen = 0, False
        return "DONE"

    def freeze(self) -> str:
        self.frozen = True
        return "DONE"

    def flag(self, *rounds: int) -> str:
        return "+stale" if any(self.round - one >= 3 for one in rounds) else ""

    def record(self, key: int, rpc: int) -> str:
        entries = self.sets[key % SETS]
        if self.frozen:
            return "REJECT_FROZEN"
        if key in entries:
            return "REJECT_KEY" + self.flag(entries[key][1])
        if len(entries) == WAYS:
            return "REJECT_FULL" + self.flag(*(since for _, since in entries.values()))
        entries[key] = rpc, self.round
        return "ACCEPT"

    def gc(self, key: int, rpc: int, last: bool) -> str:
        entries = self.sets[key % SETS]
        said = "UNKNOWN"
        for held, (owner, since) in [*entries.items()]:
            if owner == rpc:
                del entries[held]
                said = "FREED" + self.flag(since)
        self.round += last
        return said

    def probe(self, key: int) -> str:
        entries = self.sets[key % SETS]
        return "HELD" + self.flag(entries[key][1]) if key in entries else "ABSENT"


OPERATIONS = st.one_of(
    st.tuples(st.just(RECORD), st.sampled_from(KEYS)),
    st.tuples(st.just(GC), st.sampled_from(KEYS), st.integers(0, 30), st.booleans()),
    st.tuples(st.just(GC), st.just(None), st.integers(0, 30), st.booleans()),
    st.tuples(st.just(PROBE), st.sampled_from(KEYS)),
    st.sampled_from([(FREEZE,), (START,)]))


def both(w: Witness, oracle: Oracle, operation: tuple[Any, ...], number: int,
         keys: list[int]) -> tuple[str, str]:
    """What the golden and the oracle say of an operation; a record's RPC id is its number."""
    op = operation[0]
    if op == RECORD:
        keys.append(operation[1])
        request = Request(RECORD, operation[1], 1, len(keys))
        said = oracle.record(operation[1], len(keys))
    elif op == GC:
        rpc = operation[2]
        key = operation[1] if operation[1] is not None else (keys[rpc - 1] if keys[rpc - 1:] else 0)
        request = Request(GC, key, 1, rpc, last=operation[3])
        said = oracle.gc(key, rpc, operation[3])
    elif op == PROBE:
        request, said = Request(PROBE, operation[1]), oracle.probe(operation[1])
    else:
        request, said = Request(op), oracle.freeze() if op == FREEZE else oracle.start()
    code = answer(w, request)[0]
    return STATUS_NAMES[status_of(code)] + ("+stale" if code & STALE else ""), said


@given(st.lists(OPERATIONS, max_size=80))
@settings(deadline=None, max_examples=150)
def test_same_answers_as_a_dict_of_sets(operations: list[tuple[Any, ...]]) -> None:
    w, oracle, keys = new_witness(SETS, WAYS), Oracle(), []  # type: ignore[var-annotated]
    for number, operation in enumerate(operations):
        golden, expected = both(w, oracle, operation, number, keys)
        assert golden == expected, f"operation {number}: {operation}"
    assert sorted(w.key_hash[w.valid == 1].tolist()) == sorted(
        signed(key) for entries in oracle.sets.values() for key in entries)


REQUESTS = st.builds(
    Request, st.sampled_from([RECORD, RECORD, GC, PROBE, READ, FREEZE, START, 99]),
    WORD | st.integers(0, 9), WORD | st.integers(0, 2), WORD | st.integers(0, 2),
    way=st.integers(0, 9), last=st.booleans())


@given(st.lists(REQUESTS, max_size=60))
@settings(deadline=None, max_examples=25)
def test_interpreted_equals_compiled(requests: list[Request]) -> None:
    outcomes = []
    for disabled in ("0", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NUMBA_DISABLE_JIT", disabled)
            w = new_witness(4, 3, gc_width=3)
            answers = [answer(w, request) for request in requests]
        outcomes.append((answers, [array.tobytes() for array in w]))
    assert outcomes[0] == outcomes[1]


def test_monte_carlo_interpreted_equals_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = conflict_counts(16, 2, trials=40, seed=3)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert conflict_counts(16, 2, trials=40, seed=3).tolist() == compiled.tolist()
