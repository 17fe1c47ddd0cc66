"""DispersedLedger's figures: AWS, Vultr, emulated links, latency under load, dispersal costs.

Site bandwidths on AWS and Vultr are not published: stand-ins from what the paper's DL runs
downloaded there, varying in time by `site_cv`. Emulated links give 0.9 of their rate. Blocks of the
throughput runs are not published either: see `BLOCKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright import topologies
from rackwright.models.dispersedledger.formulas import (
    avid_fp_nbytes,
    avid_m_nbytes,
    lower_bound_nbytes,
)
from rackwright.models.dispersedledger.measures import commit_share, goodput, latency
from rackwright.models.dispersedledger.options import DispersedLedgerOptions, overshoot_of
from rackwright.models.dispersedledger.placement import Placement, place
from rackwright.models.dispersedledger.report import weighted_quantile
from rackwright.models.dispersedledger.tables import Rules, Tables, Ticks
from rackwright.models.dispersedledger.workload import Prepared, prepare, rules_of, run
from rackwright.reproduce.context import Context
from rackwright.traces.wan import BandwidthTrace
from rackwright.traces.wan_generate import AWS_DOWNLOADS, generate_bandwidth

__all__ = ["SIMULATIONS"]

Simulation = Callable[[Context], float]
Floats = npt.NDArray[np.float64]

MB = 1e6
EFFICIENCY = 0.9
DELAY = 0.1             # s one way on emulated links (recalled set-up, dl-15)
SPATIAL = tuple(10 + 0.5 * i for i in range(16))                     # MB/s (recalled, dl-15)
BLOCKS = {"hb": "1MB", "hb_link": "1MB", "dl": "500kB"}              # emulated links: stand-ins
VARIANTS = ("hb", "hb_link", "dl_coupled", "dl")
TEMPORAL_SEEDS = 8
# nearest AWS region of each Vultr city, and what its DL run downloaded there if that was 1.41 times
# its goodput, as on AWS: stand-ins
VULTR = {
    "eu-west-2": 11.16, "us-east-1": 15.88, "us-east-2": 21.76, "us-west-2": 21.74,
    "eu-central-1": 10.20, "us-west-1": 13.95, "sa-east-1": 19.40, "ca-central-1": 19.23,
    "eu-west-3": 11.41, "eu-north-1": 9.05, "eu-south-1": 16.90, "ap-southeast-1": 6.72,
    "ap-southeast-2": 7.82, "ap-northeast-1": 7.16, "eu-west-1": 16.13}
VULTR_PLACES = {
    "eu-west-2": "eu-west-1", "us-west-2": "us-east-2", "sa-east-1": "us-east-1",
    "eu-north-1": "us-west-2", "eu-south-1": "us-west-1", "eu-west-1": "ca-central-1"}
LOADS = (2.125, 6.375, 10.625, 14.875, 19.125, 23.375, 27.625)       # MB/s of all sites
OHIO, MUMBAI = "us-east-2", "ap-south-1"
SHARES = {
    16: ((23018, .184), (55107, .128), (106662, .112), (110111, .113), (173858, .098),
         (455959, .085), (885279, .082)),
    32: ((36199, .195), (97675, .101), (320990, .058), (549063, .048), (1121471, .042),
         (1917255, .042)),
    64: ((85289, .152), (164735, .094), (285738, .063), (384000, .053), (523732, .044),
         (1501059, .028), (2223772, .027)),
    128: ((145258, .169), (405517, .075), (1089458, .042), (2006750, .027), (2349604, .024),
          (2544250, .022))}


class Found(NamedTuple):
    """A finished run."""

    made: Prepared
    tables: Tables
    moving: Ticks
    options: DispersedLedgerOptions

    def rates(self) -> Floats:
        """Bytes/s of blocks that each site delivered."""
        delivered = 1.0
        if self.options.variant == "hb":
            delivered = commit_share(self.made.rules, self.tables, self.options.commit_rule)
        return goodput(self.made.rules, self.moving, self.made.duration, delivered)


def _once(context: Context, key: Hashable, text: str, simulate: Callable[[], Found]) -> Found:
    def work() -> Found:
        context.progress(text)
        return simulate()

    return context.once(key, work)


def _run(placed: Placement, options: DispersedLedgerOptions, step: float, seconds: float) -> Found:
    """Run a placement that no fabric stands for."""
    rules: Rules = rules_of(options, len(placed.sites), step)
    made = Prepared(placed, rules, seconds, int(seconds / max(rules.propose_time, 0.2)) + 64)
    return Found(made, *run(made, options)[:2], options)


# AWS and Vultr: throughput


def _aws(context: Context, variant: str) -> Found:
    def simulate() -> Found:
        scale = context.parameter("bandwidth_scale", 1.134, 1.0, 1.3)
        settings: dict[str, Any] = {
            "variant": variant, "tick": "20ms", "duration": "120s", "bandwidth_scale": scale,
            "retrieval_overshoot": _aws_overshoot(context, variant)}
        return _on(_aws_trace(context, 120), tuple(AWS_DOWNLOADS), settings)

    return _once(context, ("aws", variant), f"AWS, {variant}", simulate)


def _aws_overshoot(context: Context, variant: str) -> float:
    known = overshoot_of(DispersedLedgerOptions.from_settings({"variant": variant}))
    name = "overshoot_serial" if variant in ("hb", "hb_link") else "overshoot_parallel"
    return context.parameter(name, known, known * 0.9, known * 1.1)


def _aws_trace(context: Context, steps: int) -> BandwidthTrace:
    spread = context.parameter("site_cv", 0.2, 0.0, 0.4)
    means = {site: rate / EFFICIENCY for site, rate in AWS_DOWNLOADS.items()}
    means["eu-west-2"] = sum(means.values()) / len(means)     # in the latency runs only
    return generate_bandwidth(means, steps, spread=spread, seed=context.seed)


def _on(trace: BandwidthTrace, sites: tuple[str, ...], settings: Mapping[str, Any]) -> Found:
    options = DispersedLedgerOptions.from_settings(settings)
    fabric = topologies.compile(topologies.wan(list(sites), rate="10Gbps"))
    made = prepare(fabric, trace, options)
    return Found(made, *run(made, options)[:2], options)


def _vultr(context: Context, variant: str) -> Found:
    def simulate() -> Found:
        spread = context.parameter("site_cv", 0.2, 0.0, 0.4)
        means = {site: rate * 1.41 * MB / EFFICIENCY for site, rate in VULTR.items()}
        trace = generate_bandwidth(means, 120, spread=spread, seed=context.seed)
        options = DispersedLedgerOptions.from_settings({
            "variant": variant, "tick": "20ms",
            "retrieval_overshoot": _aws_overshoot(context, variant)})
        fabric = topologies.compile(topologies.wan("all", rate="10Gbps"))
        every = place(fabric, generate_bandwidth(dict.fromkeys(fabric.endpoints["nic"], 1.0), 1),
                      options)
        at = [every.sites.index(VULTR_PLACES.get(site, site)) for site in VULTR]
        delay = every.delay[np.ix_(at, at)]
        delay[(delay == 0) & ~np.eye(len(at), dtype=bool)] = 0.005   # two cities of one region
        placed = Placement(tuple(VULTR), (), (), delay, trace.up * EFFICIENCY,
                           trace.down * EFFICIENCY, True)
        return _run(placed, options, trace.step_time, 120.0)

    return _once(context, ("vultr", variant), f"Vultr, {variant}", simulate)


def _mean(run_of: Callable[[Context, str], Found], variant: str) -> Simulation:
    return lambda context: float(run_of(context, variant).rates().mean())


def _ratio(one: Simulation, other: Simulation) -> Simulation:
    return lambda context: one(context) / other(context)


def _order(context: Context) -> float:
    """Steps of the four variants that go up, of three."""
    means = [_mean(_aws, variant)(context) for variant in VARIANTS]
    return float(sum(after > before for before, after in zip(means, means[1:], strict=False)))


def _seconds(time: float) -> str:
    return f"{time}s"


# emulated links


def _emulated(rates: Floats, down: Floats, options: DispersedLedgerOptions, seconds: float
              ) -> Found:
    n = rates.shape[1]
    delay = np.full((n, n), DELAY)
    np.fill_diagonal(delay, 0.0)
    placed = Placement(tuple(map(str, range(n))), (), (), delay, rates * EFFICIENCY,
                       down * EFFICIENCY, True)
    return _run(placed, options, 1.0, seconds)


def _controlled(context: Context, variant: str, **more: Any) -> DispersedLedgerOptions:
    overshoot = context.parameter("overshoot_controlled", 1.57, 1.41, 1.73)
    return DispersedLedgerOptions.from_settings({
        "variant": variant, "tick": "20ms", "block": BLOCKS[variant],
        "retrieval_overshoot": overshoot, **more})


def _spatial(context: Context, variant: str) -> Found:
    def simulate() -> Found:
        caps = np.array([SPATIAL]) * MB
        return _emulated(caps, caps, _controlled(context, variant), 240.0)

    return _once(context, ("spatial", variant), f"spatial, {variant}", simulate)


def _node(variant: str, node: int) -> Simulation:
    return lambda context: float(_spatial(context, variant).rates()[node])


def _wandering(context: Context, seed: int) -> BandwidthTrace:
    means = {str(node): 10 * MB for node in range(16)}
    return generate_bandwidth(means, 600, spread=0.5, memory=0.98, seed=context.seed + seed)


def _drop(variant: str) -> Simulation:
    """Share of mean goodput lost to variation in time, over several seeds.

    Overshoot as in the paper's run without variation (3.39 MB/s of 10); DL disperses at most at
    1.5 MB/s a site, or it would trade dispersal for retrieval.
    """
    def lost(context: Context) -> float:
        def simulate() -> float:
            context.progress(f"temporal, {variant}")
            settings: dict[str, Any] = {
                "variant": variant, "tick": "50ms", "block": BLOCKS[variant],
                "retrieval_overshoot": context.parameter("overshoot_temporal", 2.2, 2.0, 2.4),
                "propose_time": "970ms" if variant == "dl" else "100ms"}
            options = DispersedLedgerOptions.from_settings(settings)
            even = np.full((1, 16), 10 * MB)
            steady = _emulated(even, even, options, 300.0).rates().mean()
            found = []
            for seed in range(TEMPORAL_SEEDS):
                trace = _wandering(context, seed)
                # the authors' links use one series both ways; out and in apart: DL's row
                up = trace.up if variant == "dl" else trace.down
                found.append(_emulated(up, trace.down, options, 300.0).rates().mean())
            return float(1 - np.mean(found) / steady)

        return context.once(("drop", variant), simulate)

    return lost


def _eleventh(context: Context) -> float:
    """Mean of the 11th fastest of 16 links over the mean link, 40 seeds."""
    ratios = []
    for seed in range(40):
        rates = np.sort(_wandering(context, seed).down, axis=1)
        ratios.append(rates[:, 5].mean() / rates.mean())
    return float(np.mean(ratios))


def _scaling(block: float) -> Simulation:
    """Share of goodput lost from 16 to 128 nodes; overshoots read off the same figure.

    An epoch starts every so often as a site can retrieve one, or votes would take what is left.
    """
    def lost(context: Context) -> float:
        rates = []
        for nodes, overshoot in ((16, 2.2), (128, 2.75)):
            context.progress(f"{nodes} nodes, {block:g} B")
            pace = nodes * block * overshoot / (EFFICIENCY * 10 * MB)
            options = DispersedLedgerOptions.from_settings({
                "method": "recursion", "block": f"{block:.0f}B", "propose_time": f"{pace}s",
                "retrieval_overshoot": overshoot})
            caps = np.full((1, nodes), 10 * MB)
            rates.append(_emulated(caps, caps, options, 40 * pace).rates().mean())
        return float(1 - rates[1] / rates[0])

    return lost


# latency under load


def _loaded(context: Context, variant: str, load: float) -> Found:
    def simulate() -> Found:
        settings = {"variant": variant, "tick": "10ms", "duration": "60s",
                    "commit_rule": "emergent",
                    "load": f"{load * MB / 17:.0f}B/s", "bandwidth_scale": context.parameter(
                        "bandwidth_scale", 1.134, 1.0, 1.3),
                    "proc_delay": _seconds(context.parameter("proc_delay_time", 0.0, 0.0, 0.05)),
                    "retrieval_overshoot": _aws_overshoot(context, variant)}
        return _on(_aws_trace(context, 60), (*AWS_DOWNLOADS, "eu-west-2"), settings)

    return _once(context, ("load", variant, load), f"{variant} at {load} MB/s", simulate)


def _median_of(found: Found) -> dict[str, float]:
    """Site -> p50 of its own transactions, s; the duration where none came out."""
    values, weight = latency(found.made.rules, found.tables, found.made.duration)
    medians = {}
    for number, site in enumerate(found.made.placed.sites):
        mine = weight[1] == number
        medians[site] = weighted_quantile(values[mine], weight[0][mine], 0.5) \
            if mine.any() else found.made.duration
    return medians


def _p50(variant: str, load: float) -> Simulation:
    return lambda context: float(np.median(list(
        _median_of(_loaded(context, variant, load)).values())))


def _gain(site: str, load: float) -> Simulation:
    """Share by which DL's p50 is below HB's at a site."""
    def gain(context: Context) -> float:
        slow = _median_of(_loaded(context, "hb", load))[site]
        return 1 - _median_of(_loaded(context, "dl", load))[site] / slow

    return gain


def _knee(context: Context) -> float:
    """Bytes/s of all sites from which on HB's median p50 exceeds five times that at the lowest."""
    first = _p50("hb", LOADS[0])(context)
    return MB * next((load for load in LOADS[1:] if _p50("hb", load)(context) > 5 * first), 99.0)


# dispersal


def _share(nodes: int, block: int) -> Simulation:
    """Dispersal bytes of a node over all, with overshoot 2.03 and 450 B a sender and instance."""
    def share(context: Context) -> float:
        options = DispersedLedgerOptions.from_settings({
            "vote_nbytes": f"{context.parameter('vote_nbytes', 450)}B",
            "retrieval_overshoot": context.parameter("overshoot_shares", 2.03)})
        rules = rules_of(options, nodes, 1.0)
        dispersal = block / rules.needed + rules.extra
        return dispersal / (dispersal + rules.overshoot * block)

    return share


_COSTS = {"avid-m": avid_m_nbytes, "avid-fp": avid_fp_nbytes, "bound": lower_bound_nbytes}
_POINTS = ((16, 100), (64, 1024), (128, 1024), (128, 100))


def _cost(name: str, nodes: int, kib: int) -> Simulation:
    return lambda context: _COSTS[name](nodes, kib * 1024) / (kib * 1024)


SIMULATIONS: Mapping[str, Simulation] = {
    "dl-1": _mean(_aws, "hb"),
    "dl-2/goodput": _mean(_aws, "dl"),
    "dl-2/over hb": _ratio(_mean(_aws, "dl"), _mean(_aws, "hb")),
    "dl-3/hb_link": _ratio(_mean(_aws, "hb_link"), _mean(_aws, "hb")),
    "dl-3/dl_coupled": _ratio(_mean(_aws, "dl_coupled"), _mean(_aws, "dl")),
    "dl-4": _order,
    "dl-5/dl": _ratio(_mean(_vultr, "dl"), _mean(_vultr, "hb")),
    "dl-5/hb_link": _ratio(_mean(_vultr, "hb_link"), _mean(_vultr, "hb")),
    "dl-6": _node("dl", 0),
    **{f"dl-16/node {node}": _node("dl", node) for node in range(1, 16)},
    **{f"dl-17/{variant} node {node}": _node(variant, node)
       for variant in ("hb", "hb_link") for node in range(16)},
    **{f"dl-7/{variant}": _drop(variant) for variant in ("hb", "hb_link", "dl")},
    "dl-8": _eleventh,
    "dl-9": _p50("dl", LOADS[0]),
    **{f"dl-18/{load:.1f}": _p50("dl", load) for load in LOADS[1:5]},
    "dl-10": _knee,
    "dl-11/ohio 19.1": _gain(OHIO, LOADS[4]),
    "dl-11/ohio 23.4": _gain(OHIO, LOADS[5]),
    "dl-11/mumbai 19.1": _gain(MUMBAI, LOADS[4]),
    **{f"dl-12/{name} {nodes} {kib} KiB": _cost(name, nodes, kib)
       for name in _COSTS for nodes, kib in _POINTS if (name, nodes, kib) != ("bound", 128, 100)},
    **{f"dl-13/{nodes} {block}": _share(nodes, block)
       for nodes, points in SHARES.items() for block, _ in points},
    "dl-14/500 kB": _scaling(5e5),
    "dl-14/1 MB": _scaling(1e6),
}
