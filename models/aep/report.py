"""From the arrays of a finished (or interrupted) replay to an `Outcome`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.models.aep.barrier import advance_barrier
from rackwright.models.aep.barrier_state import (
    ATTENTION,
    BARRIER_WAIT,
    EXCHANGE,
    EXPERT,
    SAMPLER,
    BarrierState,
)
from rackwright.models.aep.costs import Costs, one_gpu
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.limits import limit_of_aep, limit_of_barrier
from rackwright.models.aep.measures import (
    batch_metrics,
    completion_metrics,
    cost_metrics,
    queue_metrics,
    stall_metrics,
)
from rackwright.models.aep.options import BARRIER, AepOptions
from rackwright.models.aep.parameters import parameters
from rackwright.models.aep.placement import Placement, gpu_at
from rackwright.models.aep.series import batch_series, queue_series, running_series
from rackwright.models.aep.state import (
    JOIN,
    NETWORK,
    OUTSIDE_TABLE,
    QUEUE,
    SERVICE,
    AepState,
)
from rackwright.models.outcome import Outcome, Series
from rackwright.models.serving.metrics import serving_metrics
from rackwright.models.serving.windows import Window, busy_shares, window_notes
from rackwright.models.spans import spans_of
from rackwright.topologies.fabric import Fabric

__all__ = ["barrier_outcome", "outcome", "progress_of", "words_of_fault", "words_of_stall"]

Floats = npt.NDArray[np.float64]
LABELS = ("attention", "experts", "sampler")
QUIET_LINK = 1e-4   # links used less than this are not listed: they carried nothing to speak of


def progress_of(state: AepState | BarrierState) -> tuple[float, float, str]:
    """(tokens done, tokens in all, text) for a progress bar."""
    done, total = int(state.admission.tokens[0]), int(state.requests.output_tokens.sum())
    ended = int(state.admission.finished[0])
    return done, total, f"{ended}/{len(state.requests.arrival_ps)} requests"


def words_of_fault(state: AepState | BarrierState) -> str:
    code, gpu, size = (int(value) for value in state.control.code[:3])
    if code == OUTSIDE_TABLE:
        return f"a step of {size} tokens on GPU {gpu} is outside its cost table"
    return f"token part {gpu} came home more than top_k times"


def words_of_stall(state: AepState | BarrierState) -> str:
    """What waits for what, when no event is pending although requests are left."""
    admission, requests = state.admission, state.requests
    r = int(admission.admitted[0])
    if r < int(admission.arrived[0]):
        return (f"request {r + 1} waits for {requests.kv_blocks[r]} KV-cache blocks; the emptiest "
                f"GPU has {admission.kv_free.max()} free, {admission.active[0]} requests run")
    return f"{admission.active[0]} requests are admitted, but no GPU and no message is under way"


def outcome(fabric: Fabric, placed: Placement, options: AepOptions, costs: Costs,
            state: AepState, *, complete: bool) -> Outcome:
    """What an asynchronous replay found out."""
    gpus = state.gpus
    steps, handled = gpus.steps, gpus.handled
    spent = {
        "attention queue": gpus.spent[QUEUE, 0], "attention": gpus.spent[SERVICE, 0],
        # every part of a token has its own way to an expert and back: a token's share is the mean
        "network": (gpus.spent[NETWORK, 0] + gpus.spent[NETWORK, 1]) / options.top_k,
        "expert queue": gpus.spent[QUEUE, 1] / options.top_k,
        "experts": gpus.spent[SERVICE, 1] / options.top_k,
        "join": gpus.spent[JOIN, 0] / options.top_k,
    }
    extra = {"attention_batch_mean_tokens": _ratio(handled[0], steps[0]),
             "expert_batch_mean_tokens": _ratio(handled[1], steps[1])}
    extra |= queue_metrics(placed.attention, state.watch, state.snapshots)
    series = queue_series(placed.attention, state.watch, state.snapshots)
    return _outcome(fabric, placed, options, costs, state, gpus.busy_ps, state.ports.busy_ps,
                    spent, extra, series, complete)


def barrier_outcome(fabric: Fabric, placed: Placement, options: AepOptions, costs: Costs,
                    state: BarrierState, *, complete: bool) -> Outcome:
    """What a barrier replay found out."""
    work = state.work
    names = {ATTENTION: "attention", EXPERT: "experts", EXCHANGE: "network",
             BARRIER_WAIT: "barrier", SAMPLER: "sampler"}
    spent = {name: work.spent[row] for row, name in names.items()}
    stall = _ratio(work.expert_mean_ps[0], work.expert_max_ps[0])
    extra = {"attention_batch_mean_tokens": _ratio(work.handled[0], work.steps[0]),
             "expert_batch_mean_tokens": _ratio(work.handled[1], work.steps[1]),
             "expert_stall_share": None if stall is None else 1 - stall,
             "iterations": float(work.iterations[0])}
    return _outcome(fabric, placed, options, costs, state, work.busy_ps, work.link_busy_ps,
                    spent, extra, {}, complete)


def _outcome(fabric: Fabric, placed: Placement, options: AepOptions, costs: Costs, state: Any,
             gpu_busy: npt.NDArray[np.int64], link_busy: npt.NDArray[np.int64],
             spent: Mapping[str, Any], extra: Mapping[str, float | None],
             series: Mapping[str, Series], complete: bool) -> Outcome:
    end_ps = int(state.control.now_ps[0])
    metrics, undefined, window = serving_metrics(state.requests, state.admission,
                                                 state.snapshots, end_ps)
    for name, value in extra.items():
        if value is None:
            undefined[name] = "no step of that kind ran"
        else:
            metrics[name] = value
    for name, size in batch_metrics(state.watch).items():
        metrics[name] = size
    completion_metrics(metrics, undefined, state.snapshots)
    _energy(metrics, undefined, fabric, placed, gpu_busy, end_ps, state)
    cost_metrics(metrics, undefined, options.gpu_hour_price, len(placed.gpus))
    total = sum(float(value) for value in spent.values())
    breakdown = {name: float(value) / total for name, value in spent.items()} if total else {}
    devices = busy_shares(state.snapshots.device_busy, state.snapshots, window, gpu_busy, end_ps)
    links = busy_shares(state.snapshots.link_busy, state.snapshots, window, link_busy, end_ps)
    stall_metrics(metrics, placed, devices, barrier=options.policy in BARRIER)
    link_use = {name: float(share) for name, share in zip(fabric.link_names, links, strict=True)
                if share > QUIET_LINK}
    limit = limit_of_barrier if options.policy in BARRIER else limit_of_aep
    compiled = advance_barrier if options.policy in BARRIER else advance
    gpu = one_gpu(fabric, placed.gpus)
    return Outcome(
        metrics=metrics, undefined=undefined, complete=complete, breakdown=breakdown,
        bottleneck=limit(placed, devices, link_use, breakdown, metrics, options),
        device_utilisation=dict(zip(placed.gpus, (float(d) for d in devices), strict=True)),
        link_utilisation=link_use, parameters=parameters(options, costs.error, costs.nic),
        notes=_notes(metrics, breakdown, window),
        bands={name: gpu.band(name) for name in ("gemm", "attention", "expert")},
        parts=dict(fabric.parts), tables=costs.hashes(),
        kernels={compiled.name: compiled.source_hash},
        spans=spans_of(state.spans, placed.gpus, LABELS),
        series={**running_series(state.snapshots), **series, **batch_series(state.watch)})


def _ratio(amount: Any, by: Any) -> float | None:
    return float(amount) / float(by) if by else None


def _energy(metrics: dict[str, float], undefined: dict[str, str], fabric: Fabric,
            placed: Placement, busy_ps: npt.NDArray[np.int64], end_ps: int, state: Any) -> None:
    """GPU boards only, as if all work were matrix products."""
    seconds = (end_ps - int(state.requests.arrival_ps[0])) * 1e-12
    if seconds <= 0:
        undefined["energy_gpu_j"] = "nothing took any time"
        return
    joules = 0.0
    for name, busy in zip(placed.gpus, (busy_ps * 1e-12).tolist(), strict=True):
        # power is a straight line in the busy share, so the mean power is that of the mean share
        joules += gpu_at(fabric, name).power_watts(min(busy / seconds, 1.0)) * seconds
    metrics["energy_gpu_j"] = joules
    if metrics["tokens"]:
        metrics["energy_gpu_per_token_j"] = joules / metrics["tokens"]


def _notes(metrics: Mapping[str, float], breakdown: Mapping[str, float],
           window: Window | None) -> tuple[str, ...]:
    notes = []
    network = breakdown.get("network", 0.0)
    if breakdown and network < 0.05:
        notes.append(f"nearly insensitive to the fabric: {network:.1%} of a token's time is "
                     "spent in the network")
    notes += window_notes(window)
    notes.append("energy counts GPU boards only, busy ones as in matrix products: an upper bound")
    return tuple(notes)
