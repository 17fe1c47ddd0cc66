"""Replay a job trace: every (model, batch) is trained once by the multiplexer, then jobs run.

The steady speeds of `training.train` (foreground alone and beside background work, background by
GPU) are the rates of `jobs.run_jobs`. Background pieces of all models are taken as equally long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rackwright.errors import DoesNotFit, Interrupted
from rackwright.models.deeppool.cluster_report import jobs_outcome
from rackwright.models.deeppool.jobs import Cluster, Ended, FastJob, SlowJob, run_jobs
from rackwright.models.deeppool.options import DeeppoolOptions, Settings, settings
from rackwright.models.deeppool.placement import gpus_of, network_of, one_part
from rackwright.models.deeppool.profiles import profiles_of
from rackwright.models.deeppool.training import (
    Trained,
    mux_of,
    refuse_oversize,
    sharing_of,
    step_time,
    train,
    training_bytes,
    work_of,
)
from rackwright.models.ending import Progress
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces.jobs import JobTrace
from rackwright.traces.profiles import LayerProfile

__all__ = ["PreparedJobs", "prepare_jobs", "replay_jobs"]
Kinds = dict[tuple[str, int], Trained]


@dataclass(frozen=True)
class PreparedJobs:
    """Everything up to the first event; `fast` and `slow` in order of arrival."""

    cluster: Cluster
    fast: list[FastJob]
    slow: list[SlowJob]
    trained: Kinds
    gpus: tuple[str, ...]
    sharing: str
    network: str


def replay_jobs(fabric: Fabric, trace: JobTrace, options: DeeppoolOptions,
                progress: Progress | None = None) -> Outcome:
    """Run the jobs of `trace`; raises as `rackwright.models.deeppool.replay` does."""
    made = prepare_jobs(fabric, trace, options, progress)
    count = len(trace)
    ended = Ended(np.full(count, -1.0), np.full(count, -1.0), np.full(count, -1, np.int64))

    def show(now: float, done: int) -> None:
        if progress:
            progress(done, count, f"{done} of {count} jobs at {now:.4g} s")

    try:
        run_jobs(made.fast, made.slow, made.cluster, ended, show)
    except KeyboardInterrupt:
        partial = jobs_outcome(fabric, trace, options, made, ended, complete=False)
        raise Interrupted(f"interrupted after {int((ended.end >= 0).sum())} of {count} jobs",
                          partial=partial) from None
    return jobs_outcome(fabric, trace, options, made, ended, complete=True)


def prepare_jobs(fabric: Fabric, trace: JobTrace, options: DeeppoolOptions,
                 progress: Progress | None = None) -> PreparedJobs:
    """Check, place and train every kind of job once."""
    chosen = settings(options.variant)
    names = gpus_of(fabric, options.gpus)
    gpu = one_part(fabric, names)
    cluster = _cluster(options, chosen, len(names))
    profiles = profiles_of(trace.model, options.profiles)
    network = network_of(fabric, names[:cluster.size], options)
    sharing = sharing_of(options, gpu.name, chosen.gated)
    mux = replace(mux_of(options, sharing, options.piece_time, chosen.gated), spans=0)
    fast, slow = _kinds(trace)
    heaviest = max(slow, key=lambda kind: training_bytes(profiles[kind[0]], kind[1]), default=None)
    trained: Kinds = {}
    for at, (model, batch) in enumerate(fast):
        if progress:
            progress(at, len(fast), f"planning {model} of {batch} samples")
        work = work_of(profiles[model], network, batch, cluster.size, options, chosen)
        beside = heaviest if cluster.beside else None
        refuse_oversize(work, profiles[beside[0]] if beside else None, beside[1] if beside else 0,
                        gpu.memory_nbytes * options.memory_share, gpu.name)
        trained[model, batch] = train(work, mux, cluster.beside)
    for model, batch in slow:
        needed = training_bytes(profiles[model], batch)
        if needed > gpu.memory_nbytes * options.memory_share:
            raise DoesNotFit(f"background job {model} of {batch} samples needs "
                             f"{needed / 1e9:.3g} GB on {gpu.name}; take smaller batches")
    jobs = _jobs(trace, profiles, trained)
    return PreparedJobs(cluster, *jobs, trained, names, sharing.name, network.text)


def _cluster(options: DeeppoolOptions, chosen: Settings, gpus: int) -> Cluster:
    size = 1 if chosen.plan == "one_gpu" else options.job_gpus
    room = (options.partition_gpus or gpus // 2) if chosen.partitioned else gpus
    if size > room or room > gpus:
        raise options.refused([
            f"job_gpus = {size}, but {room} of {gpus} GPUs are there for foreground jobs"])
    shared = np.ones(gpus, bool)
    if chosen.partitioned:
        shared[:room] = False
    beside = chosen.background and not chosen.partitioned
    return Cluster(gpus, range(0, room - size + 1, size), size, beside, shared)


def _kinds(trace: JobTrace) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """The (model, batch) of foreground and of background jobs, sorted."""
    both: tuple[set[tuple[str, int]], set[tuple[str, int]]] = set(), set()
    for model, fast, batch in zip(trace.model, trace.foreground.tolist(),
                                  trace.global_batch.tolist(), strict=True):
        both[0 if fast else 1].add((model, batch))
    return sorted(both[0]), sorted(both[1])


def _jobs(trace: JobTrace, profiles: dict[str, LayerProfile], trained: Kinds
          ) -> tuple[list[FastJob], list[SlowJob]]:
    fast: list[FastJob] = []
    slow: list[SlowJob] = []
    for at, model in enumerate(trace.model):
        arrival, samples = float(trace.arrival_time[at]), float(trace.samples[at])
        batch = int(trace.global_batch[at])
        if not trace.foreground[at]:
            slow.append(SlowJob(at, arrival, samples, batch / step_time(profiles[model], batch)))
            continue
        one = trained[model, batch]
        speeds = np.repeat(one.shared.bg_speed, one.shared.copies)
        fast.append(FastJob(at, arrival, samples, batch / one.alone.iteration_time,
                            batch / one.shared.iteration_time,
                            batch / step_time(profiles[model], batch), speeds))
    return fast, slow
