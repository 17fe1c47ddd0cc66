"""DispersedLedger's latency under load on AWS: transactions as a fluid over 17 regions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rackwright.models.dispersedledger.measures import latency
from rackwright.models.dispersedledger.report import weighted_quantile
from rackwright.reproduce.context import Context
from rackwright.reproduce.systems.dispersedledger_aws import aws_overshoot, aws_trace
from rackwright.reproduce.systems.dispersedledger_runs import MB, Found, Simulation, once, run_on
from rackwright.traces.wan_generate import AWS_DOWNLOADS

__all__ = ["LOADS", "ROWS", "medians_of"]

LOADS = (2.125, 6.375, 10.625, 14.875, 19.125, 23.375, 27.625)       # MB/s of all sites
OHIO, MUMBAI = "us-east-2", "ap-south-1"


def _loaded(context: Context, variant: str, load: float) -> Found:
    def simulate() -> Found:
        settings = {"variant": variant, "tick": "10ms", "duration": "60s",
                    "commit_rule": "emergent",
                    "load": f"{load * MB / 17:.0f}B/s", "bandwidth_scale": context.parameter(
                        "bandwidth_scale", 1.134, 1.0, 1.3),
                    "proc_delay": f"{context.parameter('proc_delay_time', 0.0, 0.0, 0.05)}s",
                    "retrieval_overshoot": aws_overshoot(context, variant)}
        return run_on(aws_trace(context, 60), (*AWS_DOWNLOADS, "eu-west-2"), settings)

    return once(context, ("load", variant, load), f"{variant} at {load} MB/s", simulate)


def medians_of(found: Found) -> dict[str, float]:
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
        medians_of(_loaded(context, variant, load)).values())))


def _gain(site: str, load: float) -> Simulation:
    """Share by which DL's p50 is below HB's at a site."""
    def gain(context: Context) -> float:
        slow = medians_of(_loaded(context, "hb", load))[site]
        return 1 - medians_of(_loaded(context, "dl", load))[site] / slow

    return gain


def _knee(context: Context) -> float:
    """Bytes/s of all sites from which on HB's median p50 exceeds five times that at the lowest."""
    first = _p50("hb", LOADS[0])(context)
    return MB * next((load for load in LOADS[1:] if _p50("hb", load)(context) > 5 * first), 99.0)


ROWS: Mapping[str, Simulation] = {
    "dl-9": _p50("dl", LOADS[0]),
    **{f"dl-18/{load:.1f}": _p50("dl", load) for load in LOADS[1:5]},
    "dl-10": _knee,
    "dl-11/ohio 19.1": _gain(OHIO, LOADS[4]),
    "dl-11/ohio 23.4": _gain(OHIO, LOADS[5]),
    "dl-11/mumbai 19.1": _gain(MUMBAI, LOADS[4]),
}
