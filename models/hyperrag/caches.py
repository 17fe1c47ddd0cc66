"""Caches of documents inside a kernel: LRU lists or CLOCK hands over slots of one size.

A cache holds whole documents (all layers of one), at most one slot each, any document in any slot.
LRU evicts the document whose last use is longest ago; CLOCK sets a mark at every use, the entry
included, and its hand takes the first unmarked slot, clearing marks on its way.

Left out: sets of limited associativity, slots for groups of layers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["CLOCK", "EVICTION", "LRU", "Caches", "cache_insert", "cache_touch", "new_caches"]

LRU, CLOCK = 0, 1
EVICTION = {"lru": LRU, "clock": CLOCK}
NOTHING = -1     # no slot, no document

Ints = npt.NDArray[np.int64]


class Caches(NamedTuple):
    """Slots of cache c are first[c] .. first[c] + capacity[c] - 1."""

    where: npt.NDArray[np.int32]   # (caches, documents): slot, or -1
    first: Ints
    capacity: Ints
    used: Ints
    newest: Ints                   # per cache: slot used last, -1: empty (LRU)
    oldest: Ints
    hand: Ints                     # per cache: next slot to look at, from first (CLOCK)
    document: npt.NDArray[np.int32]  # per slot
    newer: npt.NDArray[np.int32]     # per slot: neighbours in order of use (LRU)
    older: npt.NDArray[np.int32]
    marked: npt.NDArray[np.uint8]    # per slot (CLOCK)


def new_caches(capacities: Ints, documents: int) -> Caches:
    """Empty caches of so many slots each; no cache needs more than there are documents."""
    capacity = np.minimum(np.asarray(capacities, np.int64), documents)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(capacity)])
    slots, count = int(first[-1]), len(capacity)

    def each(fill: int = 0) -> Ints:
        return np.full(count, fill, np.int64)

    def wide() -> npt.NDArray[np.int32]:
        return np.full(slots, NOTHING, np.int32)

    return Caches(np.full((count, documents), NOTHING, np.int32), first[:-1].copy(), capacity,
                  each(), each(NOTHING), each(NOTHING), each(), wide(), wide(), wide(),
                  np.zeros(slots, np.uint8))


@kernel
def unlink(caches, c, slot):  # type: ignore[no-untyped-def]
    """Take a slot out of the order of use."""
    newer, older = caches.newer[slot], caches.older[slot]
    if newer >= 0:
        caches.older[newer] = older
    else:
        caches.newest[c] = older
    if older >= 0:
        caches.newer[older] = newer
    else:
        caches.oldest[c] = newer


@kernel
def put_first(caches, c, slot):  # type: ignore[no-untyped-def]
    """Make a slot that is in no list the one used last."""
    before = caches.newest[c]
    caches.newer[slot] = -1
    caches.older[slot] = before
    if before >= 0:
        caches.newer[before] = slot
    else:
        caches.oldest[c] = slot
    caches.newest[c] = slot


@kernel
def cache_touch(caches, policy, c, slot):  # type: ignore[no-untyped-def]
    """Note a use of what lies in `slot` of cache `c`."""
    if policy == LRU:
        if caches.newest[c] != slot:
            unlink(caches, c, slot)
            put_first(caches, c, slot)
    else:
        caches.marked[slot] = 1


@kernel
def victim(caches, policy, c):  # type: ignore[no-untyped-def]
    """The slot of a full cache that is emptied next; CLOCK's hand moves on."""
    if policy == LRU:
        slot = caches.oldest[c]
        unlink(caches, c, slot)
        return slot
    while True:
        slot = caches.first[c] + caches.hand[c]
        caches.hand[c] += 1
        if caches.hand[c] == caches.capacity[c]:
            caches.hand[c] = 0
        if caches.marked[slot] == 0:
            return slot
        caches.marked[slot] = 0


@kernel
def cache_insert(caches, policy, c, document):  # type: ignore[no-untyped-def]
    """Put `document`, which is not there, into cache `c`; returns the document evicted, or -1.

    A cache without slots evicts nothing and holds nothing.
    """
    if caches.capacity[c] == 0:
        return -1
    evicted = -1
    if caches.used[c] < caches.capacity[c]:
        slot = caches.first[c] + caches.used[c]
        caches.used[c] += 1
    else:
        slot = victim(caches, policy, c)
        evicted = caches.document[slot]
        caches.where[c, evicted] = -1
    caches.document[slot] = document
    caches.where[c, document] = slot
    if policy == LRU:
        put_first(caches, c, slot)
    else:
        caches.marked[slot] = 1
    return evicted
