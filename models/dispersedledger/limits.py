"""What limits a ledger: the busiest port, or the votes' delays, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.models.dispersedledger.measures import Times
from rackwright.models.outcome import Bottleneck

__all__ = ["limit_of"]

SATURATED = 0.9    # busy share above which we call a port saturated


def limit_of(links: Mapping[str, float], times: Times | None, load: float) -> Bottleneck:
    """`links`: busy share of each access link; `load`: bytes/s offered a site, 0 for no end."""
    name = max(links, key=lambda link: (links[link], link))
    share = links[name]
    if share >= SATURATED:
        return Bottleneck(name, "link", share, True, f"link {name} limits it (busy {share:.0%})")
    waits = "" if times is None else \
        f"; an epoch takes {times.disperse:.3g} s to disperse and agree on"
    if load:
        text = f"nothing is saturated: link {name} busiest ({share:.0%})"
    else:
        text = f"votes and agreement leave links idle: {name} busiest ({share:.0%})"
    return Bottleneck(name, "link", share, False, text + waits)
