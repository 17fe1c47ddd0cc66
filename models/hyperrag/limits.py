"""What limits a replay: the busiest of GPUs, links, drives and index search, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rackwright.models.outcome import Bottleneck

__all__ = ["limit_of"]

SATURATED = 0.9    # busy share, ramp and drain included, above which we call a resource saturated
_TIERS = {"hbm": "GPU memory", "dram": "host memory", "nvme": "the drives",
          "remote": "the KV servers"}


def limit_of(devices: npt.NDArray[np.float64], links: Mapping[str, float], search: float,
             tier: str, metrics: Mapping[str, float]) -> Bottleneck:
    """`tier`: the one that most often ends a load, "" for none."""
    groups = [("GPUs", "device", float(np.mean(devices))), ("index search", "host", search)]
    groups += [(name, "link", share) for name, share in links.items()]
    resource, kind, share = max(groups, key=lambda group: group[2])
    saturated = share >= SATURATED
    loads = f"; loads end with {_TIERS[tier]}" if kind == "link" and tier in _TIERS else ""
    name = f"link {resource}" if kind == "link" else resource
    if saturated:
        text = f"{name} limit{'s' if kind != 'device' else ''} it (busy {share:.0%}){loads}"
    else:
        text = f"nothing is saturated: {name} busiest ({share:.0%}){loads}"
    return Bottleneck(resource, kind, share, saturated, text)
