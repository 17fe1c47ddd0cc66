"""What limits a replay: dispatch thread, workers, witnesses or a link, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.models.curp.options import CurpOptions
from rackwright.models.outcome import Bottleneck

__all__ = ["limit_of"]

SATURATED = 0.95    # busy share above which a resource is called saturated (our convention)


def limit_of(busy: Mapping[str, float], links: Mapping[str, float],
             options: CurpOptions) -> Bottleneck:
    """The busiest of all."""
    groups = [(name, "device", share) for name, share in busy.items()
              if name != "workers waiting for a sync"]
    groups += [(name, "link", share) for name, share in links.items()]
    resource, kind, share = max(groups, key=lambda group: group[2])
    name = f"link {resource}" if kind == "link" else resource
    waits = busy["workers waiting for a sync"]
    if share >= SATURATED:
        more = f", {waits:.0%} of it waiting for syncs" if resource == "master workers" else ""
        return Bottleneck(resource, kind, share, True, f"{name} limits it (busy {share:.0%}{more})")
    load = f"{options.clients} clients" if options.load == "closed" else "the offered load"
    return Bottleneck(resource, kind, share, False,
                      f"{load} does not saturate it: {name} is the busiest ({share:.0%})")
