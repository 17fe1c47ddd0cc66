"""DispersedLedger message by message: what comes out without a fitted overshoot or commit rule.

Emulated links as in the fluid's rows. AWS with what DL's nodes downloaded there as bandwidth
(stand-in, not scaled), pairs sharing ports by the inverse of their round trip (the public
implementation's transport uses Reno), transactions by a Poisson process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.reproduce.context import Context
from rackwright.reproduce.systems.dispersedledger_aws import aws_trace
from rackwright.reproduce.systems.dispersedledger_links import (
    BLOCKS,
    SPATIAL,
    emulated,
    wandering,
)
from rackwright.reproduce.systems.dispersedledger_load import LOADS, medians_of
from rackwright.reproduce.systems.dispersedledger_runs import (
    MB,
    Found,
    Simulation,
    once,
    ratio,
    run_on,
)
from rackwright.traces.wan_generate import AWS_DOWNLOADS

__all__ = ["ROWS"]

SETTINGS: Mapping[str, Any] = {"method": "messages", "tick": "5ms"}
AWS_BLOCKS = {"hb": "3MB", "hb_link": "3MB", "dl": "2MB"}    # stand-ins, as in the fluid
SECONDS = 60
TEMPORAL_SEEDS = 3
COLLAPSE = 5.0      # times the floor, as in dl-10

Runs = Callable[[Context, str], Found]


def _spatial(context: Context, variant: str) -> Found:
    def simulate() -> Found:
        options = DispersedLedgerOptions.from_settings(
            {**SETTINGS, "variant": variant, "block": BLOCKS[variant]})
        caps = np.array([SPATIAL]) * MB
        return emulated(caps, caps, options, 2.0 * SECONDS)

    return once(context, ("messages", variant), f"spatial by messages, {variant}", simulate)


def _aws(context: Context, variant: str, load: float = 0.0) -> Found:
    def simulate() -> Found:
        sites = (*AWS_DOWNLOADS, "eu-west-2") if load else tuple(AWS_DOWNLOADS)
        more: dict[str, Any] = {"load": f"{load * MB / 17:.0f}B/s", "arrivals": "poisson"} \
            if load else {"block": AWS_BLOCKS[variant]}
        return run_on(aws_trace(context, SECONDS), sites, {
            **SETTINGS, "variant": variant, "fairness": "reno", "duration": f"{SECONDS}s",
            **more}, context.seed)

    return once(context, ("messages aws", variant, load), f"AWS by messages, {variant} {load}",
                simulate)


def _temporal(variant: str) -> Simulation:
    """Mean goodput under variation in time, one series both ways as the authors' links have it."""
    def mean(context: Context) -> float:
        def simulate() -> float:
            options = DispersedLedgerOptions.from_settings(
                {**SETTINGS, "variant": variant, "block": BLOCKS[variant]})
            found = []
            for seed in range(TEMPORAL_SEEDS):
                context.progress(f"temporal by messages, {variant}, seed {seed}")
                rates = wandering(context, seed).down
                found.append(emulated(rates, rates, options, 2.0 * SECONDS).rates().mean())
            return float(np.mean(found))

        return context.once(("messages temporal", variant), simulate)

    return mean


def _mean(runs: Runs, variant: str) -> Simulation:
    return lambda context: float(runs(context, variant).rates().mean())


def _slow(variant: str) -> Simulation:
    """Goodput of the slowest node over that of the fastest."""
    def share(context: Context) -> float:
        rates = _spatial(context, variant).rates()
        return float(rates[0] / rates[-1])

    return share


def _collapsed(load: float) -> Simulation:
    """Sites whose own p50 under HB exceeds five times the floor, or that output nothing."""
    def count(context: Context) -> float:
        floor = float(np.median(list(medians_of(_aws(context, "hb", LOADS[0])).values())))
        found = medians_of(_aws(context, "hb", load)).values()
        return float(sum(median > COLLAPSE * floor for median in found))

    return count


ROWS: Mapping[str, Simulation] = {
    "dl-20/hb node 0": _slow("hb"),
    "dl-20/hb_link node 0": _slow("hb_link"),
    "dl-20/hb_link over hb": ratio(_mean(_spatial, "hb_link"), _mean(_spatial, "hb")),
    "dl-20/dl over hb": ratio(_mean(_spatial, "dl"), _mean(_spatial, "hb")),
    "dl-20/hb": _mean(_spatial, "hb"),
    "dl-20/dl": _mean(_spatial, "dl"),
    **{f"dl-23/{variant}": _temporal(variant) for variant in ("hb", "hb_link", "dl")},
    "dl-21/hb": _mean(_aws, "hb"),
    "dl-21/hb_link over hb": ratio(_mean(_aws, "hb_link"), _mean(_aws, "hb")),
    "dl-21/dl over hb": ratio(_mean(_aws, "dl"), _mean(_aws, "hb")),
    **{f"dl-22/{load:.1f}": _collapsed(load) for load in LOADS[3:6]},
}
