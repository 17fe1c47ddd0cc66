"""One foreground training on some GPUs, with or without background: planned, laid out, run.

What a replay of one profile and a replay of many jobs both need. `Setting` says on what and beside
what; `Trained` what came out, in seconds and in GPUs ("a GPU" of work is what one GPU does alone).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rackwright.errors import DoesNotFit
from rackwright.models.deeppool.branches import plan_layers
from rackwright.models.deeppool.costs import PlanCosts, build_costs, layer_times
from rackwright.models.deeppool.multiplexer import Multiplexed, Mux, multiplex, pieces_of
from rackwright.models.deeppool.network import ELEMENT_BYTES, Network
from rackwright.models.deeppool.options import DeeppoolOptions, Settings
from rackwright.models.deeppool.planner import Plan, best_static, fixed_plan
from rackwright.models.deeppool.sharing import Sharing, h100_sharing, stand_in_sharing
from rackwright.models.deeppool.timeline import Timeline, build_timeline, forward_shares
from rackwright.traces.profiles import LayerProfile

__all__ = ["Trained", "Work", "choose_plan", "fullness_of", "mux_of", "refuse_oversize",
           "sharing_of", "step_time", "train", "training_bytes", "work_of"]

_STATES = 3   # copies of the weights: themselves, gradients, momentum (SGD; assumed)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Work:
    """A planned training and its timeline. `alone_time`: s of an iteration on one GPU."""

    profile: LayerProfile
    costs: PlanCosts
    plan: Plan
    timeline: Timeline
    alone_time: float
    fullness: Floats


@dataclass(frozen=True)
class Trained:
    """`alone`: without background; `shared`: with it (the same object where there is none)."""

    work: Work
    alone: Multiplexed
    shared: Multiplexed

    @property
    def slowdown(self) -> float:
        return self.shared.iteration_time / self.alone.iteration_time

    @property
    def fg_gpus(self) -> float:
        """Foreground work in GPUs that run it alone: the speed-up over one."""
        return self.work.alone_time / self.shared.iteration_time


def step_time(profile: LayerProfile, batch: int) -> float:
    """Seconds of a training step on one GPU."""
    times = layer_times(profile.times, profile.batches, np.array([batch], np.int64))
    return float(np.cumsum(times[:, 0])[-1])


def choose_plan(costs: PlanCosts, kind: str, limit: float) -> Plan:
    """The plan of a variant; `limit` 0: none."""
    if kind == "burst":
        return plan_layers(costs, limit or math.inf)
    if kind == "model_wide":
        return best_static(costs)
    return fixed_plan(costs, 0 if kind == "one_gpu" else -1)


def work_of(profile: LayerProfile, network: Network, batch: int, gpus: int,
            options: DeeppoolOptions, chosen: Settings, reserve: int | None = None) -> Work:
    """Plan `profile` for up to `gpus` GPUs, on a timeline of `reserve` (None: as many)."""
    costs = build_costs(profile, network, batch, gpus, sync=options.sync)
    plan = choose_plan(costs, chosen.plan, options.amplification_limit)
    full = fullness_of(profile, plan)
    timeline = build_timeline(
        plan, network, forward_shares(profile.times[:, 0], None if profile.forward_times is None
                                      else profile.forward_times[:, 0]),
        full, reserve or gpus, bucket_nbytes=options.bucket,
        sums_apart=options.gradients == "nic", code_sync=options.sync == "code")
    return Work(profile, costs, plan, timeline, float(np.cumsum(costs.compute_time[:, 0])[-1]),
                full)


def fullness_of(profile: LayerProfile, plan: Plan) -> Floats:
    """How full every layer keeps its GPUs: its best time a sample over the one here."""
    layers = np.arange(len(profile))
    times = plan.costs.compute_time[layers, plan.option]
    best = (profile.times / profile.batches).min(axis=1) * (plan.costs.batch // plan.gpus)
    return np.where(times > 0, np.minimum(best / np.where(times > 0, times, 1.0), 1.0), 0.0)


def sharing_of(options: DeeppoolOptions, gpu: str, gated: bool) -> Sharing:
    """The numbers of the option `sharing` on a part called `gpu`."""
    measured = options.sharing == "h100" or (
        options.sharing == "auto" and gpu.startswith(("h100", "h200")))
    if measured:
        return h100_sharing("high" if gated else "equal")
    if not gated:
        return stand_in_sharing(2.0, 0.5)   # half the time each: the sheet's naive sharing
    return stand_in_sharing(options.fg_slowdown, options.bg_busy_share)


def mux_of(options: DeeppoolOptions, sharing: Sharing, background_time: float, gated: bool) -> Mux:
    """How background steps of `background_time` seconds are let in."""
    laps = options.iterations
    return Mux(sharing, options.bg_idle_share, policy=options.policy if gated else "open",
               gate=options.gate,
               piece_time=pieces_of(background_time, options.piece_time),
               admission_time=options.admission_time, laps=laps,
               warm_laps=min(options.warm_iterations, laps - 1), spans=options.timeline_spans)


def train(work: Work, mux: Mux, background: bool) -> Trained:
    """Run it alone, and with background work on every GPU."""
    alone = multiplex(work.timeline, replace(mux, present=False, laps=2, warm_laps=1, spans=0))
    return Trained(work, alone, multiplex(work.timeline, mux) if background else alone)


def refuse_oversize(work: Work, background: LayerProfile | None, background_batch: int,
                    memory: float, gpu: str) -> None:
    """Raise DoesNotFit when weights, their states and layers' outputs exceed a GPU's memory."""
    shares = work.costs.batch // work.plan.gpus
    needs = {"foreground": training_bytes(work.profile, shares)}
    if background is not None:
        needs["background"] = training_bytes(background, background_batch)
    total = sum(needs.values())
    if total > memory:
        parts = ", ".join(f"{name} {nbytes / 1e9:.3g} GB" for name, nbytes in needs.items())
        raise DoesNotFit(
            f"trainings of {total / 1e9:.3g} GB ({parts}: {_STATES} copies of the weights, and the "
            f"outputs of layers in float32) on {gpu} with {memory / 1e9:.3g} GB for them; take "
            "smaller batches, or a variant without background")


def training_bytes(profile: LayerProfile, samples: int | Ints) -> float:
    """Bytes of weights, their states and the layers' outputs on one GPU.

    `samples`: of every layer, or one number each. What a bottleneck keeps inside is not counted.
    """
    weights = _STATES * float(profile.parameters.sum())
    return ELEMENT_BYTES * (weights + float((profile.output_elements * samples).sum()))
