"""CURP: what simulates the rows of its targets.toml.

Latency rows are one client on uniform writes, throughput rows 30 clients, skew rows YCSB A and B
over a million keys with 10 clients, as the paper's set-up has them; the operations of a run are
fewer than the paper's million, since nothing but keys is random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from rackwright import run, topologies
from rackwright.hdl.witness_table import records_before_conflict
from rackwright.models.curp import MODEL
from rackwright.models.curp.costs import ENTRIES, costs
from rackwright.models.curp.formulas import reuse_chance, witness_bytes
from rackwright.models.curp.options import CurpOptions
from rackwright.reproduce.context import Context
from rackwright.topologies.fabric import Fabric
from rackwright.traces import OperationTrace, generate_operations

__all__ = ["SIMULATIONS"]

Measure = Callable[[Context], float]
REDIS = "star:hosts=8,link=ethernet-10g-dac"
THETAS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
REUSE = {"0.5": 0.5, "0.8": 0.8, "0.85": 0.85, "0.9": 0.9, "0.95": 0.95, "0.99": 0.99}
WINDOW = 100            # operations, of curp-15
THREADS = 8             # of a server: a dispatch thread and the set-up's seven others
RATES = {"a": 250_000.0, "b": 700_000.0}
TRIALS = 6000
MIDDLE = 15             # clients: the middle of the published 1 to 30; curp-12 states none


def fabric(context: Context, name: str) -> Fabric:
    return context.once(("fabric", name), lambda: topologies.compile(topologies.preset(name)))


def trace(context: Context, workload: str, operations: int, theta: float) -> OperationTrace:
    return context.once(("trace", workload, operations, theta), lambda: generate_operations(
        workload, operations, theta=theta, seed=context.seed))


def metrics(context: Context, workload: str, theta: float, operations: int, variant: str,
            **options: Any) -> Mapping[str, float]:
    """Every metric of a replay."""
    machine = REDIS if options.get("preset") == "redis" else MODEL.sample_topology
    share = context.parameter("rpc_fixed_share", 0.2, 0.1, 0.3)
    workers = context.parameter("workers", 3, 2, 4)

    def simulate() -> Mapping[str, float]:
        context.progress(f"{variant}, YCSB {workload}, Zipf {theta} {options or ''}".strip())
        return run.replay("curp", fabric(context, machine),
                          trace(context, workload, operations, theta), variant=variant,
                          rpc_fixed_share=share, workers=workers, timeline_spans=0,
                          **options).metrics

    key = ("metrics", workload, theta, operations, variant, share, workers, *options.items())
    return context.once(key, simulate)


def latency(context: Context, variant: str, replicas: int = 3, **options: Any) -> float:
    """Median of an update, one client."""
    return metrics(context, "writes", 0.0, 5000, variant, replicas=replicas, clients=1,
                   **options)["latency_write_p50_s"]


def throughput(context: Context, variant: str, replicas: int = 3, clients: int = 30,
               **options: Any) -> float:
    """Updates/s of a closed loop."""
    return metrics(context, "writes", 0.0, 100_000, variant, replicas=replicas, clients=clients,
                   **options)["throughput_steady_ops_per_s"]


def a_replica_costs(context: Context) -> float:
    return (latency(context, "curp", 3) - latency(context, "curp", 1)) / 2


def a_replica_slows(context: Context) -> float:
    """Change of the throughput with one more replica, the mean of three."""
    rates = [throughput(context, "unreplicated"), *(throughput(context, "curp", replicas)
                                                    for replicas in (1, 2, 3))]
    return float(np.mean([after / before - 1 for before, after in pairwise(rates)]))


def ratio(context: Context, variant: str, other: str) -> float:
    return throughput(context, variant) / throughput(context, other)


def legend(context: Context) -> float:
    """The smallest lead in the order of the legend."""
    rates = [throughput(context, "unreplicated"), throughput(context, "curp", 1),
             throughput(context, "asynchronous"), throughput(context, "curp", 2),
             throughput(context, "curp", 3), throughput(context, "original")]
    return min(before / after for before, after in pairwise(rates))


def witness_rate(context: Context) -> float:
    """Records/s of a witness in software with a gc after every 50."""
    service = costs(CurpOptions()).record_time
    return ENTRIES / (ENTRIES + 1) / service


def copies(context: Context) -> float:
    """Copies of an update over the original's."""
    return (metrics(context, "writes", 0.0, 5000, "curp", replicas=3, clients=1)
            ["copies_per_update"]
            / metrics(context, "writes", 0.0, 5000, "original", replicas=3, clients=1)
            ["copies_per_update"])


def master_rpcs(context: Context, variant: str, **options: Any) -> float:
    """RPCs of the master for an update: its own, and writes to backups."""
    return 1 + metrics(context, "writes", 0.0, 5000, variant, replicas=3, clients=1,
                       **options)["backup_rpcs_per_update"]


def natural(context: Context) -> float:
    """Updates in a sync that starts whenever it can."""
    return metrics(context, "writes", 0.0, 100_000, "curp", replicas=3, clients=MIDDLE,
                   batch=1)["sync_batch_mean"]


def natural_gain(context: Context) -> float:
    return (throughput(context, "curp", clients=MIDDLE, batch=1)
            / throughput(context, "original", clients=MIDDLE))


def overflow(context: Context, slots: int, ways: int) -> float:
    """Records before the first set overflows."""
    return context.once(("overflow", slots, ways), lambda: records_before_conflict(
        slots // ways, ways, trials=TRIALS, seed=context.seed))


def reused(context: Context, theta: float) -> float:
    """Chance that a key is among the last WINDOW ones, keys drawn exactly by Zipf's law."""
    return context.once(("reused", theta), lambda: reuse_chance(theta, WINDOW))


def reuse(context: Context, theta: float) -> float:
    """Share of operations whose key is among the last WINDOW ones, keys drawn as YCSB does."""
    def simulate() -> float:
        keys = trace(context, "writes", 1_000_000, theta).key
        order = np.argsort(keys, kind="stable")
        same = keys[order][1:] == keys[order][:-1]
        return float(np.count_nonzero(same & (np.diff(order) <= WINDOW)) / len(keys))

    return context.once(("reuse", theta), simulate)


def skewed(context: Context, workload: str, theta: float, variant: str) -> float:
    """Operations/s of ten clients."""
    return metrics(context, workload, theta, 60_000, variant,
                   clients=10)["throughput_steady_ops_per_s"]


def knee(context: Context) -> float:
    """The skew at which a tenth of the fall between 0.5 and 0.99 has happened."""
    rates = [skewed(context, "a", theta, "curp") for theta in THETAS]
    wanted = rates[0] - 0.1 * (rates[0] - rates[-1])
    return float(np.interp(-wanted, [-rate for rate in np.minimum.accumulate(rates)], THETAS))


def gain(context: Context, workload: str, theta: float, other: str = "original") -> float:
    return skewed(context, workload, theta, "curp") / skewed(context, workload, theta, other)


def fall(context: Context, workload: str) -> float:
    return 1 - skewed(context, workload, 0.99, "curp") / skewed(context, workload, 0.5, "curp")


def falls(context: Context) -> float:
    """How much less B falls than A."""
    return fall(context, "b") / fall(context, "a")


def paced(context: Context, workload: str, theta: float, variant: str, name: str) -> float:
    """A latency of ten clients that start operations at the paper's rate."""
    return metrics(context, workload, theta, 60_000, variant, clients=10, load="paced",
                   rate=RATES[workload])[name]


def against(context: Context, workload: str, theta: float, name: str,
            other: str = "original") -> float:
    return (paced(context, workload, theta, "curp", name)
            / paced(context, workload, theta, other, name))


def mean_change(context: Context) -> float:
    return against(context, "a", 0.99, "latency_mean_s") - 1


def writes_gain(context: Context, workload: str) -> float:
    return 1 / against(context, workload, 0.95, "latency_write_p50_s")


def rises(context: Context) -> float:
    return (paced(context, "a", 0.99, "curp", "latency_mean_s")
            / paced(context, "a", 0.85, "curp", "latency_mean_s"))


def redis(context: Context, witnesses: int) -> float:
    """Median SET; 0 witnesses: not durable."""
    variant = "curp" if witnesses else "unreplicated"
    return latency(context, variant, max(witnesses, 1), preset="redis", batch=40)


def redis_more(context: Context, witnesses: int) -> float:
    return redis(context, witnesses) - redis(context, 0)


def redis_slows(context: Context) -> float:
    with_one = throughput(context, "curp", 1, preset="redis", batch=40)
    return with_one / throughput(context, "unreplicated", 1, preset="redis") - 1


def witness_cpu(context: Context) -> float:
    """Share of a server that a witness takes while its master is saturated."""
    busy = throughput(context, "curp") / witness_rate(context)
    return busy / THREADS


def trips(context: Context) -> float:
    """Mean round trips of an update without conflicts."""
    fast = metrics(context, "writes", 0.0, 5000, "curp", replicas=3, clients=1)["fast_path_share"]
    return fast + 2 * (1 - fast)


SIMULATIONS: dict[str, Measure] = {
    "curp-1": partial(latency, variant="unreplicated"),
    "curp-2": partial(latency, variant="original"),
    "curp-3": a_replica_costs,
    "curp-4/f3": partial(latency, variant="curp"),
    "curp-4/f1": partial(latency, variant="curp", replicas=1),
    "curp-4/f2": partial(latency, variant="curp", replicas=2),
    "curp-5": partial(throughput, variant="curp"),
    "curp-6": a_replica_slows,
    "curp-7": lambda context: ratio(context, "curp", "asynchronous") - 1,
    "curp-8": partial(ratio, variant="curp", other="original"),
    "curp-9": legend,
    "curp-10": witness_rate,
    "curp-11/copies": copies,
    "curp-11/rpcs": partial(master_rpcs, variant="curp", batch=10),
    "curp-11/rpcs-unbatched": partial(master_rpcs, variant="original"),
    "curp-12/batch": natural,
    "curp-12/gain": natural_gain,
    "curp-13": partial(overflow, slots=4096, ways=1),
    **{f"curp-14/{slots}x{ways}": partial(overflow, slots=slots, ways=ways)
       for slots in (512, 1024, 2048, 4096) for ways in (1, 2, 4, 8)},
    **{f"curp-15/{name}": partial(reused, theta=theta) for name, theta in REUSE.items()},
    "curp-15/paper-0.8": partial(reuse, theta=0.8),
    "curp-15/paper-0.95": partial(reuse, theta=0.95),
    "curp-16/low-skew": partial(gain, workload="a", theta=0.5, other="unreplicated"),
    "curp-16/knee": knee,
    "curp-16/gain": partial(gain, workload="a", theta=0.99),
    "curp-16/b": falls,
    "curp-17/mean": mean_change,
    "curp-17/rises": rises,
    "curp-18/writes-a": partial(writes_gain, workload="a"),
    "curp-18/writes-b": partial(writes_gain, workload="b"),
    "curp-18/median-a": partial(against, workload="a", theta=0.95, name="latency_write_p50_s",
                                other="unreplicated"),
    "curp-18/reads-a": partial(against, workload="a", theta=0.95, name="latency_read_p99_s"),
    "curp-18/reads-b": partial(against, workload="b", theta=0.95, name="latency_read_p99_s"),
    "curp-19/base": partial(redis, witnesses=0),
    "curp-19/one-witness": partial(redis_more, witnesses=1),
    "curp-20": redis_slows,
    "curp-21/cpu": witness_cpu,
    "curp-21/memory": lambda context: float(witness_bytes()),
    "curp-22": trips,
    "curp-23": partial(redis_more, witnesses=2),
}
