"""Replay AEP, or one of its baselines, on a fabric from a request trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rackwright.engine.driver import drive
from rackwright.engine.ports import new_ports
from rackwright.engine.record import new_span_log
from rackwright.engine.status import FOREVER_PS
from rackwright.errors import DoesNotFit, InputError, Interrupted
from rackwright.models.aep.barrier import advance_barrier
from rackwright.models.aep.barrier_state import BarrierFixed, BarrierState, new_barrier_state
from rackwright.models.aep.checks import Checks
from rackwright.models.aep.costs import Costs, build_costs, one_gpu
from rackwright.models.aep.draws import new_draws
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.offload import nic_times
from rackwright.models.aep.options import BARRIER, FRAMEWORK, AepOptions
from rackwright.models.aep.placement import Placement, place
from rackwright.models.aep.report import (
    barrier_outcome,
    outcome,
    progress_of,
    words_of_fault,
    words_of_stall,
)
from rackwright.models.aep.schedulers import POLICIES
from rackwright.models.aep.state import AepState, Fixed, grow, new_state
from rackwright.models.llm import LlmShape, shape
from rackwright.models.outcome import Outcome
from rackwright.models.serving.requests import Requests, new_admission, new_requests
from rackwright.models.serving.snapshots import Snapshots, new_snapshots
from rackwright.topologies.fabric import Fabric
from rackwright.traces.requests import RequestTrace
from rackwright.traces.routing import ExponentialRouting
from rackwright.units import seconds_to_ps

__all__ = ["prepare", "replay"]

Progress = Callable[[float, float, str], None]


def replay(fabric: Fabric, trace: RequestTrace, options: AepOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Serve every request of `trace` to its last token.

    `options.policy` chooses AEP's scheduler or a barrier baseline. The seed decides the routing
    of tokens to experts, which is the same for every policy (common random numbers).

    Raises `OptionsError`, `DoesNotFit`, `InputError` for what cannot run, and `Interrupted`,
    with the `Outcome` so far as its `partial`.
    """
    state, placed, costs = prepare(fabric, trace, options, seed)
    run: Any = advance_barrier if isinstance(state, BarrierState) else advance

    def finish(end: Any, complete: bool) -> Outcome:
        words = barrier_outcome if isinstance(end, BarrierState) else outcome
        return words(fabric, placed, options, costs, end, complete=complete)

    def show(now: AepState | BarrierState) -> None:
        if progress:
            progress(*progress_of(now))

    more: Any = grow  # only the asynchronous state can be full
    check: Any = None
    if options.debug_checks and isinstance(state, AepState):
        check = Checks(state)
    try:
        end = drive(run, state, grow=more, progress=show, faults=words_of_fault,
                    waits=words_of_stall, check=check)
    except Interrupted as stop:
        raise Interrupted(str(stop), partial=finish(stop.partial, complete=False)) from None
    return finish(end, complete=True)


def prepare(fabric: Fabric, trace: RequestTrace, options: AepOptions,
            seed: int) -> tuple[AepState | BarrierState, Placement, Costs]:
    """Everything up to the first event, for `replay` and for tests that look inside."""
    if len(trace) == 0:
        raise InputError("the trace has no request", place=trace.name)
    language = shape(options.model)
    if language.latent:
        raise InputError(f"{language.name} has latent attention, which AEP does not model; take a "
                         "model with grouped heads, or the system 'serving'")
    placed = place(fabric, language, options)
    nic = nic_times(fabric, placed, language, options)
    requests = new_requests(seconds_to_ps(trace.arrival_time), trace.input_tokens.copy(),
                            trace.output_tokens.copy(), options.kv_block_tokens)
    _refuse_oversize(requests, placed, trace)
    barrier = options.policy in BARRIER
    costs = build_costs(
        one_gpu(fabric, placed.gpus), language, options,
        most_tokens=max(len(trace), 2), most_context=_most_context(requests), nic=nic)
    routing = ExponentialRouting(blocks=language.blocks, experts=language.experts,
                                 top_k=options.top_k, skew=options.routing_skew, seed=seed)
    snapshots = new_snapshots(int(requests.arrival_ps[0]), int(requests.arrival_ps[-1]),
                              len(placed.gpus), len(fabric.links.bandwidth))
    build = _barrier_state if barrier else _aep_state
    return build(fabric, placed, language, options, costs, routing, requests,
                 snapshots), placed, costs


def _most_context(requests: Requests) -> int:
    return int((requests.input_tokens + requests.output_tokens).max())


def _refuse_oversize(requests: Requests, placed: Placement, trace: RequestTrace) -> None:
    most = int(placed.kv_blocks.max())
    worst = int(np.argmax(requests.kv_blocks))
    if requests.kv_blocks[worst] > most:
        raise DoesNotFit(
            f"request {worst + 1} of {trace.name} ({requests.input_tokens[worst]} + "
            f"{requests.output_tokens[worst]} tokens) needs {requests.kv_blocks[worst]} KV-cache "
            f"blocks; a GPU has {most} free after the weights; raise memory_share, use GPUs with "
            "more memory, or leave the request out")


def _aep_state(fabric: Fabric, placed: Placement, language: LlmShape, options: AepOptions,
               costs: Costs, routing: ExponentialRouting, requests: Requests,
               snapshots: Snapshots) -> AepState:
    decay = np.array([options.decay ** k for k in range(options.look_ahead + 1)])
    hosted = placed.hosted.copy()
    hosted[:placed.attention] = 1
    in_nic = options.dispatch == "nic"
    hosts = fabric.hosts()
    fixed = Fixed(
        attention_gpus=placed.attention, expert_gpus=len(placed.gpus) - placed.attention,
        blocks=language.blocks, experts=language.experts, top_k=options.top_k,
        policy=POLICIES[options.policy], look_ahead=options.look_ahead,
        group_blocks=options.group_blocks,
        routing_seed=routing.seed, token_bytes=language.token_bytes,
        message_ps=int(seconds_to_ps(costs.nic.message if in_nic else options.message_time)),
        remote_ps=int(seconds_to_ps(options.message_remote_time)),
        part_ps=int(seconds_to_ps(costs.nic.part)),
        attention_cap=options.attention_batch_cap, expert_cap=options.expert_batch_cap,
        decay=decay, draws=new_draws(routing.weights), expert_gpu=placed.expert_gpu,
        expert_slot=placed.expert_slot,
        first_expert=np.searchsorted(placed.expert_gpu, np.arange(len(placed.gpus) + 1)),
        hosted=np.maximum(hosted, 1),
        host=np.array([hosts.index(str(fabric.host_of(gpu))) for gpu in placed.gpus], np.int64),
        attention=costs.attention, expert=costs.expert, sampler=costs.sampler,
        route_offsets=placed.route_offsets, route_links=placed.route_links)
    ports = new_ports(fabric.links.bandwidth, fabric.links.latency_ps)
    return new_state(fixed, requests, new_admission(placed.kv_blocks), ports, snapshots,
                     new_span_log(options.timeline_spans))


def _barrier_state(fabric: Fabric, placed: Placement, language: LlmShape, options: AepOptions,
                   costs: Costs, routing: ExponentialRouting, requests: Requests,
                   snapshots: Snapshots) -> BarrierState:
    capped = options.policy == "ep_framework" and options.ep_max_running
    cap = options.ep_max_running if capped else FOREVER_PS
    layer = options.ep_layer_overhead_time if options.policy in FRAMEWORK else 0.0
    exchange = {"ep_same_host": options.message_time,
                "ep_low_latency": options.ep_low_latency_time}.get(options.policy,
                                                                   options.ep_exchange_time)
    path_ps = _longest_path_ps(fabric, placed)
    fixed = BarrierFixed(
        gpus=len(placed.gpus), blocks=language.blocks, top_k=options.top_k,
        routing_seed=routing.seed, token_bytes=language.token_bytes,
        exchange_ps=int(seconds_to_ps(exchange)) + path_ps,
        layer_ps=int(seconds_to_ps(layer)), most_running=cap, draws=new_draws(routing.weights),
        expert_gpu=placed.expert_gpu, attention=costs.attention, expert=costs.expert,
        sampler=costs.sampler, route_offsets=placed.route_offsets,
        route_links=placed.route_links, ps_per_byte=1e12 / fabric.links.bandwidth)
    return new_barrier_state(fixed, requests, new_admission(placed.kv_blocks), snapshots,
                             new_span_log(options.timeline_spans))


def _longest_path_ps(fabric: Fabric, placed: Placement) -> int:
    """Latency of the longest route between two GPUs."""
    latency = fabric.links.latency_ps[placed.route_links]
    ends = np.concatenate([[0], np.cumsum(latency)])
    return int((ends[placed.route_offsets[1:]] - ends[placed.route_offsets[:-1]]).max())
