"""Documents between the tiers: found, loaded, kept, pushed down.

A look-up walks a GPU's caches from the top and notes a use where it finds the document. What was
loaded from below is kept in the highest cache; what was computed there too, and it is written
through to the cache below. What a cache evicts goes to the next one below, unless it is there
already (keys and values never change), and so on down. Entries are made when a load or a batch
ends, and count at once: the bytes of a write follow as a flow that nobody waits for, and what would
overfill the buffer of such writes is not kept. A batch reads what it found even if it is evicted
meanwhile.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.flows import flow_open
from rackwright.engine.kernel import kernel
from rackwright.models.hyperrag.caches import cache_insert, cache_touch
from rackwright.models.hyperrag.placement import DRAM, HBM, REMOTE, TIERS
from rackwright.models.hyperrag.state import MISSED

__all__ = ["ask_loads", "end_write", "find", "keep", "keep_batch", "look_up", "open_all",
           "promote", "warm"]

TAG_TIERS = 8     # a load's tag is batch * TAG_TIERS + tier


@kernel
def find(fixed, caches, counts, g, document):  # type: ignore[no-untyped-def]
    """The highest tier that has the document, its use noted there; or MISSED."""
    for tier in range(TIERS):
        c = fixed.chain[g, tier]
        if c >= 0 and caches.capacity[c] > 0:
            counts.lookups[tier] += 1
            slot = caches.where[c, document]
            if slot >= 0:
                cache_touch(caches, fixed.policy, c, slot)
                return tier
    return MISSED


@kernel
def unit_of(fixed, c, document):  # type: ignore[no-untyped-def]
    """The unit of cache `c` that holds a document."""
    return fixed.first_unit[c] + document % fixed.unit_count[c]  # nonzero: not asked of GPU memory


@kernel
def look_up(state, b):  # type: ignore[no-untyped-def]
    """Find every document of batch `b`; what is to be loaded is left in `unit_bytes`."""
    fixed, batches, counts, pipeline = state.fixed, state.batches, state.counts, state.pipeline
    g = batches.gpu[b]
    for e in range(batches.first[b], batches.first[b] + batches.count[b]):
        document = state.entries.document[e]
        tier = MISSED
        if fixed.reuse == 1:
            tier = find(fixed, state.caches, counts, g, document)
        state.entries.found[e] = tier
        counts.hits[tier] += 1
        if tier == MISSED:
            batches.misses[b] += 1
            batches.miss_tokens[b] += fixed.tokens[document]
        else:
            counts.loaded_bytes[tier] += fixed.slot_bytes[document]
            counts.useful_bytes[tier] += fixed.useful_bytes[document]
            if tier != HBM:
                unit = unit_of(fixed, fixed.chain[g, tier], document)
                pipeline.unit_bytes[unit] += fixed.slot_bytes[document]
            if fixed.compressed == 1 and (tier != REMOTE or fixed.nic_converts == 0):
                batches.converts[b] += 1


@kernel
def ask(state, route, nbytes, tag):  # type: ignore[no-untyped-def]
    """Note a flow that starts at the end of this event."""
    openings = state.openings
    at = openings.count[0]
    openings.route[at] = route
    openings.nbytes[at] = nbytes
    openings.tag[at] = tag
    openings.count[0] = at + 1
    state.counts.route_bytes[route] += nbytes


@kernel
def open_all(state, now_ps):  # type: ignore[no-untyped-def]
    """Start what was asked for. One place, since what is called here is large once compiled."""
    openings = state.openings
    for at in range(openings.count[0]):
        flow_open(state.flows, now_ps, openings.route[at], float(openings.nbytes[at]), 1.0,
                  openings.tag[at])
    openings.count[0] = 0


@kernel
def ask_loads(state, b):  # type: ignore[no-untyped-def]
    """Ask for the loads of batch `b`; `parts` counts them."""
    fixed, pipeline = state.fixed, state.pipeline
    g = state.batches.gpu[b]
    for unit in range(fixed.units):
        nbytes = pipeline.unit_bytes[unit]
        if nbytes == 0:
            continue
        pipeline.unit_bytes[unit] = 0
        tag = b * TAG_TIERS + fixed.unit_tier[unit]
        route = fixed.load_route[g, unit]
        state.batches.parts[b] += 1
        while route >= 0:
            ask(state, route, nbytes, tag)
            if route == fixed.second_route[g, unit]:
                break
            # behind the NIC's dequantiser, as it comes off the wire
            route = fixed.second_route[g, unit]
            if route >= 0:
                nbytes = np.int64(nbytes * fixed.full_bytes)
                state.batches.parts[b] += 1


@kernel
def keep(state, c, document, source):  # type: ignore[no-untyped-def]
    """Put a document into cache `c`, what it evicts into the next one, and so on down.

    `source`: row of `move_route` that it is written from; -1: its bytes are there already.
    """
    fixed, caches, pipeline, counts = state.fixed, state.caches, state.pipeline, state.counts
    while c >= 0:
        if caches.where[c, document] >= 0:
            return
        if caches.capacity[c] == 0:
            c = fixed.below[c]
            continue
        tier = fixed.tier[c]
        if tier != HBM and source >= 0:
            nbytes, unit = fixed.slot_bytes[document], unit_of(fixed, c, document)
            if pipeline.write_left[unit] + nbytes > fixed.write_buffer and pipeline.cold[0] == 0:
                counts.refused[tier] += 1
                return
            pipeline.write_left[unit] += nbytes
            pipeline.move_bytes[source, unit] += nbytes
            pipeline.moving[0] += nbytes
            counts.written[tier] += 1
            counts.written_bytes[tier] += nbytes
        evicted = cache_insert(caches, fixed.policy, c, document)
        if evicted < 0:
            return
        counts.evicted[tier] += 1
        source = c if tier == HBM else fixed.gpus + unit_of(fixed, c, evicted)
        document = evicted
        c = fixed.below[c]
        if c >= 0 and caches.where[c, document] < 0:
            counts.demoted[tier] += 1


@kernel
def promote(state, g, document, tier):  # type: ignore[no-untyped-def]
    """Keep a document that was found in `tier` of GPU `g`'s caches, or computed, further up."""
    fixed = state.fixed
    top = fixed.chain[g, HBM]
    for step in range(2):
        c, source = top, -1
        if step == 0 and tier == MISSED:    # written through, so that other GPUs find it
            c, source = fixed.below[top], g
        elif step == 0 and tier > DRAM and fixed.promote_through == 1:
            c = fixed.chain[g, DRAM]
        elif step == 0:
            continue
        elif state.caches.capacity[top] == 0:
            c, source = -1 if tier == MISSED else higher(fixed, g, tier), g
        keep(state, c, document, source)


@kernel
def higher(fixed, g, tier):  # type: ignore[no-untyped-def]
    """The highest cache of GPU `g` below its own memory and above `tier`, or -1."""
    for above in range(DRAM, tier):
        if fixed.chain[g, above] >= 0:
            return fixed.chain[g, above]
    return -1


@kernel
def keep_batch(state, b, computed):  # type: ignore[no-untyped-def]
    """Keep what batch `b` has loaded (`computed` 0) or computed (1); ask for the writes."""
    for e in range(state.batches.first[b], state.batches.first[b] + state.batches.count[b]):
        found = state.entries.found[e]
        if found != HBM and (found == MISSED) == (computed == 1):
            promote(state, state.batches.gpu[b], state.entries.document[e], found)
    fixed, pipeline = state.fixed, state.pipeline
    if pipeline.moving[0] == 0:
        return
    pipeline.moving[0] = 0
    for source in range(fixed.gpus + fixed.units):
        for unit in range(fixed.units):
            nbytes = pipeline.move_bytes[source, unit]
            if nbytes > 0:
                pipeline.move_bytes[source, unit] = 0
                # unit and bytes for `end_write`; negative: nobody waits for it
                ask(state, fixed.move_route[source, unit], nbytes, -1 - unit - fixed.units * nbytes)


@kernel
def end_write(state, tag):  # type: ignore[no-untyped-def]
    """A write has ended: its bytes leave the buffer."""
    units = state.fixed.units
    unit, nbytes = (-1 - tag) % units, (-1 - tag) // units  # nonzero: writes go to a unit
    state.pipeline.write_left[unit] -= nbytes


@kernel
def warm(state):  # type: ignore[no-untyped-def]
    """Pass all queries through the caches once, GPU by GPU in turn, in no time."""
    batches, pipeline, counts = state.batches, state.pipeline, state.counts
    for b in range(batches.query.shape[0]):
        g = batches.query[b] % state.fixed.gpus  # nonzero: there is a GPU
        for e in range(batches.first[b], batches.first[b] + batches.count[b]):
            document = state.entries.document[e]
            tier = find(state.fixed, state.caches, counts, g, document)
            if tier != HBM:
                promote(state, g, document, tier)
    pipeline.moving[0] = 0
    for unit in range(pipeline.write_left.shape[0]):
        pipeline.write_left[unit] = 0
    for source in range(pipeline.move_bytes.shape[0]):
        for unit in range(pipeline.move_bytes.shape[1]):
            pipeline.move_bytes[source, unit] = 0
    for tier in range(TIERS):
        counts.lookups[tier] = 0
        counts.written[tier] = 0
        counts.written_bytes[tier] = 0
        counts.evicted[tier] = 0
        counts.demoted[tier] = 0
