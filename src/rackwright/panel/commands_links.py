"""Rows of the command table: the link instruments. A link is named as in the fabric,
``h0/gpu0->h0/nvswitch``: one direction."""

from __future__ import annotations

import re
from typing import Any

from rackwright.errors import UnknownName
from rackwright.panel.scpi.arguments import Text
from rackwright.panel.scpi.interpreter import Command, Interpreter
from rackwright.panel.scpi.message import quoted

__all__ = ["LINKS", "link_number"]

_KINDS = ("rack", "links")
_LINK = (Text("link"),)


def link_number(session: Interpreter, name: str) -> int:
    """The index of a link. Raises UnknownName."""
    names = session.instrument.rack.fabric.link_names
    if name not in names:
        raise UnknownName("link", name, names[:8])
    return int(names.index(name))


def _of(array: str) -> Any:
    """A query of one of the traffic's counters, whole numbers."""
    def counted(session: Interpreter, name: str) -> int:
        session.instrument.rack.settle()
        return int(getattr(session.instrument.rack.traffic, array)[link_number(session, name)])
    return counted


def _rate(session: Interpreter, name: str) -> float:
    return float(session.instrument.rack.link_rate(link_number(session, name)))


def _capacity(session: Interpreter, name: str) -> float:
    return float(session.instrument.rack.traffic.capacity(link_number(session, name)))


def _utilisation(session: Interpreter, name: str) -> float:
    """Of what it can carry now; a dead link is not used."""
    capacity = _capacity(session, name)
    return _rate(session, name) / capacity if capacity else 0.0


def _speed(session: Interpreter, name: str) -> float:
    fabric, link = session.instrument.rack.fabric, link_number(session, name)
    tail, head = (fabric.nodes[end[link]] for end in (fabric.link_tails, fabric.link_heads))
    edges = fabric.graph.get_edge_data(tail, head)
    if "link" not in edges:  # parallel links of a multigraph
        edges = next(iter(edges.values()))
    traffic = session.instrument.rack.traffic
    return float(edges["link"].rate_bps * traffic.faulty[link] / traffic.healthy[link])


def _width(session: Interpreter, name: str) -> float:
    """Lanes in use, where the link's name says how many it has."""
    rack: Any = session.instrument.rack
    link = link_number(session, name)
    tail, head = (rack.fabric.nodes[end[link]]
                  for end in (rack.fabric.link_tails, rack.fabric.link_heads))
    data = rack.fabric.graph.get_edge_data(tail, head)
    lanes = re.search(r"-x(\d+)$", data["link"].name) if "link" in data else None
    if lanes is None:
        return float("nan")
    return int(rack.faults.lanes.get(link, int(lanes[1])))


def _latency(session: Interpreter, name: str) -> float:
    rack, link = session.instrument.rack, link_number(session, name)
    return float(rack.faults.late.get(link, int(rack.fabric.links.latency_ps[link]))) * 1e-12


def _state(session: Interpreter, name: str) -> str:
    up = session.instrument.rack.traffic.faulty[link_number(session, name)] > 0
    return "UP" if up else "DOWN"


def _catalog(session: Interpreter) -> str:
    return quoted(",".join(session.instrument.rack.fabric.link_names))


def _reset(session: Interpreter) -> None:
    session.instrument.rack.settle()  # what has moved so far is forgotten too
    traffic = session.instrument.rack.traffic
    for counter in (traffic.link_nbytes, traffic.errors, traffic.replays):
        counter[:] = 0


LINKS: tuple[Command, ...] = (
    Command("MEASure:LINK:RATE", "Payload that moves now.", ask=_rate, ask_takes=_LINK,
            unit="B/s", kinds=_KINDS),
    Command("MEASure:LINK:CAPacity", "Payload that it can carry now, faults and errors included.",
            ask=_capacity, ask_takes=_LINK, unit="B/s", kinds=_KINDS),
    Command("MEASure:LINK:UTILisation", "The rate over the capacity, 0 to 1.", ask=_utilisation,
            ask_takes=_LINK, kinds=_KINDS),
    Command("SENSe:LINK:SPEed", "The line rate now, before encoding and headers.", ask=_speed,
            ask_takes=_LINK, unit="b/s", kinds=_KINDS),
    Command("SENSe:LINK:WIDTh", "PCIe lanes in use; 9.91E+37 for other links.", ask=_width,
            ask_takes=_LINK, kinds=_KINDS),
    Command("SENSe:LINK:LATency", "The latency now, from first bit in to first bit out.",
            ask=_latency, ask_takes=_LINK, unit="s", kinds=_KINDS),
    Command("SENSe:LINK:STATe", "UP or DOWN.", ask=_state, ask_takes=_LINK, kinds=_KINDS),
    Command("SENSe:LINK:COUNt:BYTes", "Payload bytes so far.", ask=_of("link_nbytes"),
            ask_takes=_LINK, unit="B", kinds=_KINDS),
    Command("SENSe:LINK:COUNt:ERRors", "Bit errors so far, as expected of its error rate.",
            ask=_of("errors"), ask_takes=_LINK, kinds=_KINDS),
    Command("SENSe:LINK:COUNt:REPLays", "Units sent again so far, as expected of its error rate.",
            ask=_of("replays"), ask_takes=_LINK, kinds=_KINDS),
    Command("SENSe:LINK:COUNt:RESet", "All counters of all links back to 0.", act=_reset,
            kinds=_KINDS),
    Command("SYSTem:CATalog:LINKs", "Names of the links.", ask=_catalog, kinds=_KINDS),
)
