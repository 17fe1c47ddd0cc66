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
from rackwright.models.serving.bills import put_token_cost
from rackwright.models.serving.metrics import counted_percentile
from rackwright.models.serving.snapshots import ARRIVED, FINISHED, SNAPSHOTS, Snapshots

__all__ = ["batch_metrics", "completion_metrics", "cost_metrics", "queue_metrics",
           "stall_metrics"]

PERCENTILES = (0.1, 0.5, 0.9, 0.99)
SIDES = ("attention", "expert")


def batch_metrics(watch: Watch) -> dict[str, float]:
    """Percentiles of the tokens in a step; none of a kind of step that did not run."""
    found = {}
    for side, counts in zip(SIDES, watch.batches[:2], strict=True):
        if not counts.any():
            continue
        for share in PERCENTILES:
            found[f"{side}_batch_p{share * 100:.0f}_tokens"] = counted_percentile(counts, share)
    return found


def queue_metrics(attention: int, watch: Watch, snapshots: Snapshots) -> dict[str, float | None]:
    """Mean tokens (or parts of tokens) that wait at a GPU, by side."""
    rows = watch.queued[:int(watch.taken[0])].sum(axis=1)
    sides = (rows[:, :attention], rows[:, attention:])
    return {f"{side}_queue_mean_tokens": float(each.mean()) if each.size else None
            for side, each in zip(SIDES, sides, strict=True)}


def completion_metrics(metrics: dict[str, float], undefined: dict[str, str],
                       snapshots: Snapshots) -> None:
    """Add completions over arrivals in the last quarter of the span of the arrivals.

    Near 1 when the system keeps up; far below it, whatever the latencies, when it does not.
    """
    late = snapshots.counts[-1] - snapshots.counts[3 * SNAPSHOTS // 4]
    if int(snapshots.taken[0]) == len(snapshots.time_ps) and late[ARRIVED] > 0:
        metrics["completion_ratio"] = float(late[FINISHED] / late[ARRIVED])
    else:
        undefined["completion_ratio"] = "interrupted before the last request arrived"


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
    put_token_cost(metrics, undefined, "cost_per_million_tokens_usd", hour_price, gpus, rate)
