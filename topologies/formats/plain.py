"""Graphs of others with attributes of text and numbers: GraphML, plain node-link JSON.

Read as it is when it was written by us (`device`, `link`, `rate_bps` ...). Of other tools': a
node's `device` or `name` of a catalog part is that part, `kind` or `type` says what else it is, and
a node that says nothing is an endpoint that also forwards (a point of presence); a link's rate is
`rate_bps`, `LinkSpeedRaw` or `bandwidth` with a unit, else the caller's default; its latency is
`latency_time` or `latency` with a unit, else that of light in fibre between `Latitude` and
`Longitude` of its ends, else 1 us.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link, catalog
from rackwright.devices.unknown import UnknownPart
from rackwright.errors import UnitError
from rackwright.topologies.builders.building import device_names
from rackwright.topologies.builders.fibre import fibre_time
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import known_or_not
from rackwright.topologies.names import name_fault
from rackwright.topologies.parts import FAMILIES
from rackwright.units import parse_rate_bps, parse_time

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["flat_attributes", "from_attributes"]

_LATENCY = 1e-6  # s; assumed where nothing says more


def from_attributes(source: nx.Graph[Any], form: str, place: object, rate_bps: float | None
                    ) -> nx.DiGraph[Any]:
    """A topology of a graph with plain attributes. Raises TopologyError listing every fault."""
    draft = Draft(form, place, str(source.graph.get("name") or f"imported from {form}")[:80])
    names: dict[Any, str] = {}
    for node, data in source.nodes(data=True):
        names[node] = _name(draft, str(node), data, set(names.values()))
        _add(draft, names[node], data)
    for tail, head, data in source.edges(data=True):
        link = _link(draft, source, tail, head, data, rate_bps)
        if link is not None and not draft.faults:
            if source.is_directed():
                draft.join_one_way(names[tail], names[head], link)
            elif not draft.join(names[tail], names[head], link):
                draft.report.dropped["a link between two nodes that have one"] += 1
            draft.report.read["a link"] += 1
    return draft.finish()


def flat_attributes(graph: nx.DiGraph[Any]) -> nx.DiGraph[Any]:
    """A copy whose attributes are text and numbers only, from which `from_attributes` reads."""
    import networkx as nx

    flat: nx.DiGraph[Any] = nx.DiGraph(name=str(graph.graph.get("name", "")))
    for node, data in graph.nodes(data=True):
        part = data["device"]
        more = {key: value for key, value in data.items() if key != "device"}
        flat.add_node(node, device=part.name, kind=part.kind,
                      **({"attributes": json.dumps(more, sort_keys=True)} if more else {}))
    for tail, head, data in graph.edges(data=True):
        link = data["link"]
        flat.add_edge(tail, head, link=link.name, kind=link.kind, rate_bps=float(link.rate_bps),
                      efficiency=float(link.efficiency), latency_time=float(link.latency_time),
                      source_text=link.source)
    return flat


def _name(draft: Draft, node: str, data: Mapping[str, Any], taken: set[str]) -> str:
    """The node's own name, or its label, made fit."""
    for text in (node, str(data.get("label", ""))):
        if text and not text.isdecimal() and name_fault(text) is None:
            return text
    text = str(data.get("label") or f"n{node}")
    fit = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in text)[:80]
    name = fit.strip("-") or "node"
    if name in taken:
        name = f"{name}-{len(taken)}"
    draft.assume("names are changed to letters, digits and dashes")
    return name


def _add(draft: Draft, name: str, data: Mapping[str, Any]) -> None:
    said = str(data.get("device") or data.get("name") or "")
    kind = str(data.get("kind") or data.get("type") or "").lower()
    more: dict[str, Any] = {}
    if "attributes" in data:
        try:
            more = json.loads(str(data["attributes"]))
        except ValueError:
            draft.faults.append(f"node {name!r}: attributes is no JSON")
    if said in device_names():
        part: Any = catalog.get(said)
    elif kind in FAMILIES:
        part = UnknownPart(name=said or f"{kind}-unnamed", kind=kind)
    elif "switch" in kind or "router" in kind:
        part = known_or_not("switch-unnamed", "switch")
    else:
        part = known_or_not("site", "nic")
        more.setdefault("forwards", True)
        draft.assume("a node without a device is an endpoint that forwards what is not its own")
    if not isinstance(more, dict):
        draft.faults.append(f"node {name!r}: attributes must be an object")
        more = {}
    for key in ("Latitude", "Longitude"):
        if key in data:
            more[key.lower()] = data[key]
    more.pop("device", None)
    draft.add(name, part, **{str(key): value for key, value in more.items()})
    draft.report.read["a node"] += 1


def _link(draft: Draft, source: nx.Graph[Any], tail: Any, head: Any, data: Mapping[str, Any],
          rate_bps: float | None) -> Link | None:
    place = f"edge {tail}->{head}"
    called = str(data.get("link") or "")
    known = called and called in (*catalog.names("link"), *catalog.names("pcie"))
    if known and "rate_bps" not in data:
        return catalog.link(called)
    try:
        rate = _number(data, "rate_bps", "LinkSpeedRaw") or _quantity(
            data, ("rate", "bandwidth"), parse_rate_bps) or rate_bps
        latency = _number(data, "latency_time")
        if latency is None:
            latency = _quantity(data, ("latency", "delay"), parse_time)
    except (UnitError, ValueError) as problem:
        draft.faults.append(f"{place}: {problem}")
        return None
    if rate is None:
        draft.faults.append(f"{place}: no rate; it needs rate_bps, or a default for all links")
        return None
    if latency is None:
        latency = _light(source, tail, head)
        draft.assume("a link without latency takes light's time in fibre, or 1 us")
    link = Link(called or "link", str(data.get("kind") or "ethernet"), rate,
                float(data.get("efficiency", 1.0)), latency, str(data.get("source_text", "")))
    if known and dataclasses.replace(catalog.link(called), content_hash="", sources={}) == \
            dataclasses.replace(link, content_hash="", sources={}):
        return catalog.link(called)
    return link


def _number(data: Mapping[str, Any], *keys: str) -> float | None:
    for key in keys:
        if key in data:
            value = float(data[key])
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{key} is {data[key]!r}; a finite number is needed")
            return value
    return None


def _quantity(data: Mapping[str, Any], keys: tuple[str, ...], parse: Any) -> float | None:
    found = next((data[key] for key in keys if key in data), None)
    return None if found is None else float(parse(str(found)))


def _light(source: nx.Graph[Any], tail: Any, head: Any) -> float:
    try:
        places = [(float(source.nodes[node]["Latitude"]), float(source.nodes[node]["Longitude"]))
                  for node in (tail, head)]
    except (KeyError, ValueError):
        return _LATENCY
    return fibre_time(places[0], places[1])
