"""Which part of a replay counts: the steady window, the middle of the arrivals, or all of it.

A run that starts empty is mostly ramp, so three throughputs are reported: over everything; over
the middle three quarters of the arrivals (the middle 60 s of an 80 s run); and over the steady
window, which begins 1.5 x (longest output x mean inter-token latency) after the first arrival and
ends with the last arrival. The load is *stable* when requests finish as fast as they arrive
within 3 % there and the requests inside do not pile up; it is an *overload* when both fail (either
alone is what a few random arrivals do). A random process moves both by its square root, which is
allowed for twice.

Source of the rules: the evaluation scripts of arXiv 2505.08944 (middle 60 s); ours (steady).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.models.serving.requests import Admission, Requests
from rackwright.models.serving.snapshots import (
    ACTIVE,
    ARRIVED,
    FINISHED,
    SNAPSHOTS,
    TOKENS,
    Snapshots,
)

__all__ = ["Window", "busy_shares", "middle_window", "steady_window", "window_notes"]

RAMP_OUTPUTS = 1.5        # longest outputs that the ramp lasts
SHORTEST = SNAPSHOTS // 8  # a steady window shorter than an eighth of the arrivals says nothing
STABLE_WITHIN = 0.03
MIDDLE = SNAPSHOTS // 8   # cut off at both ends


@dataclass(frozen=True)
class Window:
    """Rates between two snapshots, `first` and `last` (indices)."""

    first: int
    last: int
    seconds: float
    tokens_per_s: float
    arrived_per_s: float
    finished_per_s: float
    active_mean: float
    stable: bool
    overloaded: bool


def middle_window(snapshots: Snapshots) -> Window | str:
    """The middle three quarters of the arrivals, or why there is no such window."""
    return _window(snapshots, MIDDLE, SNAPSHOTS - MIDDLE)


def steady_window(snapshots: Snapshots, requests: Requests, admission: Admission) -> Window | str:
    """From the end of the ramp to the last arrival, or why there is no such window."""
    later_tokens = int(admission.itl_counts.sum())
    if later_tokens == 0:
        return "no request had a second token"
    itl_ps = float(admission.itl_sum_ps[0]) / later_tokens
    ramp_ps = RAMP_OUTPUTS * float(requests.output_tokens.max()) * itl_ps
    first = int(np.searchsorted(snapshots.time_ps, snapshots.time_ps[0] + ramp_ps))
    if first > SNAPSHOTS - SHORTEST:
        return (f"arrivals last {_seconds(snapshots, 0, SNAPSHOTS):.3g} s, the ramp "
                f"{ramp_ps * 1e-12:.3g} s; use a longer trace")
    return _window(snapshots, first, SNAPSHOTS)


def busy_shares(counters: npt.NDArray[np.int64], snapshots: Snapshots,
                window: Window | None, final: npt.NDArray[np.int64],
                end_ps: int) -> npt.NDArray[np.float64]:
    """Busy shares of `final`'s devices in the window; of the whole replay without one.

    Work counts where it ends, so a step that began before the window could lift a share above 1.
    """
    if window is None:
        spent, lasted = final, end_ps - int(snapshots.time_ps[0])
    else:
        spent = counters[window.last] - counters[window.first]
        lasted = int(snapshots.time_ps[window.last] - snapshots.time_ps[window.first])
    return np.minimum(np.asarray(spent / max(lasted, 1), np.float64), 1.0)


def window_notes(window: Window | None) -> list[str]:
    """What a reader should know about the steady window, or its absence."""
    if window is None:
        return ["no steady window: utilisation is over the whole replay, ramp and drain included"]
    if window.overloaded:
        return ["overload: requests finish more slowly than they arrive, so latencies grow with "
                "the length of the trace"]
    if not window.stable:
        return ["not steady: arrivals and completions differ by more than 3 % in the window"]
    return []


def _seconds(snapshots: Snapshots, first: int, last: int) -> float:
    return float(snapshots.time_ps[last] - snapshots.time_ps[first]) * 1e-12


def _window(snapshots: Snapshots, first: int, last: int) -> Window | str:
    if int(snapshots.taken[0]) <= last:
        return "the replay ended before the window did"
    seconds = _seconds(snapshots, first, last)
    if seconds <= SNAPSHOTS * 1e-12:
        return "all requests arrive at once"
    start, end = snapshots.counts[first], snapshots.counts[last]
    arrived, finished, tokens = (int(end[i] - start[i]) for i in (ARRIVED, FINISHED, TOKENS))
    active = snapshots.counts[first:last + 1, ACTIVE]
    # waiting requests count too: a cap on the running ones must not hide an overload
    inside = snapshots.counts[first:last + 1, ARRIVED] - snapshots.counts[first:last + 1, FINISHED]
    third = max(len(inside) // 3, 1)
    growth = float(inside[-third:].mean()) - float(inside[:third].mean())
    mean = float(inside.mean())
    grows = growth > STABLE_WITHIN * mean + 2 * mean ** 0.5
    lags = finished < (1 - STABLE_WITHIN) * arrived - 2 * arrived ** 0.5
    return Window(first, last, seconds, tokens / seconds, arrived / seconds, finished / seconds,
                  float(active.mean()), stable=not grows and not lags, overloaded=grows and lags)
