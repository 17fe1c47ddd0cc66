"""Replay HyperRAG-style re-ranking, or one of its baselines, on a fabric from a document trace."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu
from rackwright.engine.driver import drive
from rackwright.engine.flow_state import new_flows
from rackwright.engine.record import new_span_log
from rackwright.errors import InputError, TopologyError
from rackwright.models.ending import Progress, outcome_of, shown
from rackwright.models.hyperrag.caches import EVICTION, new_caches
from rackwright.models.hyperrag.costs import Costs, build_costs
from rackwright.models.hyperrag.formulas import kv_bytes
from rackwright.models.hyperrag.kernel import advance
from rackwright.models.hyperrag.memory import cache_bytes, refuse_oversize
from rackwright.models.hyperrag.options import HyperragOptions, Settings, settings
from rackwright.models.hyperrag.placement import HBM, Placement, gpu_at, place
from rackwright.models.hyperrag.report import outcome, progress_of, words_of_fault, words_of_stall
from rackwright.models.hyperrag.state import (
    Entries,
    Fixed,
    HyperragState,
    Queries,
    grow,
    new_batches,
    new_counts,
    new_pipeline,
    new_state,
)
from rackwright.models.hyperrag.texts import text_time
from rackwright.models.llm import LlmShape, shape
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces.documents import DocumentTrace
from rackwright.units import seconds_to_ps

__all__ = ["Prepared", "prepare", "replay"]

FIRST_EXIT = 8   # public configuration of bge-reranker-v2-minicpm-layerwise

Ints = npt.NDArray[np.int64]


class Prepared(NamedTuple):
    """Everything up to the first event."""

    state: HyperragState
    placed: Placement
    costs: Costs
    model: LlmShape
    layers: int
    chosen: Settings
    text_bytes: float         # on the wire, a query


class _Corpus(NamedTuple):
    """The trace's documents, numbered in the order of their ids."""

    entry: Ints               # document of each entry
    tokens: Ints              # per document, cut to the slot
    cut: int                  # entries that were cut


def replay(fabric: Fabric, trace: DocumentTrace, options: HyperragOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Score every document of `trace`.

    `options.variant` chooses the system or a baseline. Nothing is drawn at random: the seed has no
    effect. Raises `OptionsError`, `TopologyError`, `DoesNotFit` for what cannot run, and
    `Interrupted`, with the `Outcome` so far as its `partial`.
    """
    made = prepare(fabric, trace, options)
    run: Any = advance
    return outcome_of(
        lambda: drive(run, made.state, grow=grow, progress=shown(progress, progress_of),
                      faults=words_of_fault, waits=words_of_stall),
        lambda end, complete: outcome(fabric, options, made, end, complete=complete))


def prepare(fabric: Fabric, trace: DocumentTrace, options: HyperragOptions) -> Prepared:
    """Check, place, build tables and caches; for `replay` and for tests that look inside."""
    if not isinstance(trace, DocumentTrace):
        raise InputError(f"{trace!r} is no document trace; HyperRAG needs queries with the "
                         "documents that they fetch (rackwright.traces.generate_documents)")
    chosen = settings(options)
    model = shape(options.encoder_model if chosen.encoder else options.model)
    layers = _layers(model, options, chosen)
    placed = place(fabric, options, chosen)
    gpu = _one_gpu(fabric, placed.gpus)
    corpus = _corpus(trace, options)
    token_nbytes = kv_bytes(model, layers) * chosen.share
    whole = -int(-options.slot_tokens * token_nbytes // 1)
    moved = np.full(len(corpus.tokens), whole) if options.layout == "static" \
        else np.ceil(corpus.tokens * token_nbytes).astype(np.int64)
    longest = int(trace.query_tokens.max())
    refuse_oversize(gpu, placed, model, layers, options, chosen, longest)
    slots = np.array([cache_bytes(fabric, placed, number, options) // whole
                      for number in range(len(placed.caches))], np.int64)
    costs = _costs(gpu, model, layers, options, chosen, corpus, longest)
    text, text_bytes = text_time(fabric, placed, trace, corpus.tokens[corpus.entry], options)
    fixed = _fixed(placed, options, chosen, corpus, moved, token_nbytes, longest, costs,
                   options.generator_time + text)
    state = _state(fixed, placed, trace, options, corpus, slots)
    return Prepared(state, placed, costs, model, layers, chosen, text_bytes)


def _layers(model: LlmShape, options: HyperragOptions, chosen: Settings) -> int:
    """Layers that run; refuses what the costs do not know."""
    if model.experts > 1 or model.latent or model.window_blocks:
        raise options.refused([
            f"{model.name} has experts, latent or windowed attention: a re-ranker here is a dense "
            "transformer, such as gemma-2b, minicpm-2b-layerwise or llama-8b"])
    if options.exit_layer == 0 or chosen.encoder:
        return model.blocks
    if not model.name.endswith("layerwise"):
        raise options.refused([
            f"exit_layer is {options.exit_layer}, but {model.name} runs all of its layers: write "
            "0, or choose a layer-wise re-ranker such as minicpm-2b-layerwise"])
    if not FIRST_EXIT <= options.exit_layer <= model.blocks:
        raise options.refused([
            f"exit_layer is {options.exit_layer}: {model.name} may stop at layers {FIRST_EXIT} to "
            f"{model.blocks}, or 0 for all"])
    return options.exit_layer


def _one_gpu(fabric: Fabric, names: tuple[str, ...]) -> Gpu:
    parts = {gpu_at(fabric, name).name: gpu_at(fabric, name) for name in names}
    if len(parts) > 1:
        raise TopologyError("HyperRAG needs equal GPUs", [
            f"{names[0]} ... {names[-1]} are {', '.join(sorted(parts))}"])
    return next(iter(parts.values()))


def _corpus(trace: DocumentTrace, options: HyperragOptions) -> _Corpus:
    _, first, entry = np.unique(trace.document, return_index=True, return_inverse=True)
    tokens = trace.document_tokens[first]
    cut = int((trace.document_tokens > options.slot_tokens).sum())
    return _Corpus(entry.astype(np.int64), np.minimum(tokens, options.slot_tokens), cut)


def _costs(gpu: Gpu, model: LlmShape, layers: int, options: HyperragOptions, chosen: Settings,
           corpus: _Corpus, longest: int) -> Costs:
    static = options.layout == "static"
    mean = max(round(float(corpus.tokens[corpus.entry].mean())), 1)
    keys = options.slot_tokens if static else mean
    return build_costs(
        gpu, model, layers, batch=options.batch_documents, query_tokens=longest, keys=keys,
        slot_tokens=options.slot_tokens, slot_nbytes=keys * kv_bytes(model, layers),
        share=chosen.share)


def _fixed(placed: Placement, options: HyperragOptions, chosen: Settings, corpus: _Corpus,
           moved: Ints, token_nbytes: float, longest: int, costs: Costs,
           generate_time: float) -> Fixed:
    gpus, units = len(placed.gpus), len(placed.units)
    tier = np.array([tier for tier, _ in placed.caches], np.int64)
    unit_tier = np.repeat(tier, placed.unit_count)
    compressed = chosen.share < 1
    return Fixed(
        gpus=gpus, units=units, depth=chosen.depth, clients=options.clients,
        spread=int(options.dispatch == "batch"), reuse=int(chosen.reuse),
        rerank=int(chosen.rerank), policy=EVICTION[options.eviction],
        padded_query=longest if options.layout == "static" else 0,
        padded_pair=options.slot_tokens + longest if options.prefill_layout == "static" else 0,
        compressed=int(compressed), nic_converts=int(options.dequantiser == "nic"),
        promote_through=int(not options.gpu_direct), ann_ps=int(seconds_to_ps(options.ann_time)),
        host_ps=int(seconds_to_ps(options.batch_host_time)),
        generate_ps=int(seconds_to_ps(generate_time)),
        most_flows=2 * gpus * chosen.depth * units + 2 * (gpus + units) * units + 4,
        write_buffer=options.write_buffer, full_bytes=1 / chosen.share,
        chain=np.array(placed.chain, np.int64), tier=tier,
        below=np.array(placed.below, np.int64),
        first_unit=np.array(placed.first_unit, np.int64),
        unit_count=np.array(placed.unit_count, np.int64), unit_tier=unit_tier,
        load_route=placed.load_route, second_route=placed.second_route,
        move_route=placed.move_route, latency_ps=_padded(placed.route_latency_ps),
        slot_bytes=moved, useful_bytes=np.ceil(corpus.tokens * token_nbytes).astype(np.int64),
        tokens=corpus.tokens, suffix=costs.suffix, full=costs.full, convert=costs.convert)


def _padded(values: list[int]) -> Ints:
    """An array that is never empty: kernels take no empty ones apart."""
    return np.array(values or [0], np.int64)


def _state(fixed: Fixed, placed: Placement, trace: DocumentTrace, options: HyperragOptions,
           corpus: _Corpus, slots: Ints) -> HyperragState:
    counts = trace.counts
    batches_of = -(-counts // options.batch_documents)
    first_batch = np.concatenate([np.zeros(1, np.int64), np.cumsum(batches_of)])
    query = np.repeat(np.arange(len(trace), dtype=np.int64), batches_of)
    within = np.arange(len(query), dtype=np.int64) - first_batch[query]
    first = trace.offsets[query] + within * options.batch_documents
    count = np.minimum(trace.offsets[query + 1] - first, options.batch_documents)
    searched, finish = (np.full(len(trace), -1, np.int64) for _ in range(2))
    queries = Queries(seconds_to_ps(trace.arrival_time), trace.query_tokens.copy(), first_batch,
                      counts.copy(), searched, finish, np.zeros(1, np.int64),
                      np.zeros(1, np.int64))
    lengths = np.array([len(route) for route in placed.routes], np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    links = np.array([link for route in placed.routes for link in route], np.int64)
    flows = new_flows(np.array(placed.bandwidth), offsets, links,
                      slots=max(256, fixed.most_flows))
    caches = new_caches(slots, len(corpus.tokens))
    state = new_state(
        fixed, flows, caches, queries,
        Entries(corpus.entry, np.full(len(corpus.entry), -1, np.int8)),
        new_batches(query, first, count),
        new_pipeline(fixed.gpus, fixed.depth, fixed.units, options.ann_workers,
                     bool(fixed.reuse) and options.start == "warmed"),
        new_counts(len(placed.routes)), new_span_log(options.timeline_spans))
    state.counts.cut[0] = corpus.cut
    return state


assert HBM == 0  # caches of GPUs come first and bear their numbers
