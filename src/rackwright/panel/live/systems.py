"""How each system is made ready to be stepped: its state, its kernel, its report, its links.

What runs is what `rackwright.run.replay` runs; without faults the result is the same, byte for
byte. Imports of models wait until a system is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.models.outcome import Outcome
from rackwright.panel.live.links import ExchangeLinks, FlowLinks, Links, PathLinks, PortLinks
from rackwright.topologies import Fabric

__all__ = ["SYSTEMS", "UNREACHED", "Live", "Work", "unreached"]


@dataclass(frozen=True)
class Work:
    """What a model's `replay` is called with."""

    fabric: Fabric
    trace: Any
    options: Any
    seed: int


@dataclass
class Live:
    """A model before its first event. `finish(state, complete)` makes the outcome."""

    state: Any
    advance: Any
    grow: Any
    waits: Callable[[Any], str]
    faults: Callable[[Any], str]
    progress: Callable[[Any], tuple[float, float, str]]
    finish: Callable[[Any, bool], Outcome]
    links: Links


def _aep(work: Work) -> Live:
    from rackwright.models.aep import report
    from rackwright.models.aep.barrier import advance_barrier
    from rackwright.models.aep.barrier_state import BarrierState
    from rackwright.models.aep.kernel import advance
    from rackwright.models.aep.state import grow
    from rackwright.models.aep.workload import prepare

    state, placed, costs = prepare(work.fabric, work.trace, work.options, work.seed)
    barrier = isinstance(state, BarrierState)
    words: Any = report.barrier_outcome if barrier else report.outcome
    links: Links = ExchangeLinks(lambda now: now.fixed.ps_per_byte)
    if not isinstance(state, BarrierState):
        state = state._replace(ports=_own(state.ports))
        links = PortLinks(lambda now: now.ports)
    return Live(state, advance_barrier if barrier else advance, grow, report.words_of_stall,
                report.words_of_fault, report.progress_of,
                lambda end, complete: words(work.fabric, placed, work.options, costs, end,
                                            complete=complete), links)


def _curp(work: Work) -> Live:
    from rackwright.models.curp import report
    from rackwright.models.curp.kernel import advance
    from rackwright.models.curp.state import grow
    from rackwright.models.curp.workload import prepare

    made = prepare(work.fabric, work.trace, work.options)
    state = made.state._replace(ports=_own(made.state.ports))
    ends = made.placed.ends
    routes = {(row, column): work.fabric.route(source, target, 0)
              for row, source in enumerate(ends) for column, target in enumerate(ends)
              if source != target}
    return Live(state, advance, grow, report.words_of_stall, report.words_of_fault,
                report.progress_of,
                lambda end, complete: report.outcome(work.fabric, work.trace, work.options, made,
                                                     end, complete=complete),
                PathLinks(lambda now: now.ports, lambda now: now.paths.ps_per_byte, routes))


def _hyperrag(work: Work) -> Live:
    from rackwright.models.hyperrag import report
    from rackwright.models.hyperrag.kernel import advance
    from rackwright.models.hyperrag.state import grow
    from rackwright.models.hyperrag.workload import prepare

    made = prepare(work.fabric, work.trace, work.options)
    return Live(made.state, advance, grow, report.words_of_stall, report.words_of_fault,
                report.progress_of,
                lambda end, complete: report.outcome(work.fabric, work.options, made, end,
                                                     complete=complete),
                FlowLinks(len(work.fabric.link_names), made.placed.routes,
                          lambda now: now.fixed.latency_ps, work.fabric.links.latency_ps))


def _dispersedledger(work: Work) -> Live:
    from rackwright.models.dispersedledger import report
    from rackwright.models.dispersedledger.workload import prepare
    from rackwright.panel.live.ledger import SiteLinks, advance, new_ledger, words_of_fault

    state = new_ledger(prepare(work.fabric, work.trace, work.options))
    made, sites = state.made, state.made.placed.sites
    routes = {(row, column): work.fabric.route(source, target)
              for row, source in enumerate(sites) for column, target in enumerate(sites)
              if source != target}

    def finish(end: Any, complete: bool) -> Outcome:
        tables, moving = end.ended()
        return report.outcome(work.fabric, work.options, made, tables, moving, end.reached)

    return Live(state, advance, None, lambda now: "", words_of_fault,
                lambda now: (now.reached, made.duration, ""), finish,
                SiteLinks(made, routes, work.fabric.links.latency_ps))


def unreached(system: str, options: Mapping[str, Any]) -> str:
    """Why the rack cannot step a system with these options; empty if it can."""
    if system in SYSTEMS:
        if system == "dispersedledger" and options.get("method", "ticks") != "ticks":
            return "only its method 'ticks' goes through time"
        return ""
    return UNREACHED.get(system, "it is replayed in one go")


def _own(ports: Any) -> Any:
    """Ports that share no array with the fabric, which faults must not change."""
    return type(ports)(*(np.array(array) for array in ports))


SYSTEMS: Mapping[str, Callable[[Work], Live]] = {"aep": _aep, "curp": _curp,
                                                 "dispersedledger": _dispersedledger,
                                                 "hyperrag": _hyperrag}

UNREACHED: Mapping[str, str] = {
    "deeppool": "it plans with exchange times that are computed before it starts",
    "lovelock": "equal links are one class in it, and a fault makes one differ",
    "serving": "its exchange times are tables that are computed before it starts",
    "training": "its step is replayed in one go",
}
