"""From the tables of a finished (or interrupted) replay to an `Outcome`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import Kernel
from rackwright.models.dispersedledger.costs import costs_of
from rackwright.models.dispersedledger.limits import limit_of
from rackwright.models.dispersedledger.loop import advance_messages
from rackwright.models.dispersedledger.measures import (
    Times,
    epoch_times,
    goodput,
    latency,
    shares_of,
)
from rackwright.models.dispersedledger.messages import byzantine_sites
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.parameters import parameters
from rackwright.models.dispersedledger.recursion import run_recursion
from rackwright.models.dispersedledger.tables import Tables, Ticks
from rackwright.models.dispersedledger.ticks import run_ticks
from rackwright.models.outcome import Outcome, Series
from rackwright.topologies.fabric import Fabric

if TYPE_CHECKING:
    from rackwright.models.dispersedledger.workload import Prepared

__all__ = ["outcome", "weighted_quantile"]

Floats = npt.NDArray[np.float64]


def outcome(fabric: Fabric, options: DispersedLedgerOptions, made: Prepared, tables: Tables,
            moving: Ticks, seconds: float) -> Outcome:
    """What a replay found out."""
    rules, placed = made.rules, made.placed
    metrics, undefined = dict[str, float](), dict[str, str]()
    share, delivered = shares_of(rules, tables, options)
    rates = goodput(moving, seconds, delivered)
    times = epoch_times(tables, seconds)
    wrong = byzantine_sites(options, rules.nodes)
    _rates(metrics, undefined, np.delete(rates, wrong), moving, seconds)
    metrics["commit_share"] = share
    retrieved = float(moving.total[5].sum())
    if retrieved > 0:
        metrics["retrieval_overshoot"] = float(moving.total[2].sum()) / retrieved
    else:
        undefined["retrieval_overshoot"] = "no block was retrieved"
    _epochs(metrics, undefined, tables, moving, times, seconds)
    _latencies(metrics, undefined, options, made, tables, seconds)
    _work(metrics, options, made, moving, seconds)
    links = _links(fabric, made, moving, seconds)
    used = dict(zip(placed.sites, (float(links[fabric.link_names[link]])
                                   for link in placed.down_links), strict=True))
    kernel: Kernel[Any, Any] = run_ticks if options.method == "ticks" else \
        run_recursion if options.method == "recursion" else advance_messages
    return Outcome(
        metrics=metrics, undefined=undefined, complete=seconds >= made.duration,
        bottleneck=limit_of(links, times, rules.load), device_utilisation=used,
        link_utilisation=links, breakdown=_breakdown(times), parts=dict(fabric.parts),
        parameters=parameters(options, rules), notes=_notes(options, made, metrics),
        kernels={kernel.name: kernel.source_hash},
        series={"goodput_bytes_per_s": Series("site", tuple(float(at) for at in range(rules.nodes)),
                                              tuple(rates.tolist()))})


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """The smallest value at or below which `share` of the weight lies."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, share * total[-1])])


def _rates(metrics: dict[str, float], undefined: dict[str, str], rates: Floats, moving: Ticks,
           seconds: float) -> None:
    metrics["throughput_bytes_per_s"] = float(rates.mean())
    metrics["throughput_least_bytes_per_s"] = float(rates.min())
    metrics["throughput_most_bytes_per_s"] = float(rates.max())
    metrics["download_bytes_per_s"] = float((moving.total[0] + moving.total[2]).mean() / seconds)
    both = float(moving.total[0].sum() + moving.total[2].sum())
    if both > 0:
        metrics["dispersal_share"] = float(moving.total[0].sum()) / both
    else:
        undefined["dispersal_share"] = "nothing was sent"


def _epochs(metrics: dict[str, float], undefined: dict[str, str], tables: Tables, moving: Ticks,
            times: Times | None, seconds: float) -> None:
    dispersed = float((tables.ready <= seconds).all(axis=1).sum())
    metrics["epochs_dispersed"] = dispersed
    metrics["epochs_output"] = float((tables.output <= seconds).all(axis=1).sum())
    if dispersed:
        metrics["epoch_time_s"] = seconds / dispersed
    else:
        undefined["epoch_time_s"] = "no epoch was dispersed everywhere"
    names = ("disperse_time_s", "retrieve_time_s")
    for name, value in zip(names, (times.disperse, times.retrieve) if times else (0.0, 0.0),
                           strict=True):
        if times:
            metrics[name] = value
        else:
            undefined[name] = "no epoch was output"


def _latencies(metrics: dict[str, float], undefined: dict[str, str],
               options: DispersedLedgerOptions, made: Prepared, tables: Tables, seconds: float
               ) -> None:
    found, weight = latency(made.rules, tables, seconds)
    for name, share in (("latency_p50_s", 0.5), ("latency_p95_s", 0.95)):
        if options.load and len(found):
            metrics[name] = weighted_quantile(found, weight[0], share)
        else:
            undefined[name] = "no transactions were offered (load)" if not options.load else \
                "none was output after the warm-up"


def _work(metrics: dict[str, float], options: DispersedLedgerOptions, made: Prepared,
          moving: Ticks, seconds: float) -> None:
    """Cores that coding, hashing and votes take at the pace at which epochs were retrieved."""
    nodes = made.rules.nodes
    pace = float(moving.fetch.mean()) / seconds
    work = costs_of(options, nodes, made.rules.block)
    metrics |= {"encode_cores": work.encode_time * pace, "hash_cores": work.hash_time * pace,
                "vote_cores": work.vote_time * pace, "host_cores": work.host_time * pace,
                "critical_work_s": work.critical_time}


def _links(fabric: Fabric, made: Prepared, moving: Ticks, seconds: float) -> dict[str, float]:
    """Busy shares of the sites' access links, of what the trace leaves of them."""
    steps = max(int(np.ceil(seconds / made.rules.step)), 1)
    rows = np.arange(steps) % len(made.placed.up)
    found = {}
    for links, rate, column in ((made.placed.down_links, made.placed.down, 0),
                                (made.placed.up_links, made.placed.up, 1)):
        could = rate[rows].mean(axis=0) * seconds
        moved = moving.total[column] + moving.total[column + 2]
        for link, share in zip(links, np.minimum(moved / np.maximum(could, 1.0), 1.0).tolist(),
                               strict=True):
            found[fabric.link_names[link]] = share
    return found


def _breakdown(times: Times | None) -> dict[str, float]:
    total = sum(times) if times else 0.0
    if not times or total <= 0:
        return {}
    return {"queue": times.queue / total, "disperse and agree": times.disperse / total,
            "retrieve": times.retrieve / total}


def _notes(options: DispersedLedgerOptions, made: Prepared, metrics: dict[str, float]
           ) -> tuple[str, ...]:
    notes = ["published runs leave hashing out and so does this one; host_work=true counts it"] \
        if not options.host_work else []
    if not made.placed.matched:
        notes.append("the trace names other sites: its columns are dealt out in order")
    if options.byzantine != "none":
        wrong = byzantine_sites(options, made.rules.nodes)
        notes.append(f"throughput is that of the correct sites; {options.byzantine}: "
                     + ", ".join(made.placed.sites[site] for site in wrong))
    if options.method == "messages":
        notes.append("messages: overshoot and what hb commits are outcomes; retrieval_overshoot "
                     "and commit_rule have no effect")
    elif options.variant == "hb" and options.commit_rule == "n_minus_f":
        notes.append("hb delivers N - f of N blocks of an epoch: a rule, not an outcome")
    offered = made.rules.load * made.rules.nodes
    if offered and metrics["throughput_bytes_per_s"] < 0.9 * offered:
        notes.append("overloaded: transactions arrive faster than they are output, so latencies "
                     "grow with the duration")
    if options.method == "recursion":
        notes.append("recursion: ports out and what sites do to one another are left out")
    return tuple(notes)
