"""The caches against plain Python, and against what the theory of LRU says."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from rackwright.models.hyperrag.caches import (
    CLOCK,
    LRU,
    Caches,
    cache_insert,
    cache_touch,
    new_caches,
)
from rackwright.models.hyperrag.formulas import che_hit_ratio
from rackwright.traces import zipf_shares


def use(caches: Caches, policy: int, c: int, document: int) -> tuple[bool, int]:
    """(hit, evicted document or -1)."""
    slot = int(caches.where[c, document])
    if slot >= 0:
        cache_touch(caches, policy, c, slot)
        return True, -1
    return False, int(cache_insert(caches, policy, c, document))


class Lru:
    def __init__(self, capacity: int) -> None:
        self.capacity, self.held = capacity, OrderedDict[int, None]()

    def use(self, document: int) -> tuple[bool, int]:
        if document in self.held:
            self.held.move_to_end(document)
            return True, -1
        evicted = -1
        if self.capacity == 0:
            return False, -1
        if len(self.held) == self.capacity:
            evicted = self.held.popitem(last=False)[0]
        self.held[document] = None
        return False, evicted


class Clock:
    """A ring of [document, mark] with one hand."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.ring, self.hand = capacity, list[list[int]](), 0

    def use(self, document: int) -> tuple[bool, int]:
        for entry in self.ring:
            if entry[0] == document:
                entry[1] = 1
                return True, -1
        if self.capacity == 0:
            return False, -1
        if len(self.ring) < self.capacity:
            self.ring.append([document, 1])
            return False, -1
        while self.ring[self.hand][1]:
            self.ring[self.hand][1] = 0
            self.hand = (self.hand + 1) % self.capacity
        evicted = self.ring[self.hand][0]
        self.ring[self.hand] = [document, 1]
        self.hand = (self.hand + 1) % self.capacity
        return False, evicted


@pytest.mark.parametrize(("policy", "reference"), [(LRU, Lru), (CLOCK, Clock)])
@pytest.mark.parametrize("capacity", [0, 1, 2, 7, 40])
def test_equals_the_reference_on_random_uses(policy: int, reference: type[Lru | Clock],
                                             capacity: int) -> None:
    """Two caches in one set of arrays, so that slots of one never leak into the other."""
    random = np.random.default_rng(capacity)
    caches = new_caches(np.array([capacity, 3]), 50)
    mine, other = reference(capacity), reference(3)
    for document in (random.zipf(1.3, 3000) % 50).tolist():
        assert use(caches, policy, 0, document) == mine.use(document)
        if document % 3 == 0:
            assert use(caches, policy, 1, document) == other.use(document)
    held = {d for d in range(50) if caches.where[0, d] >= 0}
    assert len(held) == min(capacity, int(caches.used[0]))
    assert all(caches.document[caches.where[0, d]] == d for d in held)


def test_a_larger_lru_holds_all_that_a_smaller_one_does() -> None:
    random = np.random.default_rng(2)
    sizes = (1, 3, 9, 27)
    caches = new_caches(np.array(sizes), 60)
    for document in (random.zipf(1.2, 2000) % 60).tolist():
        hits = [use(caches, LRU, c, document)[0] for c in range(len(sizes))]
        assert hits == sorted(hits)
        for c in range(len(sizes) - 1):
            assert not ((caches.where[c] >= 0) & (caches.where[c + 1] < 0)).any()


@pytest.mark.parametrize("skew", [0.0, 0.8, 1.1])
@pytest.mark.parametrize("capacity", [20, 200, 900])
def test_che_is_within_two_points(skew: float, capacity: int) -> None:
    shares = zipf_shares(1000, skew)
    draws = np.random.default_rng(3).choice(1000, 40_000, p=shares)
    caches, hits = new_caches(np.array([capacity]), 1000), 0
    for number, document in enumerate(draws.tolist()):
        hits += use(caches, LRU, 0, document)[0] and number >= 10_000
    assert hits / 30_000 == pytest.approx(che_hit_ratio(shares, capacity), abs=0.02)


def test_a_cache_of_the_whole_corpus_hits_always() -> None:
    assert che_hit_ratio(zipf_shares(10, 1.0), 10) == 1.0
