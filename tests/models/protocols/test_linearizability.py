"""The checker itself: known-good and known-bad histories, and an independent brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.errors import ReplayError, UsageError
from rackwright.models.protocols import (
    ADD,
    MOST_OPERATIONS,
    NEVER,
    READ,
    WRITE,
    first_bad_key,
    new_history,
)
from rackwright.models.protocols.history import join
from rackwright.models.protocols.linearizability import MOST_KEYS

Row = tuple[int, ...]     # kind, key, argument, result, start, end[, objects]

GOOD: dict[str, list[Row]] = {
    "nothing": [],
    "one after the other": [(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 7, 6, 9)],
    "concurrent read sees the old value": [(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 0, 4, 9)],
    "concurrent read sees the new value": [(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 7, 1, 2)],
    "an unanswered write may have happened": [(WRITE, 0, 7, 0, 0, NEVER), (READ, 0, 0, 7, 5, 6)],
    "an unanswered write may never happen": [(WRITE, 0, 7, 0, 0, NEVER), (READ, 0, 0, 0, 5, 6)],
    "an unanswered write may happen late": [
        (WRITE, 0, 7, 0, 0, NEVER), (READ, 0, 0, 0, 5, 6), (READ, 0, 0, 7, 9, 10)],
    "adds in either order": [(ADD, 0, 1, 3, 0, 9), (ADD, 0, 2, 2, 0, 9)],
    "other keys do not matter": [(WRITE, 0, 7, 7, 0, 5), (READ, 1, 0, 0, 6, 9)],
    "two keys at once": [(WRITE, 0, 7, join(7, 7), 0, 5, 2), (READ, 1, 0, 7, 6, 9),
                         (READ, 0, 0, join(7, 7), 6, 9, 2)],
    "adds on two keys": [(ADD, 0, 1, join(1, 3), 0, 9, 2), (ADD, 1, 2, 2, 0, 9)],
}
BAD: dict[str, list[Row]] = {
    "lost update": [(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 0, 6, 9)],
    "stale read": [(WRITE, 0, 7, 7, 0, 1), (WRITE, 0, 8, 8, 2, 3), (READ, 0, 0, 7, 4, 5)],
    "value from nowhere": [(READ, 0, 0, 9, 0, 5)],
    "read goes back": [(WRITE, 0, 7, 7, 0, 20), (READ, 0, 0, 7, 1, 2), (READ, 0, 0, 0, 3, 4)],
    "executed twice": [(ADD, 0, 1, 1, 0, 1), (READ, 0, 0, 2, 2, 3)],
    "add twice by a retry": [(ADD, 0, 5, 10, 0, 9)],
    "unanswered write happens twice": [
        (ADD, 0, 1, 0, 0, NEVER), (READ, 0, 0, 1, 2, 3), (READ, 0, 0, 2, 4, 5)],
    "two adds say the same": [(ADD, 0, 1, 1, 0, 9), (ADD, 0, 1, 1, 0, 9)],
    "half of a write": [(WRITE, 0, 7, join(7, 7), 0, 9, 2), (READ, 0, 0, 7, 1, 2),
                        (READ, 1, 0, 0, 3, 4)],
    "a torn read": [(WRITE, 0, 7, join(7, 7), 0, 9, 2), (READ, 0, 0, join(7, 0), 1, 8, 2)],
    "keys in two orders": [      # each key by itself is fine
        (WRITE, 0, 7, join(7, 7), 0, 9, 2), (WRITE, 0, 8, join(8, 8), 0, 9, 2),
        (READ, 0, 0, 7, 10, 11), (READ, 1, 0, 8, 10, 11)],
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert first_bad_key(new_history(GOOD[name])) is None


@pytest.mark.parametrize("name", BAD)
def test_bad(name: str) -> None:
    assert first_bad_key(new_history(BAD[name])) == 0


def test_names_the_key() -> None:
    rows = [(row[0], 3, *row[2:]) for row in BAD["stale read"]]
    assert first_bad_key(new_history([*GOOD["adds in either order"], *rows])) == 3


def brute(rows: list[Row]) -> bool:
    """Every order of every subset that has all answered operations."""
    answered = [row for row in rows if row[5] < NEVER]
    open_ones = [row for row in rows if row[5] == NEVER]
    for count in range(len(open_ones) + 1):
        for extra in itertools.combinations(open_ones, count):
            if any(_legal(order) for order in itertools.permutations([*answered, *extra])):
                return True
    return False


def _legal(order: tuple[Row, ...]) -> bool:
    values = [0, 0, 0]
    for place, (kind, key, argument, result, start, end, *more) in enumerate(order):
        if any(later[5] < start for later in order[place + 1:]):
            return False
        told = None
        for other in range(key, key + (more[0] if more else 1)):
            value = values[other]
            values[other] = {READ: value, WRITE: argument, ADD: value + argument}[kind]
            told = values[other] if told is None else join(told, values[other])
        if end < NEVER and told != result:
            return False
    return True


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Up to five operations on one key, results drawn among those that are nearly right."""
    rows: list[Row] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from([READ, WRITE, ADD]))
        argument = 0 if kind == READ else draw(st.integers(1, 3))
        start = draw(st.integers(0, 12))
        end = NEVER if draw(st.integers(0, 4)) == 0 else start + draw(st.integers(0, 8))
        result = argument if kind == WRITE else draw(st.integers(0, 6))
        rows.append((kind, 0, argument, result, start, end))
    return rows


@settings(max_examples=400, deadline=None)
@given(histories())
def test_agrees_with_brute_force(rows: list[Row]) -> None:
    assert (first_bad_key(new_history(rows)) is None) == brute(rows)


@st.composite
def several(draw: st.DrawFn) -> list[Row]:
    """Up to four operations on one or two of three keys, results of an order that may be wrong."""
    rows: list[Row] = []
    values = [0, 0, 0]
    for _ in range(draw(st.integers(1, 4))):
        kind, key = draw(st.sampled_from([READ, WRITE, ADD])), draw(st.integers(0, 1))
        argument, objects = draw(st.integers(1, 2)), draw(st.integers(1, 2))
        start = draw(st.integers(0, 8))
        end = NEVER if draw(st.integers(0, 5)) == 0 else start + draw(st.integers(0, 6))
        told = 0
        for other in range(key, key + objects):
            value = values[other]
            values[other] = {READ: value, WRITE: argument, ADD: value + argument}[kind]
            told = values[other] if other == key else join(told, values[other])
        if draw(st.integers(0, 5)) == 0:
            told = draw(st.integers(0, 3))
        rows.append((kind, key, argument, told, start, end, objects))
    return rows


@settings(max_examples=300, deadline=None)
@given(several())
def test_agrees_with_brute_force_on_several_keys(rows: list[Row]) -> None:
    assert (first_bad_key(new_history(rows)) is None) == brute(rows)


@given(st.integers(0, 2**31), st.integers(2, 40))
@settings(max_examples=30, deadline=None)
def test_executed_histories_pass_and_swapped_results_fail(seed: int, count: int) -> None:
    """An atomic store whose operations overlap is linearizable; a changed answer is not."""
    rng = np.random.default_rng(seed)
    rows, value = [], 0
    for moment in range(count):
        value += 1 + int(rng.integers(3))
        rows.append((ADD, 0, 0, value, 10 * moment - int(rng.integers(15)),
                     10 * moment + int(rng.integers(15))))
    before = 0
    history = []
    for _, key, _, result, start, end in rows:
        history.append((ADD, key, result - before, result, max(start, 0), max(end, 0)))
        before = result
    assert first_bad_key(new_history(history)) is None
    broken = list(history)
    kind, key, argument, result, start, end = broken[-1]
    broken[-1] = (kind, key, argument, result + 1, start, end)
    assert first_bad_key(new_history(broken)) == 0


def test_too_large_is_said() -> None:
    rows = [(WRITE, 0, 1, 1, 0, 9)] * (MOST_OPERATIONS + 1)
    with pytest.raises(ReplayError, match="more than 62 operations"):
        first_bad_key(new_history(rows))
    adds = [(ADD, 0, 1 << place, 0, 0, NEVER) for place in range(20)]
    with pytest.raises(ReplayError, match="configurations"):
        first_bad_key(new_history([*adds, (READ, 0, 0, -1, 1, 2)]), room=64)


def test_histories_are_checked() -> None:
    with pytest.raises(UsageError, match="operation 0 of a history is of kind 9"):
        new_history([(9, 0, 0, 0, 0, 1)])
    with pytest.raises(UsageError, match="from 5 to 4"):
        new_history([(READ, 0, 0, 0, 5, 4)])
    with pytest.raises(UsageError, match="on 0 keys"):
        new_history([(READ, 0, 0, 0, 5, 6, 0)])
    wide = new_history([(READ, 0, 0, 0, 5, 6, MOST_KEYS + 1)])
    with pytest.raises(ReplayError, match="8 keys that are touched together"):
        first_bad_key(wide)
    with pytest.raises(UsageError, match="key -1"):
        first_bad_key(new_history([(READ, -1, 0, 0, 0, 1)]))
