"""What limits a replay of the engine: the named bottleneck and one sentence about it."""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.models.outcome import Bottleneck
from rackwright.models.serving.state import EngineState

__all__ = ["limit_of"]

FULL = 0.95    # share of a bound from which it is called reached (our convention)


def limit_of(state: EngineState, busy: float, links: Mapping[str, float],
             breakdown: Mapping[str, float], metrics: Mapping[str, float]) -> Bottleneck:
    """The KV cache, the cap on running requests, or what a step spends most of its time on."""
    overloaded = metrics.get("overloaded") == 1.0
    waiting = metrics.get("waiting_mean", 0.0)
    memory = metrics.get("kv_use_max", 0.0)
    running = metrics.get("running_max", 0.0)
    where = f"GPUs are busy {busy:.0%}; a request's time is {_largest(breakdown)}"
    if memory >= FULL and (metrics.get("preemptions") or waiting >= 1):
        text = (f"the KV cache limits it ({memory:.0%} of {state.fixed.pages} pages in use at "
                f"most, {waiting:.1f} requests waiting on average); {where}")
        return Bottleneck("KV cache", "memory", memory, True, text)
    cap = state.fixed.most_running
    if running >= cap and waiting >= 1 and cap < len(state.requests.arrival_ps):
        share = metrics.get("running_mean", 0.0) / cap / len(state.admission.kv_free)
        text = (f"the cap of {cap} running requests limits it ({waiting:.1f} waiting on average); "
                f"{where}")
        return Bottleneck("running requests", "policy", share, True, text)
    link = max(links.items(), key=lambda item: item[1], default=("", 0.0))
    if link[1] > busy:
        return Bottleneck(f"link {link[0]}", "link", link[1], link[1] >= FULL,
                          f"{link[0]} is the busiest ({link[1]:.0%}); {where}")
    pieces = {name: share for name, share in breakdown.items() if name != "queue"}
    piece = max(pieces, key=lambda name: pieces[name], default="nothing")
    load = f"{piece} limit it" if overloaded else "nothing is saturated"
    return Bottleneck(piece, "phase", busy, overloaded, f"{load}: {where}")


def _largest(breakdown: Mapping[str, float]) -> str:
    top = sorted(breakdown.items(), key=lambda item: (-item[1], item[0]))[:2]
    return " and ".join(f"{share:.0%} {name}" for name, share in top) or "not measured"
