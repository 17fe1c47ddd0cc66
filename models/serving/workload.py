"""Replay the serving engine on a fabric from a request trace."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rackwright.engine.driver import drive
from rackwright.engine.record import new_span_log
from rackwright.errors import DoesNotFit, InputError, Interrupted
from rackwright.models.llm import LlmShape, shape
from rackwright.models.outcome import Outcome
from rackwright.models.serving.checks import Checks
from rackwright.models.serving.costs import Costs, build_costs
from rackwright.models.serving.engines import deal, merged, shares
from rackwright.models.serving.kernel import advance
from rackwright.models.serving.layers import launches
from rackwright.models.serving.options import ServingOptions
from rackwright.models.serving.placement import Limits, Placement, place
from rackwright.models.serving.prefix import caching_off, new_prefix
from rackwright.models.serving.report import (
    outcome,
    progress_of,
    words_of_fault,
    words_of_stall,
)
from rackwright.models.serving.requests import new_admission, new_requests
from rackwright.models.serving.snapshots import new_snapshots
from rackwright.models.serving.state import EngineState, Fixed, new_state
from rackwright.topologies.fabric import Fabric
from rackwright.traces.requests import RequestTrace
from rackwright.units import seconds_to_ps

__all__ = ["prepare", "replay"]

Progress = Callable[[float, float, str], None]
Ints = npt.NDArray[np.int64]


def replay(fabric: Fabric, trace: RequestTrace, options: ServingOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Serve every request of `trace` to its last token.

    The seed decides which experts the tokens of a step visit. A closed loop is replayed twice: the
    measured windows lie between the first arrival and the last, which only the replay tells.

    Raises `OptionsError`, `DoesNotFit`, `InputError`, `TopologyError` for what cannot run, and
    `Interrupted`, with the `Outcome` so far as its `partial`.
    """
    one, placed, costs = prepare(fabric, trace, options, seed)
    states = _dealt(trace, options, placed, one.fixed, None)
    ahead = 0.0   # tokens of engines that have ended

    def show(now: EngineState) -> None:
        if progress:
            done, _, text = progress_of(now)
            progress(ahead + done, float(trace.output_tokens.sum()), text)

    def run(start: EngineState) -> EngineState:
        return drive(advance, start, progress=show, faults=words_of_fault, waits=words_of_stall,
                     check=Checks(start) if options.debug_checks else None)

    def finish(complete: bool) -> Outcome:
        return outcome(fabric, placed, options, costs, merged(states), complete=complete)

    if options.concurrency:
        sent_ps = np.sort(np.concatenate([run(state).requests.arrival_ps for state in states]))
        states = _dealt(trace, options, placed, one.fixed, sent_ps)
    for k, state in enumerate(states):
        try:
            states[k] = run(state)
        except Interrupted as stop:
            states[k] = stop.partial
            raise Interrupted(str(stop), partial=finish(complete=False)) from None
        ahead += float(states[k].admission.tokens[0])
    return finish(complete=True)


def prepare(fabric: Fabric, trace: RequestTrace, options: ServingOptions, seed: int = 0
            ) -> tuple[EngineState, Placement, Costs]:
    """Everything up to the first event of one engine that serves all, for scripts and tests."""
    if len(trace) < options.engines:
        raise InputError(f"the trace has {len(trace)} requests for {options.engines} engines",
                         place=trace.name)
    if 0 < options.concurrency < options.engines:
        raise options.refused([
            f"concurrency is {options.concurrency}: {options.engines} engines need a client each"])
    language = _language(options)
    _check_caching(language, options)
    placed = place(fabric, language, options)
    limits = placed.limits
    clients = options.concurrency or len(trace)
    running = max(min(limits.requests, len(trace), clients), 1)
    _refuse_oversize(trace, placed, options)
    total = trace.input_tokens + trace.output_tokens
    # a request that was preempted computes its answer so far again
    most = int(total.max())
    costs = build_costs(fabric, placed, language, options, most_running=running,
                        most_chunk=min(most, limits.tokens), most_context=most, seed=seed)
    fixed = _fixed(language, options, placed, limits, running, costs)
    return _started(trace, options, placed, fixed, None), placed, costs


def _check_caching(language: LlmShape, options: ServingOptions) -> None:
    """What prefix caching does not go with."""
    if not options.prefix_caching:
        return
    faults = [f"prefix_caching does not go with {name}" for name, used in (
        ("shared_prefix_tokens: the cache fills by itself", options.shared_prefix_tokens > 0),
        ("prefilled: prompts that are computed elsewhere", options.prefilled),
        (f"{language.name}, some of whose blocks have a window", language.window_blocks > 0))
        if used]
    if faults:
        raise options.refused(faults)


def _dealt(trace: RequestTrace, options: ServingOptions, placed: Placement, fixed: Fixed,
           sent_ps: Ints | None) -> list[EngineState]:
    """Every engine with its requests, idle; one grid of snapshots for all."""
    engines = options.engines
    span = seconds_to_ps(trace.arrival_time) if sent_ps is None else sent_ps
    return [_started(part, options, placed, fixed._replace(clients=clients), span)
            for part, clients in zip(deal(trace, engines), shares(options.concurrency, engines),
                                     strict=True)]


def _language(options: ServingOptions) -> LlmShape:
    """The model, with as many experts a token as asked for."""
    found = shape(options.model)
    if options.top_k == 0:
        return found
    if options.top_k > found.experts:
        raise options.refused([
            f"top_k is {options.top_k}; {found.name} has {found.experts} experts in a block"])
    return dataclasses.replace(found, experts_per_token=options.top_k)


def _fixed(language: LlmShape, options: ServingOptions, placed: Placement, limits: Limits,
           running: int, costs: Costs) -> Fixed:
    launch = launches(language, placed.ranks) \
        * placed.gpu.launch_time("eager_back_to_back")
    prefix = options.shared_prefix_tokens // options.block_tokens * options.block_tokens
    return Fixed(
        most_tokens=limits.tokens, most_running=running, chunked=options.chunked_prefill,
        prefilled=options.prefilled, overlapped=options.async_scheduling,
        caching=options.prefix_caching,
        clients=options.concurrency,
        frontend_ps=int(seconds_to_ps(options.frontend_time)),
        host_ps=int(seconds_to_ps(options.step_host_time)),
        sequence_ps=int(seconds_to_ps(options.sequence_host_time)),
        gap_ps=int(seconds_to_ps(options.async_gap_time)),
        launch_ps=int(seconds_to_ps(launch)), block_tokens=options.block_tokens,
        prefix_tokens=prefix, pages=placed.pages, full_groups=placed.full_groups,
        window_groups=placed.window_groups, window_blocks=placed.window_blocks,
        full_layers=language.blocks - language.window_blocks,
        window_layers=language.window_blocks, window=language.window,
        padded=padded_sizes(limits.graph), tables=costs.tables)


def padded_sizes(largest: int) -> Ints:
    """The captured size that each number of tokens is run at; empty without graphs.

    Sizes: 1, 2, 4, multiples of 8 below 256, multiples of 16 from there, up to `largest`.
    """
    if largest == 0:
        return np.zeros(1, np.int64)
    sizes = [size for size in (1, 2, 4, *range(8, 256, 8), *range(256, largest + 1, 16))
             if size <= largest]
    captured = np.array(sizes, np.int64)
    tokens = np.arange(captured[-1] + 1)
    return captured[np.searchsorted(captured, tokens)] * (tokens > 0)


def _started(trace: RequestTrace, options: ServingOptions, placed: Placement, fixed: Fixed,
             sent_ps: Ints | None) -> EngineState:
    """An idle engine; `sent_ps`: arrivals between which the windows lie, if not its own."""
    arrival_ps = seconds_to_ps(trace.arrival_time)
    if options.concurrency:
        arrival_ps = np.full_like(arrival_ps, int(arrival_ps[0]))
    requests = new_requests(arrival_ps, trace.input_tokens.copy(), trace.output_tokens.copy(),
                            options.block_tokens)
    requests.kv_blocks[:] = 0
    held = placed.pages_of(fixed.prefix_tokens, options.block_tokens)
    admission = new_admission(np.array([placed.pages - held], np.int64))
    span = arrival_ps if sent_ps is None else sent_ps
    snapshots = new_snapshots(int(span[0]), int(span[-1]), placed.ranks, 0)
    prefix = caching_off()
    if fixed.caching:
        prefix = new_prefix(trace.input_tokens + trace.output_tokens, fixed.pages,
                            fixed.block_tokens, trace.prefixes)
    return new_state(fixed, placed.ranks, requests, admission, snapshots,
                     new_span_log(options.timeline_spans), prefix)


def _refuse_oversize(trace: RequestTrace, placed: Placement, options: ServingOptions) -> None:
    block = options.block_tokens
    held = placed.pages_of(options.shared_prefix_tokens // block * block, block)
    total = trace.input_tokens + trace.output_tokens
    worst = int(np.argmax(total))
    prompt = (int(trace.input_tokens[worst]) - 1) // block * block
    shared = min(options.shared_prefix_tokens // block * block, prompt)
    need = placed.pages_of(int(total[worst]), block) - placed.pages_of(shared, block)
    if need > placed.pages - held:
        raise DoesNotFit(
            f"request {worst + 1} of {trace.name} ({trace.input_tokens[worst]} + "
            f"{trace.output_tokens[worst]} tokens) needs {need} pages of KV cache; "
            f"{placed.pages - held} are left after the weights"
            f"{' and the shared prefix' if held else ''}; raise tensor_parallel or "
            "gpu_memory_utilization, use GPUs with more memory, or leave the request out")
