"""Loads beside computation: never better than the longer of both, never worse than their sum."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace

BARE = {"ann_time": "0s", "dram_latency_time": "0s", "hbm_cache": "0B", "compression": "none",
        "batch_documents": 5}


def burst(seed: int) -> DocumentTrace:
    """12 queries at once, 3 to 20 documents each."""
    random = np.random.default_rng(seed)
    counts = random.integers(3, 21, 12)
    return DocumentTrace(
        np.zeros(12), random.integers(24, 65, 12), np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([random.permutation(40)[:count] for count in counts]),
        np.full(int(counts.sum()), 300))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", ["gemma-2b", "minicpm-2b-layerwise"])
def test_bounds_for_every_depth(box: Fabric, run: Callable[..., Any], seed: int,
                                model: str) -> None:
    ends = []
    for depth in (1, 2, 3, 8):
        _, state, found = run(box, burst(seed), depth=depth, model=model, **BARE)
        end = int(state.control.now_ps[0])
        compute = int(state.pipeline.busy_ps[0])
        path = box.route("h0/mem", "h0/gpu0")
        load = found.metrics["loaded_dram_bytes"] * 1e12 / float(box.links.bandwidth[list(path)]
                                                                 .min())
        batches = int(state.counts.batches[0])
        slack = batches * (int(box.links.latency_ps[list(path)].sum()) + 2)
        assert max(compute, load) <= end <= compute + load + slack
        if depth == 1:
            assert end == pytest.approx(compute + load + slack, abs=3 * batches)
        ends.append(end)
    assert all(later <= earlier for earlier, later in pairwise(ends))


def test_a_buffer_is_needed_for_every_batch_ahead(box: Fabric, run: Callable[..., Any]) -> None:
    """With depth 1 no load of a batch starts before the batch ahead of it has ended."""
    _, state, _ = run(box, burst(9), depth=1, **BARE)
    log, kept = state.spans, int(state.spans.count[0])
    rows = sorted(zip(log.start_ps[:kept].tolist(), log.end_ps[:kept].tolist(), strict=True))
    assert all(end <= start for (_, end), (start, _) in pairwise(rows))
