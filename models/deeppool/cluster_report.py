"""Turn a finished job trace into an `Outcome`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.models.deeppool.jobs import Ended
from rackwright.models.deeppool.kernel import advance
from rackwright.models.deeppool.options import DeeppoolOptions
from rackwright.models.deeppool.parameters import parameters
from rackwright.models.deeppool.placement import block_tables
from rackwright.models.outcome import Bottleneck, Outcome, Spans
from rackwright.topologies.fabric import Fabric
from rackwright.traces.jobs import JobTrace
from rackwright.units import seconds_to_ps

if TYPE_CHECKING:
    from rackwright.models.deeppool.cluster import PreparedJobs

__all__ = ["jobs_outcome"]

SATURATED = 0.9


def jobs_outcome(fabric: Fabric, trace: JobTrace, options: DeeppoolOptions, made: PreparedJobs,
                 ended: Ended, *, complete: bool) -> Outcome:
    """What the replay of a job trace found out."""
    metrics, undefined = dict[str, float](), {"cost": "the catalog has no prices of GPUs"}
    span = max(ended.now - float(trace.arrival_time[0]), 1e-12)
    count = len(made.gpus)
    _counts(metrics, undefined, trace, ended, span)
    for kind, chosen in (("fg", trace.foreground == 1), ("bg", trace.foreground == 0)):
        _times(metrics, undefined, kind, trace, ended, chosen)
    metrics["fg_slowdown_mean"], why = _slowdown(trace, made, ended)
    if why:
        undefined["fg_slowdown_mean"] = why
        del metrics["fg_slowdown_mean"]
    busy = np.minimum(ended.gpu_busy / span, 1.0)
    whole = span * count
    both, fast = ended.shared_gpu_time / whole, ended.fg_gpu_time / whole
    taken = float(busy.mean())
    breakdown = {"foreground only": fast - both, "both": both, "background only": taken - fast,
                 "free": 1.0 - taken}
    metrics |= {f"gpu_share_{name.replace(' ', '_')}": share for name, share in breakdown.items()}
    return Outcome(
        metrics=metrics, undefined=undefined, complete=complete,
        bottleneck=_limit(taken, metrics), breakdown=breakdown,
        device_utilisation=dict(zip(made.gpus, busy.tolist(), strict=True)), link_utilisation={},
        parameters=parameters(options, made.sharing), notes=_notes(options, made),
        parts=dict(fabric.parts), kernels={advance.name: advance.source_hash},
        tables=block_tables(options),
        spans=_spans(trace, made, ended, options.timeline_spans))


def _counts(metrics: dict[str, float], undefined: dict[str, str], trace: JobTrace,
            ended: Ended, span: float) -> None:
    finished = ended.end >= 0
    metrics |= {"jobs": float(len(trace)), "jobs_finished": float(finished.sum()),
                "makespan_s": span, "cluster_throughput_gpus": (ended.fg_work + ended.bg_work)
                / span, "fg_throughput_gpus": ended.fg_work / span,
                "bg_throughput_gpus": ended.bg_work / span}
    loaded = ended.loaded_time - float(trace.arrival_time[0])
    if loaded > 0:
        metrics["cluster_throughput_loaded_gpus"] = ended.loaded_work / loaded
    else:
        undefined["cluster_throughput_loaded_gpus"] = "all jobs arrive at once"


def _times(metrics: dict[str, float], undefined: dict[str, str], kind: str, trace: JobTrace,
           ended: Ended, chosen: object) -> None:
    """Mean and worst time from arrival to end, and the mean wait."""
    done = np.asarray(chosen) & (ended.end >= 0)
    names = (f"{kind}_job_mean_s", f"{kind}_job_p90_s", f"{kind}_wait_mean_s")
    if not done.any():
        undefined |= dict.fromkeys(names, "no such job finished")
        return
    took = (ended.end - trace.arrival_time)[done]
    waited = (ended.start - trace.arrival_time)[done]
    values = (np.mean(took), np.quantile(took, 0.9, method="inverted_cdf"), np.mean(waited))
    metrics |= dict(zip(names, map(float, values), strict=True))


def _slowdown(trace: JobTrace, made: PreparedJobs, ended: Ended) -> tuple[float, str]:
    """Foreground: running time over that without any background work, mean over jobs."""
    ratios = [(ended.end[job.number] - ended.start[job.number]) * job.alone_rate / job.samples
              for job in made.fast if ended.end[job.number] >= 0]
    return (float(np.mean(ratios)), "") if ratios else (0.0, "no such job finished")


def _limit(taken: float, metrics: dict[str, float]) -> Bottleneck:
    text = (f"GPUs taken {taken:.0%} of the time, doing the work of "
            f"{metrics['cluster_throughput_gpus']:.3g} that run alone")
    return Bottleneck("GPUs", "device", taken, taken >= SATURATED, text)


def _notes(options: DeeppoolOptions, made: PreparedJobs) -> tuple[str, ...]:
    notes = [f"network: {made.network}, for the first block of {made.cluster.size} GPUs; other "
             "blocks are taken as alike",
             "speeds are steady ones by kind of job; background jobs move for nothing"]
    unused = made.cluster.gpus - len(made.cluster.blocks) * made.cluster.size
    if unused and made.cluster.shared.all():
        notes.append(f"{unused} GPUs are in no block of {made.cluster.size}: background work only")
    return tuple(notes)


def _spans(trace: JobTrace, made: PreparedJobs, ended: Ended, most: int) -> Spans | None:
    """Foreground jobs by block."""
    jobs = [job.number for job in made.fast if ended.end[job.number] >= 0]
    jobs.sort(key=lambda number: (float(ended.start[number]), number))
    kept = jobs[:most]
    if not kept:
        return None
    labels = tuple(sorted(set(trace.model)))
    starts = [int(first) for first in made.cluster.blocks]
    return Spans(
        tuple(f"{made.gpus[first]} and on" for first in starts), labels,
        np.array([starts.index(int(ended.block[one])) for one in kept], np.int32),
        np.array([labels.index(trace.model[one]) for one in kept], np.int32),
        np.asarray(seconds_to_ps(ended.start[kept]), np.int64),
        np.asarray(seconds_to_ps(ended.end[kept]), np.int64),
        trace.global_batch[kept], len(jobs) - len(kept))
