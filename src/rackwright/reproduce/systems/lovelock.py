"""Lovelock-style clusters: closed forms, and simulations against them.

Only the abstract of the paper could be read: every set-up here is ours. lov-9 has no simulation:
nothing was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rackwright.devices import catalog
from rackwright.models.lovelock.closed import by_query
from rackwright.models.lovelock.formulas import (
    Fractions,
    cost_advantage,
    energy_advantage,
    slowdown,
)
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.sweep import Point, pod, sweep
from rackwright.models.lovelock.workload import clusters_of, prepare, prepare_side, replay
from rackwright.reproduce.context import Context
from rackwright.traces import Operator, QueryTrace, generate_queries, tpch_templates

__all__ = ["SIMULATIONS", "worked_trace"]

Simulation = Callable[[Context], float]

WORKED = Fractions(0.4, 0.3, 0.2, 0.1)
SERVERS = 4
SHAPE: dict[str, Any] = {"compute": SERVERS, "storage": 6, "accelerators": 1, "gpus": 6}


def worked_trace(options: LovelockOptions) -> QueryTrace:
    """One stage that takes 1 s on the servers: 0.4 s of memory-bound processing, 0.3 s of
    exchange, 0.2 s of reads, 0.1 s of accelerators."""
    fabric = pod(options.phi, **SHAPE)
    _, plain, _ = clusters_of(fabric, options)
    probe = QueryTrace.of([("probe", 0.0, [Operator(0, "probe", "scan", 0, 0, 1, 0, 0.0)])],
                          "probe", "")
    side = prepare_side(plain, probe, options, plain)
    unit = side.traffic.unit_time
    memory = plain.node.memory_bandwidth * len(plain.workers)
    rows = [Operator(0, "scan", "scan", 0, 0, round(WORKED.cpu * memory), 0, 0.0),
            Operator(0, "exchange", "shuffle", 0, 0, 0, round(WORKED.shuffle / unit[0]), 0.0),
            Operator(0, "read", "io", 0, 0, round(WORKED.io / unit[1]), 0, 0.0),
            Operator(0, "step", "accel", 0, 0, 0, 0, WORKED.accel * len(plain.gpus))]
    return QueryTrace.of([("worked", 0.0, rows)], "worked", "the worked shares")


def _worked(phi: int) -> Callable[[Context], tuple[float, float]]:
    """Slowdown simulated, and by the closed form of the same operators."""
    def found(context: Context) -> tuple[float, float]:
        def simulate() -> tuple[float, float]:
            context.progress(f"worked shares, phi {phi}")
            options = LovelockOptions.checked({
                "phi": phi, "memory": "datasheet", "split_traffic": False})
            values = replay(pod(phi, **SHAPE), worked_trace(options), options).metrics
            return values["slowdown"], values["slowdown_formula"]

        return context.once(("worked", phi), simulate)

    return found


def _against_formula(phi: int) -> Simulation:
    def ratio(context: Context) -> float:
        simulated, formula = _worked(phi)(context)
        return simulated / formula

    return ratio


def _against_worked(phi: int) -> Simulation:
    return lambda context: _worked(phi)(context)[0] / slowdown(WORKED, 2.0, 0.5, phi)


def _points(network: str) -> Callable[[Context], tuple[Point, ...]]:
    def found(context: Context) -> tuple[Point, ...]:
        def simulate() -> tuple[Point, ...]:
            context.progress(f"sweep of phi and NICs, servers on {network}")
            trace = generate_queries(2.0, 40, scale=100.0, seed=context.seed)
            return sweep(trace, server_network=network)

        return context.once(("points", network), simulate)

    return found


def _winning(network: str) -> Simulation:
    return lambda context: float(sum(point.wins for point in _points(network)(context)))


def _banded(context: Context) -> float:
    points = _points("ethernet-100g")(context)
    return sum(point.cost[0] < point.cost[1] and point.energy[0] < point.energy[1]
               for point in points) / len(points)


def _shares(context: Context) -> list[Fractions]:
    def simulate() -> list[Fractions]:
        options = LovelockOptions()
        made = prepare(pod(2), tpch_templates(), options)
        return [row[1] for row in by_query(made, made.chosen)]

    return context.once("shares", simulate)


def _largest_gap(context: Context) -> float:
    return max(abs(each.cpu + each.shuffle + each.io + each.accel - 1)
               for each in _shares(context))


def _mean_cpu(context: Context) -> float:
    shares = _shares(context)
    return sum(each.cpu for each in shares) / len(shares)


def _memory_ratio(name: str) -> Simulation:
    return lambda context: (catalog.cpu("epyc-7763").memory_bandwidth
                            / catalog.smart_nic(name).memory_bandwidth)


def _constant(value: float) -> Simulation:
    return lambda context: value


def _worked_values() -> dict[str, Simulation]:
    found: dict[str, Simulation] = {}
    for phi in (1, 2, 3):
        mu = slowdown(WORKED, 2.0, 0.5, phi)
        values = {"mu": mu, "cost": cost_advantage(7, phi),
                  "cost with devices": cost_advantage(7, phi, 7),
                  "energy": energy_advantage(8, phi, mu)}
        for name, value in values.items():
            found[f"lov-5/{name} phi {phi}"] = _constant(value)
    return found


SIMULATIONS: Mapping[str, Simulation] = {
    "lov-1/default": _winning("ethernet-100g"),
    "lov-1/equal lines": _winning("ethernet-200g"),
    "lov-2": lambda context: cost_advantage(7, 7),
    "lov-3/cost": lambda context: cost_advantage(7, 3, 1e12),
    "lov-3/energy": lambda context: energy_advantage(8, 3, 1.15, 1e12) * 1.15,
    **{f"lov-4/{name}": _memory_ratio(name) for name in ("e2000", "e2200", "bluefield-3")},
    **_worked_values(),
    **{f"lov-6/phi {phi}": _against_formula(phi) for phi in (1, 2, 3)},
    **{f"lov-6/worked phi {phi}": _against_worked(phi) for phi in (1, 2, 3)},
    "lov-7/sum": _largest_gap,
    "lov-7/cpu": _mean_cpu,
    "lov-8": _banded,
}
