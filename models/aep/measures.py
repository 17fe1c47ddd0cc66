"""Metrics of AEP beyond those of every serving system: batches, queues, stalls, cost.

Batch percentiles are exact, over all steps of the replay. Queues are means over the snapshots taken
in the span of the arrivals. A GPU stalls when it does nothing, for whatever reason: nothing waits
there, or a barrier, an exchange or the host holds it up; shares are over the same window as the
utilisation. Cost counts GPU-hours, at the rate of the steady window if there is one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.models.aep.placement import Placement
from rackwright.models.aep.watch import Watch
from rackwright.models.serving.snapshots import Snapshots

__all__ = ["batch_metrics", "cost_metrics", "queue_metrics", "stall_metrics"]

PERCENTILES = (0.1, 0.5, 0.9, 0.99)
SIDES = ("attention", "expert")


def batch_metrics(watch: Watch) -> dict[str, float]:
    """Percentiles of the tokens in a step; none of a kind of step that did not run."""
    found = {}
    for side, counts in zip(SIDES, watch.batches[:2], strict=True):
        steps = np.cumsum(counts)
        if steps[-1] == 0:
            continue
        for share in PERCENTILES:
            rank = max(int(np.ceil(share * steps[-1])), 1)
            found[f"{side}_batch_p{share * 100:.0f}"] = float(np.searchsorted(steps, rank))
    return found


def queue_metrics(attention: int, watch: Watch, snapshots: Snapshots) -> dict[str, float | None]:
    """Mean tokens (or parts of tokens) that wait at a GPU, by side."""
    rows = watch.queued[:int(watch.taken[0])]
    sides = (rows[:, :attention], rows[:, attention:])
    return {f"{side}_queue_mean": float(each.mean()) if each.size else None
            for side, each in zip(SIDES, sides, strict=True)}


def stall_metrics(metrics: dict[str, float], placed: Placement, busy: npt.NDArray[np.float64], *,
                  barrier: bool) -> None:
    """Add the share of time in which GPUs do nothing: all of them, and by side if there are two."""
    metrics["gpu_stall_share"] = 1 - float(np.mean(busy))
    if not barrier:
        metrics["attention_idle_share"] = 1 - float(np.mean(busy[:placed.attention]))
        metrics["expert_idle_share"] = 1 - float(np.mean(busy[placed.attention:]))


def cost_metrics(metrics: dict[str, float], undefined: dict[str, str], hour_price: float | None,
                 gpus: int) -> None:
    """Add USD of a million tokens, or why there is no such number."""
    rate = metrics.get("throughput_steady_tokens_per_s", metrics.get("throughput_tokens_per_s"))
    if hour_price is None:
        undefined["cost_per_million_tokens_usd"] = "gpu_hour_price is not given"
    elif not rate:
        undefined["cost_per_million_tokens_usd"] = "no tokens were made"
    else:
        metrics["cost_per_million_tokens_usd"] = hour_price * gpus / 3600 / rate * 1e6
