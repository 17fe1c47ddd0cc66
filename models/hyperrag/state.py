"""The state of a replay: NamedTuples of arrays, and their growth.

A query's documents are *entries*, in runs of `batch_documents` that are its *batches*; both are
numbered beforehand, so that nothing but the event heap and the set of flows can be full. Documents
are numbered 0.. in the order of their ids; sizes in bytes, times in int64 picoseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.cost_table import CostTable1, CostTable2
from rackwright.engine.flow_state import Flows, grown_flows
from rackwright.engine.heap import EventHeap, grown_heap, new_heap
from rackwright.engine.record import SpanLog
from rackwright.engine.status import Control, new_control
from rackwright.models.hyperrag.caches import Caches
from rackwright.models.hyperrag.placement import TIERS

__all__ = [
    "COMPUTED", "DEQUANTISE", "FINISHED", "FULL", "GENERATE", "GROW_FLOWS", "GROW_HEAP",
    "HyperragState", "LOAD", "LOADED", "MISSED", "OUTSIDE_TABLE", "QUEUE", "SEARCH", "SEARCHED",
    "SUFFIX", "WAIT", "Batches", "Counts", "Entries", "Fixed", "Openings", "Pipeline",
    "Queries", "grow", "new_batches", "new_counts", "new_pipeline", "new_state",
]

COMPUTED, LOADED, SEARCHED, FINISHED = 0, 1, 2, 3   # kinds of events; also their priority
GROW_HEAP, GROW_FLOWS = 1, 2
OUTSIDE_TABLE = 1                                   # fault
MISSED = TIERS                                      # "tier" of a document that is computed
# rows of Counts.spent, ps: where a batch's time goes
SEARCH, QUEUE, LOAD, WAIT, DEQUANTISE, SUFFIX, FULL, GENERATE = range(8)

Ints = npt.NDArray[np.int64]


class Fixed(NamedTuple):
    """What does not change during a replay."""

    gpus: int
    units: int
    depth: int
    clients: int              # 0: open loop
    spread: int               # 1: batches of a query may go to different GPUs
    reuse: int
    rerank: int
    policy: int               # eviction
    padded_query: int         # tokens that a suffix is padded to; 0: its own
    padded_pair: int          # tokens that a computed pair is padded to; 0: its own
    compressed: int           # 1: stored keys and values need a dequantiser
    nic_converts: int         # 1: what a KV server sends is bf16 behind the NIC
    promote_through: int      # 1: loads from below pass through host memory
    ann_ps: int
    host_ps: int              # per batch
    generate_ps: int          # generator and the texts that it needs
    most_flows: int           # that one event may open
    write_buffer: int         # bytes under way to a unit
    full_bytes: float         # of a document in bf16 over stored bytes
    chain: Ints               # (gpus, TIERS): cache or -1
    tier: Ints                # per cache
    below: Ints               # per cache: where evicted documents go, -1: nowhere
    first_unit: Ints          # per cache
    unit_count: Ints
    unit_tier: Ints           # per unit
    load_route: Ints          # (gpus, units)
    second_route: Ints
    move_route: Ints          # (gpus + units, units)
    latency_ps: Ints          # per route
    slot_bytes: Ints          # per document: what is moved
    useful_bytes: Ints        # per document: of that, its own tokens
    tokens: Ints              # per document, cut to the slot
    suffix: CostTable2
    full: CostTable2
    convert: CostTable1


class Queries(NamedTuple):
    """One entry a query, in order of arrival; -1: not yet."""

    arrival_ps: Ints
    tokens: Ints
    first_batch: Ints         # (queries + 1,)
    left: Ints                # documents not scored yet
    searched_ps: Ints
    finish_ps: Ints
    issued: Ints              # (1,) queries that have arrived
    finished: Ints            # (1,)


class Entries(NamedTuple):
    document: Ints
    found: npt.NDArray[np.int8]   # tier, or MISSED


class Batches(NamedTuple):
    query: Ints
    first: Ints               # entry
    count: Ints               # type: ignore[assignment]  # documents
    gpu: Ints
    following: Ints           # next batch in its GPU's queue, -1: none
    parts: Ints               # flows under way
    misses: Ints
    miss_tokens: Ints
    converts: Ints            # documents that the GPU dequantises
    queued_ps: Ints
    started_ps: Ints          # of its load
    loaded_ps: Ints


class Pipeline(NamedTuple):
    """Per GPU: a queue of batches, a ring of those loading or loaded, one that computes."""

    head: Ints
    tail: Ints
    waiting: Ints             # documents queued, loading, loaded or computing
    ring: Ints                # (gpus, depth)
    ring_first: Ints
    ring_count: Ints
    loading: Ints             # 1: a load is under way; the next one waits, as in a stream
    running: Ints             # 1: the first of the ring computes
    started_ps: Ints
    busy_ps: Ints
    ann_free_ps: Ints         # per search worker: when it is free
    ann_busy_ps: Ints         # (1,)
    unit_bytes: Ints          # (units,) scratch, zero between uses
    move_bytes: Ints          # (gpus + units, units) likewise
    moving: Ints              # (1,) bytes in it
    write_left: Ints          # (units,) bytes of writes that have not ended
    cold: Ints                # (1,) 1 until the caches have been warmed
    woken: Ints               # per GPU: 1 while something may start on it


class Openings(NamedTuple):
    """Flows that an event starts, opened together at its end; scratch."""

    route: Ints
    nbytes: Ints
    tag: Ints
    count: Ints               # type: ignore[assignment]  # (1,)


class Counts(NamedTuple):
    lookups: Ints             # (TIERS,) caches of the tier looked into
    hits: Ints                # (TIERS + 1,) found there; last: computed
    loaded_bytes: Ints        # (TIERS,) moved from there (HBM: read in place)
    useful_bytes: Ints        # (TIERS,)
    written: Ints             # (TIERS,) documents written into the tier over a link
    written_bytes: Ints       # (TIERS,)
    refused: Ints             # (TIERS,) documents that the write buffer had no room for
    evicted: Ints             # (TIERS,)
    demoted: Ints             # (TIERS,) of them, written to the tier below
    route_bytes: Ints         # (routes,)
    last_tier: Ints           # (TIERS,) batches whose load this tier ended
    cut: Ints                 # (1,) entries longer than the slot
    batches: Ints             # (1,)
    spent: npt.NDArray[np.float64]   # (8,)


class HyperragState(NamedTuple):
    control: Control
    fixed: Fixed
    heap: EventHeap
    flows: Flows
    caches: Caches
    queries: Queries
    entries: Entries
    batches: Batches
    pipeline: Pipeline
    openings: Openings
    counts: Counts
    spans: SpanLog


def new_batches(query: Ints, first: Ints, count: Ints) -> Batches:
    def each(fill: int = 0) -> Ints:
        return np.full(len(query), fill, np.int64)

    return Batches(query, first, count, each(-1), each(-1), each(), each(), each(), each(),
                   each(-1), each(-1), each(-1))


def new_pipeline(gpus: int, depth: int, units: int, workers: int, warmed: bool) -> Pipeline:
    def each(fill: int = 0) -> Ints:
        return np.full(gpus, fill, np.int64)

    return Pipeline(each(-1), each(-1), each(), np.full((gpus, depth), -1, np.int64), each(),
                    each(), each(), each(), each(), each(), np.zeros(workers, np.int64),
                    np.zeros(1, np.int64), np.zeros(max(units, 1), np.int64),
                    np.zeros((gpus + units, units), np.int64), np.zeros(1, np.int64),
                    np.zeros(max(units, 1), np.int64),
                    np.full(1, int(warmed), np.int64), each())


def new_counts(routes: int) -> Counts:
    def each(count: int = TIERS) -> Ints:
        return np.zeros(count, np.int64)

    return Counts(each(), each(TIERS + 1), each(), each(), each(), each(), each(), each(), each(),
                  each(max(routes, 1)), each(), each(1), each(1), np.zeros(8))


def new_state(fixed: Fixed, flows: Flows, caches: Caches, queries: Queries, entries: Entries,
              batches: Batches, pipeline: Pipeline, counts: Counts,
              spans: SpanLog) -> HyperragState:
    """An idle machine before the first arrival."""
    return HyperragState(new_control(), fixed, new_heap(256), flows, caches, queries, entries,
                         batches, pipeline, _openings(fixed.most_flows), counts, spans)


def _openings(most: int) -> Openings:
    route, nbytes, tag = (np.zeros(most, np.int64) for _ in range(3))
    return Openings(route, nbytes, tag, np.zeros(1, np.int64))


def grow(state: HyperragState, what: int) -> HyperragState:
    """The driver's `grow`: twice the room in the heap or for flows."""
    if what == GROW_HEAP:
        return state._replace(heap=grown_heap(state.heap))
    return state._replace(flows=grown_flows(state.flows))
