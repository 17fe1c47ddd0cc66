"""One GPU over host memory against a plain recursion: the same finish times, hits and evictions.

With one GPU nothing contends (loads and writes cross the links in opposite directions), so a batch
starts to load when the load before it is done and a buffer is free, and computes when it is loaded
and the batch before it is done.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace, generate_documents


class Oracle:
    """Replays `trace` with the tables, routes and slots of a prepared state."""

    def __init__(self, fabric: Fabric, fixed: Any, slots: int, start_latency_ps: int) -> None:
        path = list(fabric.route("h0/mem", "h0/gpu0"))
        self.rate = float(fabric.links.bandwidth[path].min())
        self.latency = int(fabric.links.latency_ps[path].sum()) + start_latency_ps
        self.fixed, self.slots = fixed, slots
        self.held: OrderedDict[int, None] = OrderedDict()
        self.pending: list[tuple[int, list[int]]] = []   # (when computed, documents)
        self.misses = self.evicted = 0

    def run(self, trace: DocumentTrace, batch: int) -> list[int]:
        finish = []
        loaded, computed = [0], [0] * self.fixed.depth
        for query in range(len(trace)):
            ready = int(round(trace.arrival_time[query] * 1e12)) + self.fixed.ann_ps
            wanted = trace.document[trace.offsets[query]:trace.offsets[query + 1]].tolist()
            for first in range(0, len(wanted), batch):
                begin = max(ready, loaded[-1], computed[-self.fixed.depth])
                documents = wanted[first:first + batch]
                missed = self.look_up(documents, begin)
                hits = len(documents) - len(missed)
                load = math.ceil(hits * int(self.fixed.slot_bytes[0]) * 1e12 / self.rate)
                loaded.append(begin + (load + self.latency if hits else 0))
                time = self.compute(trace, query, hits, missed)
                computed.append(max(loaded[-1], computed[-1]) + time)
                self.pending.append((computed[-1], missed))
            finish.append(computed[-1])
        self.look_up([], computed[-1])
        return finish

    def look_up(self, documents: list[int], now: int) -> list[int]:
        while self.pending and self.pending[0][0] <= now:
            for document in self.pending.pop(0)[1]:
                self.insert(document)
        missed = []
        for document in documents:
            if document in self.held:
                self.held.move_to_end(document)
            else:
                missed.append(document)
        self.misses += len(missed)
        return missed

    def insert(self, document: int) -> None:
        if document in self.held:
            return
        if len(self.held) == self.slots:
            self.held.popitem(last=False)
            self.evicted += 1
        self.held[document] = None

    def compute(self, trace: DocumentTrace, query: int, hits: int, missed: list[int]) -> int:
        fixed, tokens = self.fixed, int(trace.query_tokens[query])
        of = dict(zip(trace.document.tolist(), trace.document_tokens.tolist(), strict=True))
        mean = sum(of[each] for each in missed) / len(missed) + tokens if missed else 0.0
        converted = hits if fixed.compressed else 0
        return (int(table2_ps(fixed.suffix, hits, float(max(tokens, fixed.padded_query))))
                + int(table2_ps(fixed.full, len(missed), mean))
                + int(table1_ps(fixed.convert, converted))
                + int(table1_ps(fixed.convert, len(missed))))


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("compression", ["none", "int8"])
@pytest.mark.parametrize(("rate", "slots"), [(20.0, 30), (400.0, 60), (400.0, 500)])
def test_finish_times_hits_and_evictions(box: Fabric, run: Callable[..., Any], depth: int,
                                         compression: str, rate: float, slots: int) -> None:
    trace = generate_documents(rate, 60, documents=150, per_query=11, skew=0.9, seed=depth)
    share = {"none": 1.0, "int8": 0.5 + 1 / 64}[compression]
    slot = int(512 * 18_432 * share)
    made, state, found = run(
        box, trace, start="cold", hbm_cache="0B", nvme_cache="0B", depth=depth,
        compression=compression, dram_cache=f"{slots * slot}B", batch_documents=4,
        write_buffer="1TB")
    oracle = Oracle(box, state.fixed, slots, 10_000_000)
    expected = oracle.run(trace, 4)
    difference = np.abs(state.queries.finish_ps - np.array(expected))
    assert int(difference.max()) <= 3 * int(state.counts.batches[0])   # roundings of the flows
    assert found.metrics["documents_computed"] == oracle.misses
    assert found.metrics["evicted_dram_documents"] == oracle.evicted
