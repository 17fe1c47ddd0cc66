"""`BandwidthTrace`: what sites of a wide-area network can send and receive, over time.

Steps of equal length; in each a rate out (`up`) and a rate in (`down`) for every site. A replay
that outlasts the trace starts it again. What it leaves out: delays, loss, the traffic of others (it
is in the rates already), changes within a step. Units: seconds, bytes/s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.checked_columns import check_count, check_name, hash_of, head_of

__all__ = ["MAX_BANDWIDTH", "BandwidthTrace"]

MAX_BANDWIDTH = 1e12    # bytes/s; our bound
MAX_SITES = 1024
MAX_STEP = 3600.0       # s; our bound

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BandwidthTrace:
    """Bandwidth of sites; read-only arrays.

    `sites`: names, all different. `step_time`: seconds a row holds. `up`, `down`: float64 of shape
    (steps, sites), bytes/s from 0 to MAX_BANDWIDTH. `name`, `source`: one line each. Raises
    TraceError.
    """

    sites: tuple[str, ...]
    step_time: float
    up: Floats
    down: Floats
    name: str = "bandwidth"
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sites", tuple(self.sites))
        for column in ("up", "down"):
            values = np.array(getattr(self, column), np.float64) + 0.0
            values.setflags(write=False)
            object.__setattr__(self, column, values)
        _check(self)

    def __len__(self) -> int:
        return len(self.up)

    def __repr__(self) -> str:
        return (f"<BandwidthTrace {self.name!r}: {len(self.sites)} sites, {len(self)} steps of "
                f"{self.step_time:.6g} s>")

    @property
    def span_time(self) -> float:
        """Seconds that the trace covers."""
        return len(self) * self.step_time

    def first(self, count: int) -> BandwidthTrace:
        """The first `count` steps (all of them when there are fewer). Raises UsageError."""
        check_count(count, "steps")
        return BandwidthTrace(self.sites, self.step_time, self.up[:count], self.down[:count],
                              self.name, self.source)

    def steady(self) -> BandwidthTrace:
        """The same means without any change in time: one step."""
        return BandwidthTrace(self.sites, self.step_time, self.up.mean(axis=0, keepdims=True),
                              self.down.mean(axis=0, keepdims=True), f"{self.name} steady",
                              self.source)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of sites, step and rates; name and source do not count."""
        return hash_of(f"bandwidth 1 {self.step_time!r} {self.sites!r}", self.up, self.down)

    def summary(self) -> dict[str, Any]:
        """Counts and statistics as plain numbers (JSON-ready, SI units)."""
        found = {**head_of(self), "sites": len(self.sites), "steps": len(self),
                 "step_time": self.step_time}
        for name, values in (("up", self.up), ("down", self.down)):
            means = values.mean(axis=0)
            found[f"{name}_bandwidth"] = {
                "mean": float(values.mean()), "slowest_site": float(means.min()),
                "fastest_site": float(means.max()), "least": float(values.min()),
                "most": float(values.max())}
        return found


def _check(trace: BandwidthTrace) -> None:
    check_name(trace.name, trace.source)
    _check_sites(trace.sites)
    if not (math.isfinite(trace.step_time) and 0 < trace.step_time <= MAX_STEP):
        raise TraceError(f"step of {trace.step_time} s; expected above 0 to {MAX_STEP:g} s")
    for name, values in (("up", trace.up), ("down", trace.down)):
        if values.ndim != 2 or values.shape[0] < 1 or values.shape[1] != len(trace.sites) \
                or values.shape != trace.up.shape:
            raise TraceError(f"{name}: shape {values.shape}; expected at least one step of "
                             f"{len(trace.sites)} sites, the same for up and down")
        bad = np.argwhere(~((values >= 0) & (values <= MAX_BANDWIDTH)))
        if len(bad):
            step, site = bad[0].tolist()
            raise TraceError(f"step {step}, site {trace.sites[site]}: {name} "
                             f"{values[step, site]}; expected 0 to {MAX_BANDWIDTH:g} bytes/s")


def _check_sites(sites: Sequence[str]) -> None:
    if not 1 <= len(sites) <= MAX_SITES or len(set(sites)) != len(sites):
        raise TraceError(f"{len(sites)} sites, {len(set(sites))} different; expected 1 to "
                         f"{MAX_SITES} different names")
    for site in sites:
        if not site or not site.isprintable() or any(mark in site for mark in ', "#'):
            raise TraceError(f"site {site!r}; expected a name without blanks, commas and quotes")
