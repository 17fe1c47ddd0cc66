"""Turn a finished replay of one profile into an `Outcome`: metrics, shares, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.engine.record import span_kept, span_lost
from rackwright.models.deeppool.kernel import advance
from rackwright.models.deeppool.limits import breakdown_of, limit_of, port_shares
from rackwright.models.deeppool.options import DeeppoolOptions
from rackwright.models.deeppool.parameters import parameters
from rackwright.models.deeppool.placement import block_tables
from rackwright.models.deeppool.planner import best_static, fixed_plan
from rackwright.models.deeppool.state import BG_ONLY, BOTH, FG_ONLY, IDLE, MuxState
from rackwright.models.deeppool.timeline import LABELS
from rackwright.models.outcome import Outcome, Spans
from rackwright.topologies.fabric import Fabric

if TYPE_CHECKING:
    from rackwright.models.deeppool.training import Trained
    from rackwright.models.deeppool.workload import Prepared

__all__ = ["outcome"]

_BOUND = 1.1   # slowdown that the gate is to hold


def outcome(fabric: Fabric, options: DeeppoolOptions, made: Prepared, trained: Trained,
            state: MuxState, *, complete: bool) -> Outcome:
    """What a replay found out."""
    metrics = _rates(options, made, trained) | _plan(made) | _shares(made, trained)
    undefined = {"cost": "the catalog has no prices of GPUs"}
    _background(metrics, undefined, options, made, trained)
    devices = _devices(made, trained)
    joules = sum(made.gpu.power_watts(share) for share in devices.values()) \
        * trained.shared.iteration_time
    metrics["energy_gpu_per_iteration_j"] = joules
    breakdown = breakdown_of(made.work.timeline, trained)
    links = port_shares(fabric, made, trained) if options.network == "fabric" else {}
    return Outcome(
        metrics=metrics, undefined=undefined, complete=complete, breakdown=breakdown,
        bottleneck=limit_of(breakdown, devices), device_utilisation=devices,
        link_utilisation=links,
        parameters=parameters(options, made.mux.sharing.name),
        notes=_notes(options, made, trained, metrics), parts=dict(fabric.parts),
        kernels={advance.name: advance.source_hash}, tables=block_tables(options),
        spans=_spans(made, state))


def _rates(options: DeeppoolOptions, made: Prepared, trained: Trained) -> dict[str, float]:
    time = trained.shared.iteration_time
    return {"iteration_s": time, "iteration_alone_s": trained.alone.iteration_time,
            "iteration_worst_s": trained.shared.worst_time,
            "iteration_one_gpu_s": made.work.alone_time,
            "fg_slowdown": trained.slowdown, "fg_speedup": trained.fg_gpus,
            "fg_throughput_samples_per_s": options.global_batch / time,
            "iterations": float(trained.shared.laps)}


def _plan(made: Prepared) -> dict[str, float]:
    plan, costs = made.work.plan, made.work.costs
    return {"plan_iteration_s": plan.time, "plan_busy_gpu_s": plan.busy_time,
            "plan_amplification": plan.busy_time / made.work.alone_time,
            "plan_degrees": float(len(set(plan.gpus.tolist()))),
            "plan_gpus": float(plan.most_gpus),
            "data_parallel_iteration_s": fixed_plan(costs, -1).time,
            "model_wide_iteration_s": best_static(costs).time,
            "gradient_sums": float(made.work.timeline.sums)}


def _shares(made: Prepared, trained: Trained) -> dict[str, float]:
    """Shares of the GPU time of all GPUs of the replay."""
    shared, count = trained.shared, len(made.gpus)
    inside = float(shared.copies.sum())
    found = {name: shared.gpu_share(column) * inside / count for name, column in (
        ("gpu_share_fg_only", FG_ONLY), ("gpu_share_bg_only", BG_ONLY),
        ("gpu_share_both", BOTH), ("gpu_share_idle", IDLE))}
    apart = "gpu_share_bg_only" if made.chosen.partitioned else "gpu_share_idle"
    found[apart] += (count - inside) / count
    return found


def _background(metrics: dict[str, float], undefined: dict[str, str], options: DeeppoolOptions,
                made: Prepared, trained: Trained) -> None:
    """Background rates, and both together in GPUs that run alone."""
    apart = len(made.gpus) - float(trained.shared.copies.sum())
    gpus = trained.shared.bg_gpus + (apart if made.chosen.partitioned else 0.0)
    metrics["bg_speedup"] = gpus
    metrics["bg_throughput_samples_per_s"] = gpus * options.background_batch / made.background_time
    metrics["cluster_throughput_gpus"] = trained.fg_gpus + gpus
    full = made.work.alone_time / metrics["data_parallel_iteration_s"]
    name = "cluster_gain_over_data_parallel"
    if made.chosen.partitioned:
        undefined[name] = "data parallel on fewer GPUs here; compare with the baseline"
    else:
        metrics[name] = metrics["cluster_throughput_gpus"] / full
    asked = int(trained.shared.asked.sum())
    if asked:
        metrics["gate_admitted_ratio"] = float(trained.shared.asked[1]) / asked
    else:
        undefined["gate_admitted_ratio"] = "the gate was never asked beside foreground work"
    metrics["gate_admitted_beside_gradients"] = float(trained.shared.beside_sums)


def _devices(made: Prepared, trained: Trained) -> dict[str, float]:
    """Busy share by GPU; those apart run background work alone."""
    shared = trained.shared
    busy = np.repeat(1.0 - shared.spent[:, IDLE], shared.copies)
    rest = 1.0 if made.chosen.partitioned else 0.0
    every = [*busy.tolist(), *[rest] * (len(made.gpus) - len(busy))]
    return dict(zip(made.gpus, (min(max(share, 0.0), 1.0) for share in every), strict=True))


def _notes(options: DeeppoolOptions, made: Prepared, trained: Trained, metrics: dict[str, float]
           ) -> tuple[str, ...]:
    work = made.work
    notes = [f"network: {made.network}", f"plan: {work.plan.text}",
             f"times of layers are those of the profile {work.profile.name!r}, on whatever it was "
             f"taken; the fabric's {made.gpu.name} counts for memory, power and "
             "how streams share it"]
    if work.costs.guessed:
        notes.append("no times in the profile at "
                     f"{', '.join(str(one) for one in work.costs.guessed)} samples a GPU: between "
                     "batches interpolated, above in proportion, below as the smallest")
    if int(work.costs.gpus[-1]) < work.timeline.gpus:
        notes.append(f"{options.global_batch} samples split evenly over {int(work.costs.gpus[-1])} "
                     f"GPUs at most; the foreground leaves the others of {work.timeline.gpus}")
    if made.chosen.plan == "burst" and work.plan.time > metrics[
            "data_parallel_iteration_s"] * 1.001:
        notes.append("the plan is slower than data parallel: the limit on amplification forbids "
                     "faster ones, and being greedy it can forbid good ones (as published)")
    if made.chosen.background and made.chosen.gated and metrics["fg_slowdown"] > _BOUND * 1.001:
        notes.append(f"the foreground is {metrics['fg_slowdown']:.2f} times slower than alone: the "
                     "gate does not hold 1.1 here")
    moved = sum(one.time for one in work.timeline.segments if one.label > 1)
    if moved < 0.02 * trained.alone.iteration_time:
        notes.append("nearly insensitive to the network: transfers and gradients are under 2 %")
    return tuple(notes)


def _spans(made: Prepared, state: MuxState) -> Spans | None:
    log = state.spans
    kept = span_kept(log)
    if not kept:
        return None
    order = np.argsort(log.start_ps[:kept], kind="stable")
    return Spans(_tracks(made, state), LABELS, log.track[:kept][order], log.label[:kept][order],
                 log.start_ps[:kept][order], log.end_ps[:kept][order], log.amount[:kept][order],
                 span_lost(log))


def _tracks(made: Prepared, state: MuxState) -> tuple[str, ...]:
    """One a lane, named by its GPUs."""
    ends = np.cumsum(state.program.copies).tolist()
    starts = [0, *ends[:-1]]
    return tuple(made.gpus[start] if end == start + 1
                 else f"{made.gpus[start]} .. {made.gpus[end - 1]}"
                 for start, end in zip(starts, ends, strict=True))
