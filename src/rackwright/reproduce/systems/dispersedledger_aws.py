"""Throughput of DispersedLedger on AWS and Vultr.

Bandwidths of sites are not published: stand-ins from what the paper's DL runs downloaded there,
varying in time by `site_cv`. Block sizes of the throughput runs are not published either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rackwright import topologies
from rackwright.models.dispersedledger.options import DispersedLedgerOptions, overshoot_of
from rackwright.models.dispersedledger.placement import Placement, place
from rackwright.reproduce.context import Context
from rackwright.reproduce.systems.dispersedledger_runs import (
    EFFICIENCY,
    MB,
    Found,
    Simulation,
    once,
    ratio,
    run_on,
    run_placed,
)
from rackwright.traces.wan import BandwidthTrace
from rackwright.traces.wan_generate import AWS_DOWNLOADS, generate_bandwidth

__all__ = ["ROWS", "aws_overshoot", "aws_trace"]

VARIANTS = ("hb", "hb_link", "dl_coupled", "dl")
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


def _aws(context: Context, variant: str) -> Found:
    def simulate() -> Found:
        scale = context.parameter("bandwidth_scale", 1.134, 1.0, 1.3)
        settings: dict[str, Any] = {
            "variant": variant, "tick": "20ms", "duration": "120s", "bandwidth_scale": scale,
            "retrieval_overshoot": aws_overshoot(context, variant)}
        return run_on(aws_trace(context, 120), tuple(AWS_DOWNLOADS), settings)

    return once(context, ("aws", variant), f"AWS, {variant}", simulate)


def aws_overshoot(context: Context, variant: str) -> float:
    known = overshoot_of(DispersedLedgerOptions.from_settings({"variant": variant}))
    name = "overshoot_serial" if variant in ("hb", "hb_link") else "overshoot_parallel"
    return context.parameter(name, known, known * 0.9, known * 1.1)


def aws_trace(context: Context, steps: int) -> BandwidthTrace:
    spread = context.parameter("site_cv", 0.2, 0.0, 0.4)
    means = {site: rate / EFFICIENCY for site, rate in AWS_DOWNLOADS.items()}
    means["eu-west-2"] = sum(means.values()) / len(means)     # in the latency runs only
    return generate_bandwidth(means, steps, spread=spread, seed=context.seed)


def _vultr(context: Context, variant: str) -> Found:
    def simulate() -> Found:
        spread = context.parameter("site_cv", 0.2, 0.0, 0.4)
        means = {site: rate * 1.41 * MB / EFFICIENCY for site, rate in VULTR.items()}
        trace = generate_bandwidth(means, 120, spread=spread, seed=context.seed)
        options = DispersedLedgerOptions.from_settings({
            "variant": variant, "tick": "20ms",
            "retrieval_overshoot": aws_overshoot(context, variant)})
        fabric = topologies.compile(topologies.wan("all", rate="10Gbps"))
        every = place(fabric, generate_bandwidth(dict.fromkeys(fabric.endpoints["nic"], 1.0), 1),
                      options)
        at = [every.sites.index(VULTR_PLACES.get(site, site)) for site in VULTR]
        delay = every.delay[np.ix_(at, at)]
        delay[(delay == 0) & ~np.eye(len(at), dtype=bool)] = 0.005   # two cities of one region
        placed = Placement(tuple(VULTR), (), (), delay, trace.up * EFFICIENCY,
                           trace.down * EFFICIENCY, True)
        return run_placed(placed, options, trace.step_time, 120.0)

    return once(context, ("vultr", variant), f"Vultr, {variant}", simulate)


def _mean(run_of: Callable[[Context, str], Found], variant: str) -> Simulation:
    return lambda context: float(run_of(context, variant).rates().mean())


def _order(context: Context) -> float:
    """Steps of the four variants that go up, of three."""
    means = [_mean(_aws, variant)(context) for variant in VARIANTS]
    return float(sum(after > before for before, after in zip(means, means[1:], strict=False)))


ROWS: Mapping[str, Simulation] = {
    "dl-1": _mean(_aws, "hb"),
    "dl-2/goodput": _mean(_aws, "dl"),
    "dl-2/over hb": ratio(_mean(_aws, "dl"), _mean(_aws, "hb")),
    "dl-3/hb_link": ratio(_mean(_aws, "hb_link"), _mean(_aws, "hb")),
    "dl-3/dl_coupled": ratio(_mean(_aws, "dl_coupled"), _mean(_aws, "dl")),
    "dl-4": _order,
    "dl-5/dl": ratio(_mean(_vultr, "dl"), _mean(_vultr, "hb")),
    "dl-5/hb_link": ratio(_mean(_vultr, "hb_link"), _mean(_vultr, "hb")),
}
