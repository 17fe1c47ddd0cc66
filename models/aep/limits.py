"""What limits a replay: the named bottleneck and one sentence about it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rackwright.models.aep.options import AepOptions
from rackwright.models.aep.placement import Placement
from rackwright.models.outcome import Bottleneck

__all__ = ["limit_of_aep", "limit_of_barrier"]

SATURATED = 0.95    # busy share above which a resource is called saturated (our convention)

Floats = npt.NDArray[np.float64]


def limit_of_aep(placed: Placement, devices: Floats, links: Mapping[str, float],
                 breakdown: Mapping[str, float], metrics: Mapping[str, float],
                 options: AepOptions) -> Bottleneck:
    """The busiest of attention GPUs, expert GPUs and links."""
    groups = [("attention GPUs", _mean(devices[:placed.attention])),
              ("expert GPUs", _mean(devices[placed.attention:]))]
    groups += [(f"link {name}", share) for name, share in links.items()]
    resource, share = max(groups, key=lambda group: group[1])
    kind = "link" if resource.startswith("link") else "device"
    # a GPU that takes whatever waits is busy at any load; only its batches tell how much is left
    saturated = metrics.get("overloaded") == 1.0 or (
        share >= SATURATED and "overloaded" not in metrics)
    if saturated:
        text = f"{resource} limit it (busy {share:.0%})"
    elif share >= SATURATED:
        sizes = [metrics.get(f"{side}_batch_mean_tokens", 0.0) for side in ("attention", "expert")]
        text = (f"{resource} limit it (busy {share:.0%}), and yet the load is sustained: their "
                f"batches grow with it ({sizes[0]:.0f} tokens in attention, {sizes[1]:.0f} in "
                "experts on average)")
    else:
        text = (f"nothing is saturated: {resource} are the busiest ({share:.0%}); "
                f"latency is {_largest(breakdown)}")
    return Bottleneck(resource, kind, share, saturated, text)


def limit_of_barrier(placed: Placement, devices: Floats, links: Mapping[str, float],
                     breakdown: Mapping[str, float], metrics: Mapping[str, float],
                     options: AepOptions) -> Bottleneck:
    """The phase in which an iteration spends most, or the concurrency cap that binds."""
    mean = _mean(devices)
    cap = options.ep_max_running if options.policy == "ep_framework" else 0
    running = metrics.get("active_steady_requests", 0.0)
    if cap and running >= SATURATED * cap:
        text = (f"the cap of {cap} running requests limits it ({running:.0f} on average, "
                f"GPUs busy {mean:.0%}); an iteration is {_largest(breakdown)}")
        return Bottleneck("concurrency cap", "policy", running / cap, True, text)
    phase = max(breakdown, key=lambda name: breakdown[name], default="nothing")
    saturated = metrics.get("overloaded") == 1.0
    load = "the iteration limits it" if saturated else "nothing is saturated"
    return Bottleneck(phase, "phase", mean, saturated,
                      f"{load}: GPUs are busy {mean:.0%}; an iteration is {_largest(breakdown)}")


def _mean(shares: Floats) -> float:
    return float(np.mean(shares)) if len(shares) else 0.0


def _largest(breakdown: Mapping[str, float]) -> str:
    top = sorted(breakdown.items(), key=lambda item: (-item[1], item[0]))[:2]
    return " and ".join(f"{share:.0%} {name}" for name, share in top) or "not measured"
