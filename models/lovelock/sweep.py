"""Sweeps: phi and the NIC against the servers, and which assumption moves the answer.

`sweep` builds a pod for every phi and NIC (phi times the nodes of each role, with the same drives
and accelerators in all) and replays the trace on it and on the servers that it replaces. Advantages
come as **bands**: with the catalog's prices and powers, and with the ends of what our sheet lets
c_s (server's price over a NIC's, 3 to 10), p_s (power, 3 to 12) and c_port (0 to 0.3) be. A band
of energy is the closed form's, of jobs back to back (so it takes the slowdown of operators alone);
the catalog's figure is of the whole trace, idle times included, which are most of a quiet day.
`tornado` changes one assumption at a time at a fixed pod.

Units: 1 for ratios. Leaves out: assumptions changed together (use a study).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rackwright.errors import UsageError
from rackwright.models.lovelock.closed import by_query
from rackwright.models.lovelock.formulas import Fractions, cost_advantage, energy_advantage
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.workload import prepare, replay
from rackwright.models.outcome import Outcome
from rackwright.topologies import compile as compile_graph
from rackwright.topologies import lovelock as pod_graph
from rackwright.topologies.fabric import Fabric
from rackwright.traces.queries import QueryTrace

__all__ = ["COST_BAND", "NICS", "PHIS", "POWER_BAND", "Point", "QueryRow", "Swing",
           "per_query", "pod", "sweep", "tornado"]

PHIS = (1, 2, 3, 4, 6)
NICS = ("e2000", "e2200", "bluefield-3")
COST_BAND = (3.0, 10.0)      # c_s, the sheet's sweep
POWER_BAND = (3.0, 12.0)     # p_s
PORT_BAND = (0.0, 0.3)       # c_port
_CABLES = {200e9: "ethernet-200g", 400e9: "ethernet-400g"}


@dataclass(frozen=True)
class Point:
    """One pod against the servers that it replaces.

    `slowdown`: mean latency, with what queries wait for one another; `slowdown_alone`: without.
    `cost`, `energy`: lowest and highest advantage in the bands; `cost_catalog`,
    `energy_catalog`: with the catalog's figures, None where a price is missing.
    """

    nic: str
    phi: int
    slowdown: float
    slowdown_alone: float
    cost: tuple[float, float]
    cost_catalog: float | None
    energy: tuple[float, float]
    energy_catalog: float | None
    break_even: float
    limit: str
    split_share: float       # of the exchanged bytes

    @property
    def wins(self) -> bool:
        """Not slower, and cheaper and thriftier all over the bands."""
        return self.slowdown <= 1 and self.cost[0] > 1 and self.energy[0] > 1


@dataclass(frozen=True)
class Swing:
    """What the two ends of one assumption make of a metric."""

    name: str
    low: str
    high: str
    metric: str
    at_low: float
    at_high: float
    base: float

    @property
    def size(self) -> float:
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True)
class QueryRow:
    """A template: fractions of the servers' time, slowdown and phi*, the same with blocks."""

    template: str
    fractions: Fractions
    slowdown: float
    break_even: float
    slowdown_blocks: float
    break_even_blocks: float


def pod(phi: int, nic: str = "e2000", compute: int = 4, storage: int = 4, accelerators: int = 0,
        drives: int = 12, gpus: int = 4, gpu: str = "a100-sxm-80") -> Fabric:
    """The pod of phi NICs for each of `compute`, `storage` and `accelerators` servers, whose
    `drives` and `gpus` are spread over them. Raises UsageError when phi does not divide these."""
    from rackwright.devices import catalog

    for what, number, used in (("drives", drives, storage), ("gpus", gpus, accelerators)):
        if used and number % phi:
            raise UsageError(f"{what} = {number} of a server cannot be spread over phi = {phi} "
                             "NICs; take a phi that divides it")
    rate = catalog.smart_nic(nic).rate_bps
    graph = pod_graph(accelerators=phi * accelerators, storage=phi * storage,
                      compute=phi * compute, drives=drives // phi if storage else 0,
                      gpus=gpus // phi if accelerators else 0, nic=nic, gpu=gpu,
                      network=_CABLES.get(rate, "ethernet-200g"))
    return compile_graph(graph)


def sweep(trace: QueryTrace, phis: Iterable[int] = PHIS, nics: Iterable[str] = NICS,
          shape: Mapping[str, Any] | None = None, **options: Any) -> tuple[Point, ...]:
    """One point for each NIC and phi; `shape`: arguments of `pod`, `options`: of the replay.

    Raises as `replay` does, and UsageError for a phi that does not divide the devices.
    """
    return tuple(_point(trace, nic, phi, shape or {}, options) for nic in nics for phi in phis)


def _point(trace: QueryTrace, nic: str, phi: int, shape: Mapping[str, Any],
           options: Mapping[str, Any]) -> Point:
    chosen = LovelockOptions.checked({**options, "phi": phi, "reference": True})
    found = replay(pod(phi, nic, **shape), trace, chosen)
    values = found.metrics
    devices = _devices(found)
    total = values["shuffle_bytes"]
    return Point(
        nic, phi, values["slowdown"], values["slowdown_alone"],
        (cost_advantage(COST_BAND[0], phi, devices[0], PORT_BAND[1]),
         cost_advantage(COST_BAND[1], phi, devices[0], PORT_BAND[0])), values.get("cost_advantage"),
        _energies(values["slowdown_alone"], phi, devices[1]), values.get("energy_advantage"),
        values["phi_break_even"], found.bottleneck.resource,
        values["split_traffic_bytes"] / total if total else 0.0)


def _energies(mu: float, phi: int, devices: float) -> tuple[float, float]:
    low, high = (energy_advantage(power, phi, mu, devices) for power in POWER_BAND)
    return low, high


def _devices(found: Outcome) -> tuple[float, float]:
    """c_p and p_p: attached devices a server over one headless NIC; 0 where no price is known."""
    return (found.metrics.get("cost_of_devices", 0.0), found.metrics.get("power_of_devices", 0.0))


def per_query(trace: QueryTrace, fabric: Fabric, **options: Any) -> tuple[QueryRow, ...]:
    """The first query of each template, its operators alone, with and without hardware blocks.

    Raises as `replay` does.
    """
    plain, blocks = (prepare(fabric, trace, LovelockOptions.checked(
        {**options, "cluster": "headless", "offload": name})) for name in ("none", "both"))
    pairs = zip(by_query(plain, plain.chosen), by_query(blocks, blocks.chosen), strict=True)
    return tuple(QueryRow(name, parts, mu, star, other[2], other[3])
                 for (name, parts, mu, star, _), other in pairs)


# assumption -> option values at its ends; the base case is the options' default
_ENDS: dict[str, tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]] = {
    "core of the NIC": (("0.55", {"core_performance": 0.55}), ("1.1", {"core_performance": 1.1})),
    "server's line": (("100 Gb/s", {"server_network": "ethernet-100g"}),
                      ("200 Gb/s", {"server_network": "ethernet-200g"})),
    "memory": (("streams", {"memory": "stream"}), ("datasheet", {"memory": "datasheet"})),
    "server": (("Milan 1S", {"server": "server-milan-1s"}),
               ("Genoa 2S", {"server": "server-genoa-2s"})),
    "blocks in the NIC": (("none", {"offload": "none"}), ("both", {"offload": "both"})),
    "operators of a stage": (("in turn", {"overlap": False}), ("together", {"overlap": True})),
    "split traffic": (("counted", {"split_traffic": True}), ("left out", {"split_traffic": False})),
    "NIC's share of a chassis": (("0 USD", {"nic_board_price": "$0"}),
                                 ("600 USD", {"nic_board_price": "$600"})),
    "power of that share": (("0 W", {"nic_board_power": "0W"}),
                            ("30 W", {"nic_board_power": "30W"})),
    "port of the switch": (("0 USD", {"port_price": "$0"}), ("450 USD", {"port_price": "$450"})),
}


def tornado(trace: QueryTrace, fabric: Fabric, metric: str = "slowdown", **options: Any
            ) -> tuple[Swing, ...]:
    """What each assumption does to `metric` (slowdown, cost_advantage, energy_advantage), the
    largest first. Raises as `replay` does, UsageError for a metric without value."""
    base = _metric(trace, fabric, metric, options)
    swings = [Swing(name, low[0], high[0], metric, _metric(trace, fabric, metric, options | low[1]),
                    _metric(trace, fabric, metric, options | high[1]), base)
              for name, (low, high) in _ENDS.items()]
    return tuple(sorted(swings, key=lambda swing: (-swing.size, swing.name)))


def _metric(trace: QueryTrace, fabric: Fabric, metric: str, options: Mapping[str, Any]) -> float:
    found = replay(fabric, trace, LovelockOptions.checked(options))
    if metric not in found.metrics:
        raise UsageError(f"{metric} has no value: {found.undefined.get(metric, 'no such metric')}")
    return found.metrics[metric]
