"""Seeded generator of bandwidth traces: each site's rate wanders about its mean (Gauss-Markov).

x' = a x + s sqrt(1 - a^2) g with g standard normal and x starting from its stationary law; the rate
is mean + x, cut off at zero. So are the emulated links of the public implementation of
DispersedLedger, which draws one such series a link and uses it both ways; `independent` draws out
and in apart, as two directions of a WAN path usually have little to do with one another.

What it leaves out: days, congestion that sites share, outages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rackwright.engine.rng import stream
from rackwright.errors import UsageError
from rackwright.traces.wan import BandwidthTrace

__all__ = ["AWS_DOWNLOADS", "generate_bandwidth"]

AWS_DOWNLOADS = {
    "ap-east-1": 49.9e6, "ap-northeast-1": 51.2e6, "ap-northeast-2": 49.1e6, "ap-south-1": 49.3e6,
    "ap-southeast-1": 50.3e6, "ap-southeast-2": 44.1e6, "ca-central-1": 56.9e6,
    "eu-central-1": 49.6e6, "eu-north-1": 52.2e6, "eu-west-1": 53.6e6, "eu-west-3": 51.1e6,
    "sa-east-1": 43.4e6, "us-east-1": 50.8e6, "us-east-2": 54.5e6, "us-west-1": 52.8e6,
    "us-west-2": 53.8e6}
"""Bytes/s that DispersedLedger's nodes downloaded in its run on AWS (data of the authors' figure,
yangl1996/dispersed-ledger, MIT): a stand-in for the sites' bandwidth, which is not published."""

_MOST = 50_000_000

Floats = npt.NDArray[np.float64]


def generate_bandwidth(means: Mapping[str, float], steps: int, step_time: float = 1.0,
                       spread: float = 0.2, memory: float = 0.98, independent: bool = True,
                       seed: int = 0, name: str = "bandwidth") -> BandwidthTrace:
    """`steps` steps for the sites of `means` (bytes/s).

    `spread`: standard deviation over the mean, 0 for none; `memory`: a, correlation of a step with
    the next. A site's series depends on its name and the seed alone. Raises UsageError.

    >>> generate_bandwidth({"a": 1e6, "b": 2e6}, 3, spread=0.0).down.tolist()[0]
    [1000000.0, 2000000.0]
    """
    if not means or not 1 <= steps <= _MOST // max(len(means), 1):
        raise UsageError(f"{steps} steps of {len(means)} sites: at least 1 of each, at most "
                         f"{_MOST} values")
    if not 0 <= memory < 1 or not (math.isfinite(spread) and spread >= 0):
        raise UsageError(f"memory = {memory}, spread = {spread}: expected 0 to below 1, and 0 or "
                         "more")
    tables = []
    for way in ("up", "down" if independent else "up"):
        draws = np.stack([stream(seed, f"bandwidth/{site}/{way}").standard_normal(steps)
                          for site in means], axis=1)
        tables.append(_wander(draws, np.array(list(means.values())), spread, memory))
    return BandwidthTrace(
        tuple(means), step_time, tables[0], tables[1], name,
        f"generate_bandwidth: Gauss-Markov, spread {float(spread)!r}, memory {float(memory)!r} a "
        f"step of {float(step_time)!r} s, {'out and in apart' if independent else 'both ways'}; "
        f"seed {seed}")


def _wander(draws: Floats, means: Floats, spread: float, memory: float) -> Floats:
    fresh = math.sqrt(1 - memory * memory)
    found = np.empty_like(draws)
    now = draws[0]
    for at in range(len(draws)):
        now = draws[0] if at == 0 else memory * now + fresh * draws[at]
        found[at] = now
    rates: Floats = np.maximum(means + spread * means * found, 0.0)
    return rates
