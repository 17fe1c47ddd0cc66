"""Writing node-link JSON: sorted by natural name, one node or edge a line.

Files compare well, and equal graphs give equal bytes. The format is told in `nodelink`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from rackwright.devices import Link, catalog
from rackwright.devices.unknown import UnknownPart
from rackwright.errors import TopologyError
from rackwright.topologies.builders.building import device_names
from rackwright.topologies.check import faults
from rackwright.topologies.formats.nodelink import FORMAT, UNKNOWN, VERSION
from rackwright.topologies.names import natural_key
from rackwright.units import exact_rate, exact_time

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["to_json"]


def to_json(graph: nx.DiGraph[Any]) -> str:
    """The text that `save` writes. Raises TopologyError."""
    found = (*faults(graph), *_unsaved(graph))
    if found:
        raise TopologyError("this topology cannot be saved", found)
    types = _link_types(graph)
    names = {_key(link): name for name, link in types.items()}
    nodes = sorted(graph.nodes, key=natural_key)
    rows = {
        "graph": [_line(dict(graph.graph))],
        "link_types": [f"{_line(name)}: {_line(_fields(name, link))}"
                       for name, link in sorted(types.items()) if not _in_catalog(name, link)],
        "nodes": [_line(_node(node, graph.nodes[node])) for node in nodes],
        "edges": [_line(edge) for edge in _edges(graph, nodes, names)]}
    return (f'{{"format": "{FORMAT}", "version": {VERSION}, "directed": true, '
            f'"multigraph": {_line(graph.is_multigraph())},\n'
            f' "graph": {rows["graph"][0]},\n'
            f' "link_types": {_block(rows["link_types"], "{}")},\n'
            f' "nodes": {_block(rows["nodes"], "[]")},\n'
            f' "edges": {_block(rows["edges"], "[]")}}}\n')


def _unsaved(graph: nx.DiGraph[Any]) -> Iterator[str]:
    """What the format cannot hold: parts outside the catalog, attributes that JSON has not."""
    known: dict[int, bool] = {}
    for node, data in graph.nodes(data=True):
        device = data.get("device")
        if id(device) not in known:
            name = getattr(device, "name", None)
            known[id(device)] = isinstance(device, UnknownPart) or (
                name in device_names() and catalog.get(str(name)) == device)
        if not known[id(device)]:
            yield (f"node {node!r}: {getattr(device, 'name', device)!r} is not the catalog's "
                   "part of that name, so its name would not bring it back")
        yield from (f"node {node!r}: {fault}" for fault in _odd(data, ("device", "forwards")))
    for tail, head, data in graph.edges(data=True):
        yield from (f"edge {tail}->{head}: {fault}" for fault in _odd(data, ("link",)))
    if graph.is_multigraph():
        keyed = cast("nx.MultiDiGraph[Any]", graph).edges(keys=True)
        yield from (f"edge {tail}->{head}: its key {key!r} is neither text nor a whole number"
                    for tail, head, key in keyed if type(key) not in (int, str))
    yield from (f"graph: {fault}" for fault in _odd(graph.graph, ()))


def _odd(data: Mapping[Any, Any], taken: tuple[str, ...]) -> Iterator[str]:
    for name, value in data.items():
        if name in taken:
            continue
        try:
            same = isinstance(name, str) and json.loads(json.dumps(value, allow_nan=False)) == value
        except (TypeError, ValueError):
            same = False
        if not same:
            yield f"attribute {name!r} is {value!r}, which JSON cannot hold"


def _link_types(graph: nx.DiGraph[Any]) -> dict[str, Link]:
    """A name for each different link; those that share one get "#2", "#3" ..."""
    links = {_key(data["link"]): data["link"] for _, _, data in graph.edges(data=True)}
    found: dict[str, Link] = {}
    for key in sorted(links):
        name, number = links[key].name, 1
        while name in found:
            number += 1
            name = f"{links[key].name}#{number}"
        found[name] = links[key]
    return found


def _key(link: Link) -> tuple[str, ...]:
    return (link.name, link.kind, repr(float(link.rate_bps)), repr(float(link.efficiency)),
            repr(float(link.latency_time)), link.source, link.content_hash)


def _in_catalog(name: str, link: Link) -> bool:
    return name in (*catalog.names("link"), *catalog.names("pcie")) and catalog.link(name) == link


def _fields(name: str, link: Link) -> dict[str, Any]:
    fields = {"name": link.name, "kind": link.kind, "rate": exact_rate(float(link.rate_bps)),
              "efficiency": float(link.efficiency),
              "latency": exact_time(float(link.latency_time)), "source": link.source,
              "content_hash": link.content_hash}
    if fields["name"] == name:
        del fields["name"]
    return {key: value for key, value in fields.items() if value != ""}


def _node(name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    part = data["device"]
    said = f"{UNKNOWN}{part.kind}:{part.name}" if isinstance(part, UnknownPart) else part.name
    entry: dict[str, Any] = {"id": name, "device": said}
    if "forwards" in data:
        entry["forwards"] = data["forwards"]
    return entry | _attributes(data, ("device", "forwards"))


def _edges(graph: nx.DiGraph[Any], nodes: list[str], names: Mapping[tuple[str, ...], str]
           ) -> Iterator[dict[str, Any]]:
    for tail in nodes:
        for head in sorted(graph.successors(tail), key=natural_key):
            data = graph.get_edge_data(tail, head)
            keyed = data.items() if graph.is_multigraph() else [(None, data)]
            for key, attributes in sorted(keyed, key=lambda pair: str(pair[0])):
                entry = {"source": tail, "target": head, "link": names[_key(attributes["link"])]}
                yield (entry | ({} if key is None else {"key": key})
                       | _attributes(attributes, ("link",)))


def _attributes(data: Mapping[str, Any], taken: tuple[str, ...]) -> dict[str, Any]:
    extra = {name: value for name, value in data.items() if name not in taken}
    return {"attributes": extra} if extra else {}


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=isinstance(value, dict)
                      and not {"id", "source", "kind"} & set(value))


def _block(lines: list[str], brackets: str) -> str:
    inner = ",\n  ".join(lines)
    return f"{brackets[0]}\n  {inner}{brackets[1]}" if lines else brackets
