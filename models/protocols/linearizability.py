"""Is a history of a key-value store linearizable? An exhaustive search, key by key.

Operations on different keys commute and linearizability is local (Herlihy and Wing, 1990), so each
key is searched by itself: Wing and Gong's search with Lowe's memory of the configurations (which
operations have happened, which value is there) that were found to lead nowhere. An operation may
come next if no other one that is left ended before it started; one that was never answered may come
or stay out. Every value starts at 0.

It knows nothing of the protocol that made the history. At most 62 operations a key; the memory is
bounded, and a search that exceeds it says so instead of guessing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import mix64
from rackwright.engine.kernel import kernel
from rackwright.errors import ReplayError, UsageError
from rackwright.models.protocols.history import ADD, NEVER, READ, History

__all__ = ["MOST_OPERATIONS", "NOT_LINEARIZABLE", "TOO_LARGE", "Search", "check_history",
           "check_key", "first_bad_key", "new_search"]

MOST_OPERATIONS = 62
LINEARIZABLE, NOT_LINEARIZABLE, TOO_LARGE = 0, 1, 2

Ints = npt.NDArray[np.int64]


class Search(NamedTuple):
    """Scratch of a search, used again and again."""

    member: Ints       # (62,): operations of the key
    choice: Ints       # (63,): per depth, the member tried last
    value: Ints        # (63,): per depth, the value before it
    seen_set: Ints     # (room,): configurations: bit set of members ...
    seen_value: Ints   # ... and value
    seen_stamp: Ints   # ... valid if this is the current search
    stamp: Ints        # (1,)


def new_search(room: int = 1 << 14) -> Search:
    """Scratch for `room` configurations, a power of two. Raises UsageError."""
    if room < 2 or room & (room - 1):
        raise UsageError(f"room={room}: a power of two is needed")
    return Search(np.zeros(MOST_OPERATIONS, np.int64), np.zeros(MOST_OPERATIONS + 1, np.int64),
                  np.zeros(MOST_OPERATIONS + 1, np.int64), np.zeros(room, np.int64),
                  np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(1, np.int64))


@kernel
def known(search, members, value):  # type: ignore[no-untyped-def]
    """1 if this configuration was tried before, 0 if it is noted now, -1 if the memory is full."""
    room = search.seen_set.shape[0]
    at = mix64(members ^ mix64(value)) & (room - 1)
    for _ in range(room // 2):
        if search.seen_stamp[at] != search.stamp[0]:
            search.seen_stamp[at] = search.stamp[0]
            search.seen_set[at] = members
            search.seen_value[at] = value
            return 0
        if search.seen_set[at] == members and search.seen_value[at] == value:
            return 1
        at = (at + 1) & (room - 1)
    return -1


@kernel
def after(h, op, value):  # type: ignore[no-untyped-def]
    """Value after `op` on `value`."""
    if h.kind[op] == READ:
        return value
    if h.kind[op] == ADD:
        return value + h.argument[op]
    return h.argument[op]


@kernel
def gather_key(h, search, key):  # type: ignore[no-untyped-def]
    """Collect the operations on `key`: their number, -1 if there are too many."""
    count = 0
    for op in range(h.kind.shape[0]):
        if h.key[op] == key and (h.end[op] < NEVER or h.kind[op] != READ):
            if count == search.member.shape[0]:
                return -1
            search.member[count] = op
            count += 1
    return count


@kernel
def next_choice(h, search, count, left, value, start):  # type: ignore[no-untyped-def]
    """The first member from `start` on that may come next and tells what it would, else -1."""
    first_end = NEVER
    for place in range(count):
        if (left >> place) & 1 == 1:
            first_end = min(first_end, h.end[search.member[place]])
    for place in range(start, count):
        op = search.member[place]
        if (left >> place) & 1 == 1 and h.start[op] <= first_end:
            if h.end[op] == NEVER or after(h, op, value) == h.result[op]:
                return place
    return -1


@kernel
def check_key(h, search, key):  # type: ignore[no-untyped-def]
    """LINEARIZABLE, NOT_LINEARIZABLE or TOO_LARGE for the operations on one key."""
    count = gather_key(h, search, key)
    if count < 0:
        return TOO_LARGE
    search.stamp[0] += 1
    answered = 0                 # members that must come, as bits
    for place in range(count):
        if h.end[search.member[place]] < NEVER:
            answered |= 1 << place
    left = (1 << count) - 1
    depth, value, start = 0, 0, 0
    while left & answered != 0:
        place = next_choice(h, search, count, left, value, start)
        if place >= 0:
            then = after(h, search.member[place], value)
            fresh = known(search, left & ~(1 << place), then)
            if fresh < 0:
                return TOO_LARGE
            if fresh == 1:       # this way led nowhere: the next one at the same depth
                start = place + 1
                continue
            search.choice[depth], search.value[depth] = place, value
            left &= ~(1 << place)
            depth, value, start = depth + 1, then, 0
        elif depth == 0:
            return NOT_LINEARIZABLE
        else:
            depth -= 1
            place, value = search.choice[depth], search.value[depth]
            left |= 1 << place
            start = place + 1
    return LINEARIZABLE


@kernel
def check_history(h, search, keys):  # type: ignore[no-untyped-def]
    """Keys 0 .. keys - 1: (worst verdict, first key that has it)."""
    for key in range(keys):
        verdict = check_key(h, search, key)
        if verdict != LINEARIZABLE:
            return verdict, key
    return LINEARIZABLE, -1


def first_bad_key(history: History, room: int = 1 << 14) -> int | None:
    """The first key whose operations cannot be put in an order, None if all can.

    Raises ReplayError when a search does not fit its memory, UsageError for negative keys.

    >>> from rackwright.models.protocols.history import NEVER, READ, WRITE, new_history
    >>> first_bad_key(new_history([(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 0, 6, 9)]))
    0
    >>> first_bad_key(new_history([(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 0, 4, 9)])) is None
    True
    """
    if len(history.key) and int(history.key.min()) < 0:
        raise UsageError(f"a history names key {int(history.key.min())}; keys count from 0")
    keys = int(history.key.max()) + 1 if len(history.key) else 0
    verdict, key = check_history(history, new_search(room), keys)
    if verdict == TOO_LARGE:
        raise ReplayError(f"key {key}: more than {MOST_OPERATIONS} operations, or more than "
                          f"{room // 2} configurations, to search; use shorter histories")
    return int(key) if verdict == NOT_LINEARIZABLE else None


assert READ == 0
