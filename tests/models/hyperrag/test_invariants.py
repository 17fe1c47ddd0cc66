"""Nothing is lost or doubled: the state is inspected after every event."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.models.hyperrag import HyperragOptions
from rackwright.models.hyperrag.kernel import advance
from rackwright.models.hyperrag.placement import HBM, TIERS
from rackwright.models.hyperrag.state import MISSED, grow
from rackwright.models.hyperrag.workload import prepare
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace

TIGHT = {"hbm_cache": "60MB", "dram_cache": "300MB", "nvme_cache": "700MB",
         "remote_cache": "500MB", "batch_documents": "5"}


def check(state: Any) -> None:
    """Caches hold each document once and no more than they can; scratch is empty; counts add up."""
    caches, counts, fixed = state.caches, state.counts, state.fixed
    for c in range(len(caches.capacity)):
        held = np.flatnonzero(caches.where[c] >= 0)
        slots = caches.where[c, held]
        assert len(held) == caches.used[c] <= caches.capacity[c]
        assert len(set(slots.tolist())) == len(held)
        assert (caches.document[slots] == held).all()
        inside = (slots >= caches.first[c]) & (slots < caches.first[c] + caches.capacity[c])
        assert inside.all()
    pipeline = state.pipeline
    assert not pipeline.unit_bytes.any() and not pipeline.move_bytes.any()
    assert not pipeline.woken.any() and pipeline.moving[0] == 0 and state.openings.count[0] == 0
    assert (pipeline.ring_count <= fixed.depth).all() and (pipeline.ring_count >= 0).all()
    assert (pipeline.write_left >= 0).all()
    assert (pipeline.write_left <= fixed.write_buffer).all()
    looked = np.flatnonzero(state.entries.found >= 0)
    by_tier = np.bincount(state.entries.found[looked], minlength=TIERS + 1)
    assert by_tier.tolist() == counts.hits.tolist()


def check_end(state: Any, documents: int) -> None:
    counts, fixed = state.counts, state.fixed
    assert int(counts.hits.sum()) == documents  # loaded + computed
    assert (state.queries.left == 0).all()
    size = int(fixed.slot_bytes[0])
    for tier in range(TIERS):
        assert counts.loaded_bytes[tier] == counts.hits[tier] * size
        assert counts.written_bytes[tier] == counts.written[tier] * size
    assert (counts.useful_bytes <= counts.loaded_bytes).all()
    below = int(counts.loaded_bytes.sum() - counts.loaded_bytes[HBM])
    moved = below + int(counts.written_bytes.sum())
    assert int(counts.route_bytes.sum()) == moved


@pytest.mark.parametrize("eviction", ["lru", "clock"])
@pytest.mark.parametrize("start", ["cold", "warmed"])
@pytest.mark.parametrize("where", ["box", "pod", "dgx"])
def test_after_every_event(request: pytest.FixtureRequest, small: DocumentTrace, where: str,
                           start: str, eviction: str) -> None:
    fabric: Fabric = request.getfixturevalue(where)
    options = HyperragOptions.from_settings({**TIGHT, "start": start, "eviction": eviction,
                                             "write_buffer": "100MB"})
    state: Any = prepare(fabric, small, options).state
    end = drive(advance, state, grow=grow, check=check)
    check_end(end, len(small.document))
    assert end.counts.evicted.sum() > 0


def test_lookups_are_hits_and_misses_tier_by_tier(box: Fabric, small: DocumentTrace) -> None:
    state: Any = prepare(box, small, HyperragOptions.from_settings({**TIGHT})).state
    end = drive(advance, state, grow=grow)
    left = len(small.document)
    for tier in range(TIERS - 1):   # every tier of the box but servers is asked in turn
        assert end.counts.lookups[tier] == left
        left -= int(end.counts.hits[tier])
    assert left == end.counts.hits[MISSED] > 0


def test_ample_caches_write_every_miss_once(box: Fabric, small: DocumentTrace) -> None:
    """One GPU, one query after the other: a document is computed the first time only."""
    options = HyperragOptions.from_settings({"start": "cold", "hbm_cache": "0B", "clients": 1})
    end: Any = drive(advance, prepare(box, small, options).state, grow=grow)
    different = len(set(small.document.tolist()))
    assert end.counts.hits[MISSED] == different
    assert int(end.counts.written_bytes.sum()) == different * int(end.fixed.slot_bytes[0])


def test_a_document_that_fits_no_buffer_is_not_kept(box: Fabric, small: DocumentTrace) -> None:
    options = HyperragOptions.from_settings({"start": "cold", "hbm_cache": "0B",
                                             "write_buffer": "0B"})
    end: Any = drive(advance, prepare(box, small, options).state, grow=grow)
    assert end.counts.hits[MISSED] == len(small.document)
    assert end.counts.refused.sum() == len(small.document)
    assert not (end.caches.where >= 0).any()
