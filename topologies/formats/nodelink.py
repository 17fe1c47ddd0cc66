"""Node-link JSON: the native file of a topology. It keeps the graph as it is.

::

    {"format": "rackwright-topology", "version": 1, "directed": true, "multigraph": false,
     "graph": {"name": "two hosts"},
     "link_types": {
       "cable": {"kind": "ethernet", "rate": "25Gbps", "efficiency": 0.95, "latency": "1us"}},
     "nodes": [
       {"id": "h0", "device": "connectx-6"},
       {"id": "h1", "device": "connectx-6", "forwards": false},
       {"id": "s0", "device": "ethernet-switch", "attributes": {"rack": "r1"}}],
     "edges": [
       {"source": "h0", "target": "s0", "link": "cable"},
       {"source": "s0", "target": "h0", "link": "nvlink4"}]}

`device`: a part of the catalog, or ``unknown:gpu:gfx908``: kind and name of a part without numbers.
`link`: a name in `link_types`, else a link of the catalog.
Rates and latencies carry units. With ``"directed": false`` an edge stands for both directions.
Unknown keys are errors. Leaves out: the parts themselves, so a changed copy of one cannot be
saved. Whether the graph can be used is for `compile` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link, catalog
from rackwright.devices.unknown import UnknownPart
from rackwright.errors import TopologyError, UnitError, UnknownName
from rackwright.topologies.builders.building import device_part
from rackwright.topologies.check import link_faults
from rackwright.topologies.formats.strict import entry_faults, named, parsed, short
from rackwright.topologies.names import name_fault
from rackwright.topologies.parts import FAMILIES
from rackwright.units import parse_rate_bps, parse_time

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["FORMAT", "UNKNOWN", "VERSION", "read"]

FORMAT, VERSION = "rackwright-topology", 1
UNKNOWN = "unknown:"  # "unknown:gpu:gfx908" is a part of which only kind and name are known
_MOST_NODES, _MOST_EDGES = 200_000, 4_000_000  # our own limits: beyond, memory runs out first
_TOP = {"format": str, "version": int, "directed": bool, "multigraph": bool, "graph": dict,
        "link_types": dict, "nodes": list, "edges": list}
_NODE = {"id": str, "device": str, "forwards": bool, "attributes": dict}
_EDGE = {"source": str, "target": str, "link": str, "key": (int, str), "attributes": dict}
_LINK = {"kind": str, "name": str, "rate": str, "efficiency": (int, float), "latency": str,
         "source": str, "content_hash": str}


def read(text: str, place: object, data: Any = None) -> nx.DiGraph[Any]:
    """The graph that the JSON `text` holds; `place` is the file's name for errors.

    `data`: what `text` holds, when it was parsed already. Raises InputError with the line for
    broken JSON, TopologyError listing all other faults.
    """
    reader = _Reader(parsed(text, place) if data is None else data)
    graph = reader.graph()
    if reader.faults:
        raise TopologyError("not a topology", reader.faults, place=place)
    return graph


class _Reader:
    """Builds the graph and collects what is wrong on the way."""

    def __init__(self, data: Any) -> None:
        self.faults: list[str] = []
        self._data = data
        self._links: dict[str, Link | None] = {}
        self._devices: dict[str, Any] = {}

    def graph(self) -> nx.DiGraph[Any]:
        import networkx as nx

        data = self._data
        if not self._is_topology():
            return nx.DiGraph()
        graph: nx.DiGraph[Any] = (nx.MultiDiGraph if data.get("multigraph") else nx.DiGraph)()
        graph.graph.update(data.get("graph", {}))
        for name, fields in data.get("link_types", {}).items():
            self._links[name] = self._link_type(name, fields)
        for number, entry in enumerate(data["nodes"]):
            self._node(graph, number, entry)
        for number, entry in enumerate(data["edges"]):
            self._edge(graph, number, entry, data.get("directed", True))
        return graph

    def _is_topology(self) -> bool:
        """Whether the outermost object can be read on."""
        data = self._data
        if not isinstance(data, dict):
            self.faults.append(f"the file holds {short(data)}; it must hold an object "
                               f'{{"format": "{FORMAT}", "version": {VERSION}, ...}}')
            return False
        if data.get("format") != FORMAT:
            self.faults.append(f'"format" is {short(data.get("format"))}; it must be '
                               f'"{FORMAT}", as topologies.save writes it')
        elif data.get("version") != VERSION:
            self.faults.append(f'"version" is {short(data.get("version"))}; this release reads '
                               f"version {VERSION}")
        else:
            self._check("the file", data, _TOP, ("nodes", "edges"))
            self._limit("nodes", _MOST_NODES)
            self._limit("edges", _MOST_EDGES)
        return not self.faults

    def _limit(self, key: str, most: int) -> None:
        if isinstance(self._data.get(key), list) and len(self._data[key]) > most:
            self.faults.append(f"{len(self._data[key])} {key}; at most {most} are read")

    def _node(self, graph: nx.DiGraph[Any], number: int, entry: Any) -> None:
        place = named("node", number, entry, "id")
        if not self._check(place, entry, _NODE, ("id", "device")):
            return
        name, bad = entry["id"], name_fault(entry["id"])
        if bad:
            self.faults.append(f"node {bad}")
        elif name in graph:
            self.faults.append(f"{place} stands twice")
        graph.add_node(name)
        graph.nodes[name].update(self._attributes(place, entry, ("device", "forwards")))
        graph.nodes[name]["device"] = self._device(place, entry["device"])
        if "forwards" in entry:
            graph.nodes[name]["forwards"] = entry["forwards"]

    def _edge(self, graph: nx.DiGraph[Any], number: int, entry: Any, directed: bool) -> None:
        place = named("edge", number, entry, "source", "target")
        if not self._check(place, entry, _EDGE, ("source", "target", "link")):
            return
        ends = entry["source"], entry["target"]
        missing = [end for end in ends if end not in graph]
        self.faults += [f"{place}: there is no node {end!r}" for end in missing]
        link = self._link(place, entry["link"])
        if missing:
            return
        for tail, head in (ends,) if directed else (ends, ends[::-1]):
            self._add_edge(graph, place, tail, head, entry, link)

    def _add_edge(self, graph: nx.DiGraph[Any], place: str, tail: str, head: str,
                  entry: Mapping[str, Any], link: Link | None) -> None:
        key = (entry.get("key", graph.number_of_edges(tail, head)),) * graph.is_multigraph()
        if graph.has_edge(tail, head, *key):
            self.faults.append(f"{place} stands twice; parallel links need \"multigraph\": true "
                               "and keys that differ")
        graph.add_edge(tail, head, *key)
        data = graph.get_edge_data(tail, head, *key)
        data.update(self._attributes(place, entry, ("link",)))
        data["link"] = link

    def _attributes(self, place: str, entry: Mapping[str, Any], taken: tuple[str, ...]
                    ) -> Mapping[str, Any]:
        """What the user adds of their own; `taken` are names that mean something here."""
        extra: Mapping[str, Any] = entry.get("attributes", {})
        self.faults += [f"{place}: {name!r} stands beside attributes, not among them"
                        for name in taken if name in extra]
        return extra

    def _device(self, place: str, name: str) -> Any:
        if name not in self._devices:
            try:
                self._devices[name] = _unknown(name) or device_part(name)
            except UnknownName as problem:
                self._devices[name] = problem
        found = self._devices[name]
        if isinstance(found, UnknownName):
            self.faults.append(f"{place}: {found}")
        return found

    def _link(self, place: str, name: str) -> Link | None:
        if name not in self._links:
            try:
                self._links[name] = catalog.link(name)
            except UnknownName:
                known = (*self._links, *catalog.names("link"), *catalog.names("pcie"))
                self.faults.append(f"{place}: {UnknownName('link', name, known)}")
                return None
        return self._links[name]

    def _link_type(self, name: str, fields: Any) -> Link | None:
        place = f"link type {name!r}"
        wanted = ("kind", "rate", "efficiency", "latency")
        if not self._check(place, fields, _LINK, wanted):
            return None
        try:
            link = Link(fields.get("name", name), fields["kind"],
                        parse_rate_bps(fields["rate"], what=f"{place}: rate"),
                        fields["efficiency"],
                        parse_time(fields["latency"], what=f"{place}: latency"),
                        fields.get("source", ""), fields.get("content_hash", ""))
        except UnitError as problem:
            self.faults.append(str(problem))
            return None
        self.faults += [f"{place}: {fault}" for fault in link_faults(link)]
        return link

    def _check(self, place: str, entry: Any, allowed: Mapping[str, Any],
               needed: tuple[str, ...]) -> bool:
        """Whether `entry` is an object with the needed keys, no others, of the right types."""
        found = list(entry_faults(place, entry, allowed, needed))
        self.faults += found
        return not found


def _unknown(name: str) -> UnknownPart | None:
    """The part that ``unknown:kind:name`` says; None when it says nothing of the sort."""
    if not name.startswith(UNKNOWN):
        return None
    kind, _, label = name.removeprefix(UNKNOWN).partition(":")
    if kind not in FAMILIES or not label:
        raise UnknownName("kind of part without numbers", kind, FAMILIES)
    return UnknownPart(name=label, kind=kind)
