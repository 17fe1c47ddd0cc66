"""Metrics against the servers: closed forms, slowdown, cost and energy advantages.

Slowdown is the ratio of mean latencies, so it contains what queries wait for one another on either
cluster; energy is of the whole replay, idle times included. A figure without value (a device
without a price, servers not replayed) is left out with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.models.lovelock.closed import closed_form
from rackwright.models.lovelock.money import Bill, bill_of, energy_of, relative
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.state import LovelockState
from rackwright.models.lovelock.used import link_bytes, served
from rackwright.models.query_metrics import busy_shares, latencies

if TYPE_CHECKING:
    from rackwright.models.lovelock.workload import Prepared, Side

__all__ = ["against_servers", "closed_forms"]

Floats = npt.NDArray[np.float64]
_PS = 1e-12


def closed_forms(metrics: dict[str, float], undefined: dict[str, str], made: Prepared, side: Side,
            options: LovelockOptions) -> None:
    """The closed forms beside the replay, of operators alone."""
    phi = 1 if side.cluster.kind == "server_nic" else options.phi
    form = closed_form(made, side, phi)
    names = ("phi_break_even", "phi_sum", "slowdown_formula", "slowdown_alone")
    if form is None or side.cluster.kind == "servers":
        why = "the operators take no time" if form is None else "these are the servers themselves"
        undefined |= dict.fromkeys(names, why)
    else:
        alone = float(side.work.alone_time.sum()), float(made.reference.work.alone_time.sum())
        metrics |= {"phi_break_even": form.break_even, "phi_sum": form.phi_sum,
                    "slowdown_formula": form.slowdown, "slowdown_alone": alone[0] / alone[1],
                    "ratio_r": form.ratio, "ratio_r_memory": form.memory_ratio,
                    "ratio_r_cores": form.core_ratio, "ratio_b": form.line}
    if form is not None:
        parts = form.fractions
        metrics |= {"server_share_cpu": parts.cpu, "server_share_shuffle": parts.shuffle,
                    "server_share_io": parts.io, "server_share_accel": parts.accel}


def against_servers(metrics: dict[str, float], undefined: dict[str, str], made: Prepared,
             options: LovelockOptions, state: LovelockState, reference: LovelockState | None,
             seconds: float) -> None:
    """Cost, energy, and what is lost and gained against the servers."""
    names = ("slowdown", "slowdown_p99", "cost_advantage", "energy_advantage")
    bills = _bills(made, options)
    if isinstance(bills, str):
        undefined |= {name: bills for name in ("cost_usd", "energy_j", *names[2:])}
    else:
        _cost(metrics, undefined, *bills)
        metrics["energy_j"] = _energy(made.chosen, state, bills[0], seconds)
        if made.chosen.cluster.kind == "headless":
            metrics |= relative(bills[1], bills[0])
    if reference is None:
        why = "the servers were not replayed (reference=false)"
        undefined |= {name: undefined.get(name, why) for name in ("slowdown", "slowdown_p99",
                                                                  "energy_advantage")}
        return
    here, there = latencies(state.queries), latencies(reference.queries)
    if there.sum() > 0 and len(here) == len(there):
        metrics["slowdown"] = float(here.sum() / there.sum())
        each = here[there > 0] / there[there > 0]
        metrics["slowdown_p99"] = float(np.quantile(each, 0.99, method="inverted_cdf"))
    else:
        undefined |= dict.fromkeys(names[:2], "no query took any time on the servers")
    if not isinstance(bills, str):
        span = (int(reference.control.now_ps[0]) - int(reference.queries.arrival_ps[0])) * _PS
        before = _energy(made.reference, reference, bills[1], span)
        if metrics["energy_j"] > 0:
            metrics["energy_advantage"] = before / metrics["energy_j"]
        else:
            undefined["energy_advantage"] = "nothing took any time"


def _bills(made: Prepared, options: LovelockOptions) -> tuple[Bill, Bill] | str:
    """Of the chosen cluster and of the servers, or why there are none."""
    try:
        return (bill_of(made.chosen.cluster, options), bill_of(made.reference.cluster, options))
    except UsageError as problem:
        return str(problem)


def _cost(metrics: dict[str, float], undefined: dict[str, str], mine: Bill, theirs: Bill) -> None:
    if mine.usd is None or theirs.usd is None:
        why = f"the catalog has no price of {mine.unpriced}; give accelerator_price"
        undefined |= dict.fromkeys(("cost_usd", "cost_advantage"), why)
    else:
        metrics |= {"cost_usd": mine.usd, "cost_advantage": theirs.usd / mine.usd}


def _energy(side: Side, state: LovelockState, bill: Bill, seconds: float) -> float:
    work, ended = side.work, served(side, state)
    cores = side.cluster.node.cores * len(side.cluster.workers)
    cluster, names = side.cluster, side.traffic.links
    busy = busy_shares(link_bytes(side, state) / side.traffic.bandwidth, seconds)
    tails = cluster.fabric.link_tails
    lines = [float(busy[at]) for at in range(len(tails))
             if cluster.fabric.host_of(cluster.fabric.nodes[int(tails[at])]) is not None
             and cluster.fabric.host_of(cluster.fabric.nodes[
                 int(cluster.fabric.link_heads[at])]) is None]
    accelerated = ended & (work.station == 1)
    share = float(busy_shares(work.service_time[accelerated].sum(), seconds))
    assert len(names) == len(busy)
    return energy_of(bill, seconds, float(work.core_time[ended].sum()) * cores,
                     float(np.mean(lines)) if lines else 0.0, share)
