"""Is a history of a key-value store linearizable? An exhaustive search.

Operations on different keys commute and linearizability is local (Herlihy and Wing, 1990), so each
key is searched by itself, unless some operation touches several keys: then all are searched as one
object. The search is Wing and Gong's with Lowe's memory of the configurations (which operations
have happened, which values are there) that were found to lead nowhere. An operation may come next
if no other one that is left ended before it started; one that was never answered may come or stay
out. Every value starts at 0.

It knows nothing of the protocol that made the history. At most 62 operations and 8 keys a search;
the memory is bounded, and a search that exceeds it says so instead of guessing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import mix64
from rackwright.engine.kernel import kernel
from rackwright.errors import ReplayError, UsageError
from rackwright.models.protocols.history import ADD, NEVER, READ, WRITE, History, join

__all__ = ["MOST_KEYS", "MOST_OPERATIONS", "NOT_LINEARIZABLE", "TOO_LARGE", "Search",
           "check_history", "check_keys", "first_bad_key", "new_search"]

MOST_OPERATIONS = 62
MOST_KEYS = 8      # that are searched as one object
LINEARIZABLE, NOT_LINEARIZABLE, TOO_LARGE = 0, 1, 2

Ints = npt.NDArray[np.int64]


class Search(NamedTuple):
    """Scratch of a search, used again and again."""

    member: Ints       # (62,): operations on the keys
    choice: Ints       # (63,): per depth, the member tried last
    value: Ints        # (64, MOST_KEYS): per depth, the values before it
    seen_set: Ints     # (room,): configurations: bit set of members ...
    seen_value: Ints   # (room, MOST_KEYS): ... and values
    seen_stamp: Ints   # ... valid if this is the current search
    stamp: Ints        # (1,)


def new_search(room: int = 1 << 14) -> Search:
    """Scratch for `room` configurations, a power of two. Raises UsageError."""
    if room < 2 or room & (room - 1):
        raise UsageError(f"room={room}: a power of two is needed")
    return Search(np.zeros(MOST_OPERATIONS, np.int64), np.zeros(MOST_OPERATIONS + 1, np.int64),
                  np.zeros((MOST_OPERATIONS + 2, MOST_KEYS), np.int64), np.zeros(room, np.int64),
                  np.zeros((room, MOST_KEYS), np.int64), np.zeros(room, np.int64),
                  np.zeros(1, np.int64))


@kernel
def known(search, members, depth, width):  # type: ignore[no-untyped-def]
    """1 if this configuration was tried before, 0 if it is noted now, -1 if the memory is full."""
    room = search.seen_set.shape[0]
    mixed = members
    for place in range(width):
        mixed = mix64(mixed ^ search.value[depth, place])
    at = mixed & (room - 1)
    for _ in range(room // 2):
        if search.seen_stamp[at] != search.stamp[0]:
            search.seen_stamp[at] = search.stamp[0]
            search.seen_set[at] = members
            for place in range(width):
                search.seen_value[at, place] = search.value[depth, place]
            return 0
        same = search.seen_set[at] == members
        for place in range(width):
            same = same and search.seen_value[at, place] == search.value[depth, place]
        if same:
            return 1
        at = (at + 1) & (room - 1)
    return -1


@kernel
def tells(h, op, value, depth, first, width):  # type: ignore[no-untyped-def]
    """Carry out `op` on the values at `depth`, into those at depth + 1: what it tells."""
    for place in range(width):
        value[depth + 1, place] = value[depth, place]
    told = 0
    start = h.key[op] - first
    for place in range(start, min(start + h.objects[op], width)):
        if h.kind[op] == ADD:
            value[depth + 1, place] += h.argument[op]
        elif h.kind[op] == WRITE:
            value[depth + 1, place] = h.argument[op]
        if place == start:
            told = value[depth + 1, place]
        else:
            told = join(told, value[depth + 1, place])
    return told


@kernel
def gather_members(h, search, first, width):  # type: ignore[no-untyped-def]
    """Collect the operations on keys from `first` on: their number, -1 if there are too many."""
    count = 0
    for op in range(h.kind.shape[0]):
        inside = first <= h.key[op] and h.key[op] < first + width
        if inside and (h.end[op] < NEVER or h.kind[op] != READ):
            if count == search.member.shape[0]:
                return -1
            search.member[count] = op
            count += 1
    return count


@kernel
def next_choice(h, search, count, left, depth, start, first, width):  # type: ignore[no-untyped-def]
    """The first member from `start` on that may come next and tells what it would, else -1.

    The values after it are left at depth + 1.
    """
    first_end = NEVER
    for place in range(count):
        if (left >> place) & 1 == 1:
            first_end = min(first_end, h.end[search.member[place]])
    for place in range(start, count):
        op = search.member[place]
        if (left >> place) & 1 == 1 and h.start[op] <= first_end:
            told = tells(h, op, search.value, depth, first, width)
            if h.end[op] == NEVER or told == h.result[op]:
                return place
    return -1


@kernel
def check_keys(h, search, first, width):  # type: ignore[no-untyped-def]
    """LINEARIZABLE, NOT_LINEARIZABLE or TOO_LARGE for the operations on `width` keys as one."""
    count = gather_members(h, search, first, width)
    if count < 0 or width > search.value.shape[1]:
        return TOO_LARGE
    search.stamp[0] += 1
    answered = 0                 # members that must come, as bits
    for place in range(count):
        if h.end[search.member[place]] < NEVER:
            answered |= 1 << place
    left = (1 << count) - 1
    depth, start = 0, 0
    for place in range(width):
        search.value[0, place] = 0
    while left & answered != 0:
        place = next_choice(h, search, count, left, depth, start, first, width)
        if place >= 0:
            fresh = known(search, left & ~(1 << place), depth + 1, width)
            if fresh < 0:
                return TOO_LARGE
            if fresh == 1:       # this way led nowhere: the next one at the same depth
                start = place + 1
                continue
            search.choice[depth] = place
            left &= ~(1 << place)
            depth, start = depth + 1, 0
        elif depth == 0:
            return NOT_LINEARIZABLE
        else:
            depth -= 1
            place = search.choice[depth]
            left |= 1 << place
            start = place + 1
    return LINEARIZABLE


@kernel
def check_history(h, search, keys):  # type: ignore[no-untyped-def]
    """Keys 0 .. keys - 1: (worst verdict, first key that has it)."""
    width = 1
    for op in range(h.kind.shape[0]):
        if h.objects[op] > 1:
            width = keys
    for first in range(0, keys, width):
        verdict = check_keys(h, search, first, width)
        if verdict != LINEARIZABLE:
            return verdict, first
    return LINEARIZABLE, -1


def first_bad_key(history: History, room: int = 1 << 14) -> int | None:
    """The first key whose operations cannot be put in an order, None if all can.

    Where an operation touches several keys, all are one object, and 0 stands for it. Raises
    ReplayError when a search does not fit its memory, UsageError for negative keys.

    >>> from rackwright.models.protocols.history import NEVER, READ, WRITE, new_history
    >>> first_bad_key(new_history([(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 0, 6, 9)]))
    0
    >>> first_bad_key(new_history([(WRITE, 0, 7, 7, 0, 5), (READ, 0, 0, 0, 4, 9)])) is None
    True
    """
    if len(history.key) and int(history.key.min()) < 0:
        raise UsageError(f"a history names key {int(history.key.min())}; keys count from 0")
    keys = int((history.key + history.objects).max()) if len(history.key) else 0
    verdict, key = check_history(history, new_search(room), keys)
    if verdict == TOO_LARGE:
        raise ReplayError(f"key {key}: more than {MOST_OPERATIONS} operations, {MOST_KEYS} keys "
                          f"that are touched together, or {room // 2} configurations, to search; "
                          "use shorter histories")
    return int(key) if verdict == NOT_LINEARIZABLE else None
