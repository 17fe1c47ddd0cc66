"""From the arrays of a finished (or interrupted) replay to an `Outcome`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rackwright.devices.cost_table import table2_ps
from rackwright.engine.record import span_kept
from rackwright.models.hyperrag.kernel import advance
from rackwright.models.hyperrag.limits import limit_of
from rackwright.models.hyperrag.options import HyperragOptions
from rackwright.models.hyperrag.parameters import parameters
from rackwright.models.hyperrag.placement import TIER_NAMES, TIERS, Placement, gpu_at
from rackwright.models.hyperrag.state import (
    DEQUANTISE,
    FULL,
    GENERATE,
    LOAD,
    MISSED,
    OUTSIDE_TABLE,
    QUEUE,
    SEARCH,
    SUFFIX,
    WAIT,
    HyperragState,
)
from rackwright.models.outcome import Outcome
from rackwright.models.query_metrics import busy_shares, elapsed_time, put_latencies
from rackwright.models.spans import spans_of
from rackwright.topologies.fabric import Fabric

if TYPE_CHECKING:
    from rackwright.models.hyperrag.workload import Prepared

__all__ = ["link_bytes", "outcome", "progress_of", "words_of_fault", "words_of_stall"]

Floats = npt.NDArray[np.float64]
LABELS = ("batch", "load")
QUIET_LINK = 1e-4    # links used less than this are not listed
MIDDLE = 0.1         # of the finished queries cut off at both ends for the steady rate
OVERLOAD = 0.9       # answered over offered, below which we say so
_PS = 1e-12


def progress_of(state: HyperragState) -> tuple[float, float, str]:
    """(queries done, queries in all, text) for a progress bar."""
    done, total = int(state.queries.finished[0]), len(state.queries.arrival_ps)
    return done, total, f"{done}/{total} queries"


def words_of_fault(state: HyperragState) -> str:
    code, batch = (int(value) for value in state.control.code[:2])
    if code == OUTSIDE_TABLE:
        return f"batch {batch} of {state.batches.count[batch]} documents is outside a cost table"
    return f"fault {code} at batch {batch}"


def words_of_stall(state: HyperragState) -> str:
    left = len(state.queries.arrival_ps) - int(state.queries.finished[0])
    return (f"{left} queries are left; {int(state.pipeline.running.sum())} GPUs compute, "
            f"{int(state.flows.live[0])} flows are under way")


def outcome(fabric: Fabric, options: HyperragOptions, made: Prepared, state: HyperragState, *,
            complete: bool) -> Outcome:
    """What a replay found out."""
    placed, metrics, undefined = made.placed, dict[str, float](), dict[str, str]()
    seconds = _rates(metrics, undefined, state)
    put_latencies(metrics, undefined, state.queries)
    _tiers(metrics, undefined, state)
    _steps(metrics, undefined, made, state)
    metrics["text_bytes_per_query"] = made.text_bytes
    devices = busy_shares(state.pipeline.busy_ps * _PS, seconds)
    _energy(metrics, undefined, fabric, placed, devices, seconds)
    used = link_bytes(placed, state) / np.array(placed.bandwidth)
    links = {name: float(share) for name, share
             in zip(placed.links, busy_shares(used, seconds), strict=True) if share > QUIET_LINK}
    workers = len(state.pipeline.ann_free_ps)
    search = float(busy_shares(state.pipeline.ann_busy_ps * _PS / workers, seconds)[0])
    breakdown = _breakdown(state)
    tracks = (*placed.gpus, *(f"{gpu} loads" for gpu in placed.gpus))
    gpu = gpu_at(fabric, placed.gpus[0])
    return Outcome(
        metrics=metrics, undefined=undefined, complete=complete, breakdown=breakdown,
        bottleneck=limit_of(devices, links, search, _last_tier(state), metrics),
        device_utilisation={**dict(zip(placed.gpus, devices.tolist(), strict=True)),
                            "index search": search},
        link_utilisation=links, parameters=parameters(options, made.costs.error),
        notes=_notes(options, made, state, metrics, breakdown),
        bands={name: gpu.band(name) for name in ("gemm", "attention", "norm", "add")},
        parts=dict(fabric.parts), tables=made.costs.hashes(),
        kernels={advance.name: advance.source_hash},
        spans=spans_of(state.spans, tracks, LABELS) if span_kept(state.spans) else None)


def link_bytes(placed: Placement, state: HyperragState) -> Floats:
    """Bytes put onto each link: the fabric's, then drives and dequantisers."""
    found = np.zeros(len(placed.links))
    for route, nbytes in zip(placed.routes, state.counts.route_bytes.tolist(), strict=False):
        for link in route:
            found[link] += nbytes
    return found


def _rates(metrics: dict[str, float], undefined: dict[str, str], state: HyperragState) -> float:
    """Counts and throughputs; seconds from the first arrival to the end."""
    queries, batches = state.queries, state.batches
    finished = int(queries.finished[0])
    scored = float(state.entries.found.size - queries.left.sum())
    metrics |= {"queries": float(len(queries.arrival_ps)), "queries_finished": float(finished),
                "documents": float(batches.count.sum())}
    seconds = elapsed_time(state)
    metrics["makespan_s"] = seconds
    names = ("throughput_queries_per_s", "throughput_documents_per_s")
    for name, amount in zip(names, (finished, scored), strict=True):
        if seconds > 0:
            metrics[name] = amount / seconds
        else:
            undefined[name] = "nothing took any time"
    if state.fixed.clients:
        undefined["offered_queries_per_s"] = "a closed loop offers what it is answered"
    else:
        asked = int(queries.arrival_ps[-1] - queries.arrival_ps[0]) * _PS
        if asked > 0:
            metrics["offered_queries_per_s"] = (len(queries.arrival_ps) - 1) / asked
        else:
            undefined["offered_queries_per_s"] = "all queries arrive at once"
    ends = np.sort(queries.finish_ps[queries.finish_ps >= 0])
    cut = int(len(ends) * MIDDLE)
    span = int(ends[-1 - cut] - ends[cut]) * _PS if len(ends) >= 20 else 0.0
    if span > 0:
        metrics["throughput_steady_queries_per_s"] = (len(ends) - 2 * cut - 1) / span
    else:
        undefined["throughput_steady_queries_per_s"] = "fewer than 20 queries, or all ended at once"
    return seconds


def _tiers(metrics: dict[str, float], undefined: dict[str, str], state: HyperragState) -> None:
    """Where documents were found, and the bytes from and to each tier."""
    counts, fixed = state.counts, state.fixed
    looked = int(counts.hits.sum())
    computed = int(counts.hits[MISSED])
    metrics |= {"documents_loaded": float(looked - computed),
                "documents_computed": float(computed),
                "documents_cut": float(counts.cut[0])}
    names = [f"hit_ratio_{tier}" for tier in TIER_NAMES]
    if fixed.reuse and looked:
        metrics["hit_ratio"] = 1 - computed / looked
        metrics |= {name: float(counts.hits[tier]) / looked for tier, name in enumerate(names)}
    else:
        undefined |= {name: "nothing is kept" for name in ("hit_ratio", *names)}
    for tier, name in enumerate(TIER_NAMES):
        metrics |= {f"loaded_{name}_bytes": float(counts.loaded_bytes[tier]),
                    f"written_{name}_bytes": float(counts.written_bytes[tier]),
                    f"refused_{name}_documents": float(counts.refused[tier]),
                    f"evicted_{name}_documents": float(counts.evicted[tier])}
        slots = state.caches.capacity[fixed.tier == tier]
        metrics[f"capacity_{name}_documents"] = float(slots.sum())
    ended = int(counts.last_tier.sum())
    names = [f"loads_ended_{tier}_share" for tier in TIER_NAMES[1:]]
    if ended:
        metrics |= {name: float(counts.last_tier[tier]) / ended
                    for tier, name in enumerate(names, 1)}
    else:
        undefined |= dict.fromkeys(names, "nothing was loaded")
    moved, useful = int(counts.loaded_bytes.sum()), int(counts.useful_bytes.sum())
    if useful:
        metrics["padding_ratio"] = moved / useful
    else:
        undefined["padding_ratio"] = "nothing was loaded"


def _steps(metrics: dict[str, float], undefined: dict[str, str], made: Prepared,
           state: HyperragState) -> None:
    """A full batch of mean lengths, from the cost tables, and where loading stops to pay."""
    fixed, queries = state.fixed, state.queries
    batch = len(fixed.suffix.exact_ps) - 1
    query = max(float(queries.tokens.mean()), float(fixed.padded_query))
    mean = float(fixed.tokens[state.entries.document].mean())
    pair = float(fixed.padded_pair) or mean + float(queries.tokens.mean())
    full = int(table2_ps(fixed.full, batch, pair)) * _PS
    metrics["full_batch_s"] = full
    if not fixed.reuse:
        undefined |= {name: "nothing is loaded" for name in
                      ("suffix_batch_s", "crossover_bandwidth_bytes_per_s", "slot_bytes")}
        return
    slot = float(fixed.slot_bytes[state.entries.document].mean())
    metrics |= {"suffix_batch_s": int(table2_ps(fixed.suffix, batch, query)) * _PS,
                "slot_bytes": slot}
    # loads run beside the computation, so they pay while they take less than computing everything
    metrics["crossover_bandwidth_bytes_per_s"] = batch * slot / full


def _energy(metrics: dict[str, float], undefined: dict[str, str], fabric: Fabric,
            placed: Placement, devices: Floats, seconds: float) -> None:
    """GPU boards only, as if all work were matrix products."""
    undefined["cost"] = "the catalog has no prices of GPUs"
    if seconds <= 0:
        undefined["energy_gpu_j"] = "nothing took any time"
        return
    joules = sum(gpu_at(fabric, name).power_watts(float(share)) * seconds
                 for name, share in zip(placed.gpus, devices, strict=True))
    metrics["energy_gpu_j"] = joules
    if metrics["queries_finished"]:
        metrics["energy_gpu_per_query_j"] = joules / metrics["queries_finished"]


def _breakdown(state: HyperragState) -> dict[str, float]:
    """Shares of a mean query's time, its batches one after the other."""
    spent = state.counts.spent
    names = {SEARCH: "search", QUEUE: "queue", LOAD: "load", WAIT: "wait for the GPU",
             DEQUANTISE: "dequantise", SUFFIX: "suffixes", FULL: "documents computed",
             GENERATE: "generator"}
    total = float(spent.sum())
    return {name: float(spent[row]) / total for row, name in names.items()} if total else {}


def _last_tier(state: HyperragState) -> str:
    """The tier that most often ended a load."""
    last = state.counts.last_tier
    return TIER_NAMES[int(np.argmax(last))] if int(last.sum()) else ""


def _notes(options: HyperragOptions, made: Prepared, state: HyperragState,
           metrics: Mapping[str, float], breakdown: Mapping[str, float]) -> tuple[str, ...]:
    notes = ["HyperRAG-style: the published system's set-up is not known; every size of the "
             "workload and of the caches is a stand-in"]
    tiers = {TIER_NAMES[tier] for tier, _ in made.placed.caches}
    missing = [name for name in TIER_NAMES[1:] if name not in tiers]
    if made.chosen.reuse and missing and options.variant not in ("gpu_only", "dram_only"):
        notes.append(f"tiers that this topology or the options do not have: {', '.join(missing)}")
    if made.chosen.reuse and options.start == "warmed":
        notes.append("caches start as passing the trace once leaves them: no document is new")
    steady = metrics.get("throughput_steady_queries_per_s", float("inf"))
    if steady < OVERLOAD * metrics.get("offered_queries_per_s", 0.0):
        notes.append("overloaded: queries arrive faster than they are answered, so latencies grow "
                     "with the length of the trace")
    if made.placed.units:
        notes.append("bytes cross links as flows with max-min fair shares")
    if state.counts.cut[0]:
        notes.append(f"{int(state.counts.cut[0])} documents were longer than their slot of "
                     f"{options.slot_tokens} tokens and were cut")
    moved = breakdown.get("load", 0.0)
    if breakdown and made.chosen.reuse and moved < 0.02:
        notes.append(f"nearly insensitive to the fabric: {moved:.1%} of a query's time is loads")
    if made.layers != made.model.blocks:
        notes.append(f"the re-ranker stops at layer {made.layers} of {made.model.blocks}")
    return tuple(notes)


assert len(TIER_NAMES) == TIERS
