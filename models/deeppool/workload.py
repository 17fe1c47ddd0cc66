"""Replay DeepPool, or one of its baselines, on a fabric from a profile or from a job trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from rackwright.devices import Gpu
from rackwright.errors import InputError
from rackwright.models.deeppool.cluster import replay_jobs
from rackwright.models.deeppool.multiplexer import Mux, multiplex, prepare_mux, run_mux, steady
from rackwright.models.deeppool.options import DeeppoolOptions, Settings, settings
from rackwright.models.deeppool.placement import gpus_of, network_of, one_part
from rackwright.models.deeppool.profiles import background_of
from rackwright.models.deeppool.report import outcome
from rackwright.models.deeppool.state import MuxState
from rackwright.models.deeppool.training import (
    Trained,
    Work,
    mux_of,
    refuse_oversize,
    sharing_of,
    step_time,
    work_of,
)
from rackwright.models.ending import Progress, outcome_of, shown
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces.detect import read_trace as read_any
from rackwright.traces.jobs import JobTrace
from rackwright.traces.profiles import LayerProfile

__all__ = ["Prepared", "prepare", "read_trace", "replay"]


@dataclass(frozen=True)
class Prepared:
    """Everything up to the first event. `gpus`: names, those of the foreground first."""

    work: Work
    mux: Mux
    gpus: tuple[str, ...]
    gpu: Gpu
    chosen: Settings
    background: LayerProfile
    background_time: float
    network: str
    adding_nics: bool


def read_trace(path: str | PathLike[str], limit: int | None = None) -> LayerProfile | JobTrace:
    """A layer profile, ours or a public one, or a job trace; raises InputError."""
    found = read_any(path, limit)
    if not isinstance(found, LayerProfile | JobTrace):
        raise InputError(f"a {type(found).__name__}; DeepPool replays a layer profile (JSON, "
                         ".prof, CSV) or a job trace", place=Path(path))
    return found


def replay(fabric: Fabric, trace: LayerProfile | JobTrace, options: DeeppoolOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Train the profile's network in the foreground, or run the jobs of a trace.

    `options.variant` chooses the system or a baseline. Nothing is drawn at random: the seed has no
    effect. Raises `OptionsError`, `TopologyError`, `DoesNotFit` for what cannot run, and
    `Interrupted`, with the `Outcome` so far as its `partial`.
    """
    if isinstance(trace, JobTrace):
        return replay_jobs(fabric, trace, options, progress)
    if not isinstance(trace, LayerProfile):
        raise InputError(f"{trace!r} is neither a layer profile nor a job trace")
    made = prepare(fabric, trace, options)
    alone = multiplex(made.work.timeline, replace(made.mux, present=False, laps=2, warm_laps=1,
                                                  spans=0))
    state, lanes = prepare_mux(made.work.timeline, replace(
        made.mux, present=made.chosen.background and not made.chosen.partitioned))

    def finish(end: MuxState, complete: bool) -> Outcome:
        trained = Trained(made.work, alone, steady(end, lanes))
        return outcome(fabric, options, made, trained, end, complete=complete)

    return outcome_of(lambda: run_mux(state, lanes, shown(progress, _progress_of)), finish)


def _progress_of(state: MuxState) -> tuple[float, float, str]:
    done, laps = int(state.progress.lap[0]), state.fixed.laps
    return done, laps, f"iteration {done} of {laps}"


def prepare(fabric: Fabric, profile: LayerProfile, options: DeeppoolOptions) -> Prepared:
    """Check, plan and lay out; for `replay` and for tests that look inside."""
    chosen = settings(options.variant)
    names = gpus_of(fabric, options.gpus)
    gpu = one_part(fabric, names)
    fast = _foreground_gpus(options, chosen, len(names))
    network = network_of(fabric, names[:fast], options)
    work = work_of(profile, network, options.global_batch, fast, options, chosen)
    background = background_of(options.background, profile)
    seconds = step_time(background, options.background_batch)
    if not seconds > 0:
        raise options.refused([
            f"a step of {background.name} takes no time: it cannot run in the background"])
    refuse_oversize(work, background if chosen.background else None, options.background_batch,
                    gpu.memory_nbytes * options.memory_share, gpu.name)
    sharing = sharing_of(options, gpu.name, chosen.gated)
    return Prepared(work, mux_of(options, sharing, seconds, chosen.gated), names, gpu, chosen,
                    background, seconds, network.text, options.gradients == "nic")


def _foreground_gpus(options: DeeppoolOptions, chosen: Settings, count: int) -> int:
    """GPUs that the foreground may use."""
    if not chosen.partitioned:
        return count
    if options.partition_gpus > count:
        raise options.refused([
            f"partition_gpus = {options.partition_gpus} of {count} GPUs"])
    return options.partition_gpus or max(count // 2, 1)
