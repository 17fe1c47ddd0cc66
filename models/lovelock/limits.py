"""What limits a replay: the busiest of cores, memory, blocks, links and accelerators."""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.models.outcome import Bottleneck

__all__ = ["SATURATED", "limit_of"]

SATURATED = 0.9    # busy share, ramp and drain included, above which we call a resource saturated


def limit_of(devices: Mapping[str, float], links: Mapping[str, float],
             breakdown: Mapping[str, float]) -> Bottleneck:
    """`breakdown`: shares of operators' time by kind; the largest is named if nothing is full."""
    groups = [(name, "device", share) for name, share in devices.items()]
    groups += [(name, "link", share) for name, share in links.items()]
    if not groups:
        return Bottleneck("nothing", "device", 0.0, False, "nothing took any time")
    resource, kind, share = max(groups, key=lambda group: group[2])
    name = f"link {resource}" if kind == "link" else resource
    if share >= SATURATED:
        return Bottleneck(resource, kind, share, True, f"{name} limits it (busy {share:.0%})")
    most = max(breakdown, key=lambda key: breakdown[key]) if breakdown else "nothing"
    return Bottleneck(resource, kind, share, False,
                      f"nothing is saturated: {name} busiest ({share:.0%}), most of an operator's "
                      f"time is {most}")
