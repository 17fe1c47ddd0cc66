"""DeepPool: what simulates the rows of its targets.toml.

Everything starts from the A100 profiles of the public code, which are not packaged. Planner rows
use the flat network of that code; replays the modelled DGX A100.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from rackwright import run, topologies
from rackwright.devices import catalog
from rackwright.models.deeppool import DeeppoolOptions
from rackwright.models.deeppool.branches import plan_layers
from rackwright.models.deeppool.costs import PlanCosts, build_costs
from rackwright.models.deeppool.network import FlatNetwork
from rackwright.models.deeppool.planner import Plan, fixed_plan
from rackwright.models.deeppool.training import step_time
from rackwright.models.training import network
from rackwright.models.training.profile import profile_of
from rackwright.reproduce.context import Context
from rackwright.topologies.fabric import Fabric
from rackwright.traces import LayerProfile, read_profile, sample

__all__ = ["SIMULATIONS"]

Measure = Callable[[Context], float]
DEFAULTS = DeeppoolOptions()
LIMITS = {"a1_5": 1.5, "a2": 2.0, "a5": 5.0, "a99": 99.0}
NETWORKS = ("vgg", "wrn", "inception")
BATCHES = (32, 16, 8, 4, 2, 1)
PLANS = {   # id -> (network, global batch, how gradients are counted, GPUs)
    "dpl-4": [("vgg", 16, "code", 4), ("vgg", 16, "code", 8), ("vgg", 16, "ring", 8),
              ("vgg", 32, "code", 8), ("vgg", 32, "ring", 8), ("wrn", 16, "code", 8),
              ("wrn", 32, "code", 8)],
    "dpl-5": [("vgg", 16, "code", 8), ("vgg", 32, "ring", 8), ("wrn", 16, "code", 8)],
}
LAYERS = {"conv1_2": ("vgg", 2), "fc6": ("vgg", 32), "bottleneck": ("wrn", 32)}
FILES = dict(source="github.com/seojinpark/DeepPool, folder modules", licence="MIT")


def profile(context: Context, network: str) -> LayerProfile:
    path = context.file(f"traces/deeppool_profiles/A100_{network}.prof", **FILES)
    return context.once(("profile", network), lambda: read_profile(path))


def machine(context: Context, hosts: int) -> Fabric:
    return context.once(("machine", hosts), lambda: topologies.compile(
        topologies.dgx("a100-sxm-80", hosts=hosts)))


def costs(context: Context, network: str, batch: int, counted: str, gpus: int,
          keyed: bool = False) -> PlanCosts:
    """On the flat network of the published code."""
    flat = FlatNetwork(DEFAULTS.bandwidth, DEFAULTS.latency)
    return build_costs(profile(context, network), flat, batch, gpus, keyed=keyed,
                       sync="code" if counted == "code" else "parameters")


def planned(context: Context, network: str, batch: int, counted: str, gpus: int, column: str,
            keyed: bool = False) -> Plan:
    found = costs(context, network, batch, counted, gpus, keyed)
    if column == "dp":
        return fixed_plan(found, -1)
    return plan_layers(found, LIMITS[column])


def metrics(context: Context, model: str, hosts: int = 1, **settings: Any) -> Mapping[str, float]:
    """Every metric of a replay with 4 samples a GPU."""
    shares: dict[str, Any] = {
        "bg_idle_share": context.parameter("bg_idle_share", DEFAULTS.bg_idle_share, 0.8, 1.0),
        "bg_busy_share": context.parameter("bg_busy_share", DEFAULTS.bg_busy_share, 0.2, 0.4),
        "fg_slowdown": context.parameter("fg_slowdown", DEFAULTS.fg_slowdown, 1.05, 1.1)}

    def simulate() -> Mapping[str, float]:
        context.progress(f"{model} on {8 * hosts} GPUs {settings.get('sharing', '')}".strip())
        return run.replay("deeppool", machine(context, hosts), profile(context, model),
                          global_batch=32 * hosts, background_batch=8, timeline_spans=0,
                          **shares, **settings).metrics

    key = ("metrics", model, hosts, *shares.values(), *settings.items())
    return context.once(key, simulate)


def gain(network: str, hosts: int) -> Measure:
    """The system over data parallel alone."""
    return lambda context: (
        metrics(context, network, hosts)["cluster_throughput_gpus"]
        / metrics(context, network, hosts, variant="data_parallel")["cluster_throughput_gpus"])


def plan_time(key: str, row: tuple[str, int, str, int], column: str) -> Measure:
    return lambda context: planned(context, *row, column, keyed=key == "dpl-5").time


def plan_rows() -> dict[str, Measure]:
    return {f"{key}/{row[0]}-{row[1]}-{row[2]}-{row[3]}-{column}": plan_time(key, row, column)
            for key, rows in PLANS.items() for row in rows for column in ("dp", *LIMITS)}


def whole(network: str, batch: int) -> Measure:
    return lambda context: step_time(profile(context, network), batch)


def layer(name: str, batch: int) -> Measure:
    network, at = LAYERS[name]
    return lambda context: float(profile(context, network).column(batch)[at])


def profile_rows() -> dict[str, Measure]:
    found = {f"dpl-6/{network}-{batch}": whole(network, batch)
             for network in NETWORKS for batch in BATCHES}
    return found | {f"dpl-6/{name}-{batch}": layer(name, batch)
                    for name in LAYERS for batch in BATCHES}


def jobs_throughput(context: Context, variant: str) -> float:
    """GPUs' worth of work, until the last arrival, of the packaged job trace."""
    context.progress(f"jobs, {variant}")
    return run.replay("deeppool", machine(context, 4), sample("jobs_mixed"), variant=variant
                      ).metrics["cluster_throughput_loaded_gpus"]


def own_h100(piece_time: str) -> Measure:
    """Slowdown of VGG-16 by our device model on a DGX H100."""
    def measure(context: Context) -> float:
        made = profile_of(network("vgg16"), catalog.gpu("h100-sxm"))
        return run.replay("deeppool", "dgx-h100", made, background_batch=8, timeline_spans=0,
                          piece_time=piece_time).metrics["fg_slowdown"]
    return measure


def slowdown(network: str, sharing: str) -> Measure:
    return lambda context: metrics(context, network, sharing=sharing)["fg_slowdown"]


def over_data_parallel(network: str, limit: float) -> Measure:
    def ratio(context: Context) -> float:
        found = costs(context, network, 16, "code", 8)
        return plan_layers(found, limit).time / fixed_plan(found, -1).time
    return ratio


SIMULATIONS: Mapping[str, Measure] = {
    "dpl-1/flat": lambda context: metrics(
        context, "vgg", variant="data_parallel", network="flat")["iteration_s"],
    "dpl-1/fabric": lambda context: metrics(context, "vgg", variant="data_parallel")["iteration_s"],
    **{f"dpl-2/{network}-{8 * hosts}": gain(network, hosts)
       for hosts in (1, 8, 32) for network in NETWORKS},
    "dpl-2/jobs-32": lambda context: (jobs_throughput(context, "burst_parallel")
                                      / jobs_throughput(context, "data_parallel")),
    "dpl-3": gain("vgg", 1),
    **plan_rows(), **profile_rows(),
    **{f"dpl-7/{network}-{sharing}": slowdown(network, sharing)
       for network in NETWORKS for sharing in ("stand-in", "h100")},
    **{f"dpl-7/vgg-dgx-h100-{time}": own_h100(time) for time in ("500us", "200us")},
    "dpl-8/vgg": over_data_parallel("vgg", math.inf),
    "dpl-8/vgg-tail": lambda context: float(
        planned(context, "vgg", 16, "code", 8, "a5").gpus[-5:].max()),
    "dpl-8/wrn": over_data_parallel("wrn", 99.0),
    "dpl-10": lambda context: metrics(context, "vgg")["bg_speedup"] / 8,
}
