"""Which format a text has, by its content; reading it with the right reader.

Names of files do not count. A text of an unknown sort is one error that names all that are read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rackwright.errors import InputError
from rackwright.topologies.formats import nodelink
from rackwright.topologies.formats.strict import parsed

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["FORMATS", "read_text"]

FORMATS = ("node-link JSON", "NCCL / RCCL topology XML", "hwloc XML", "GraphML",
           "nvidia-smi topo -m", "SimAI / ns-3 text", "ASTRA-sim YAML", "containerlab YAML")
_OTHER_ROOTS = {
    "graphs": "NCCL's dump of the rings and trees it chose (NCCL_GRAPH_DUMP_FILE), which has no "
              "machine in it; dump NCCL_TOPO_DUMP_FILE instead",
    "platform": "a SimGrid platform, which is not read yet",
    "svg": "a picture", "html": "a web page"}


def read_text(text: str, place: object, rate_bps: float | None = None) -> nx.DiGraph[Any]:
    """The topology in `text`. Raises InputError, TopologyError."""
    head = text.lstrip()[:1]
    if head == "<":
        return _xml(text, place, rate_bps)
    if head == "{":
        return _json(text, place, rate_bps)
    if not head:
        raise InputError("the file is empty", place=place)
    return _lines(text, place, rate_bps)


def _xml(text: str, place: object, rate_bps: float | None) -> nx.DiGraph[Any]:
    from rackwright.topologies.formats.graphml import read_graphml
    from rackwright.topologies.formats.hwloc import read_hwloc
    from rackwright.topologies.formats.nccl_read import read_nccl
    from rackwright.topologies.formats.safe_xml import parse_xml

    root = parse_xml(text, place)
    if root.tag == "system":
        return read_nccl(root, place)
    if root.tag == "topology":
        return read_hwloc(root, place)
    if root.tag == "graphml":
        return read_graphml(text, place, rate_bps)
    what = _OTHER_ROOTS.get(root.tag, f"XML of an unknown sort, <{root.tag[:40]}>")
    raise InputError(f"this is {what}. {_known()}", place=place, line=root.line)


def _json(text: str, place: object, rate_bps: float | None) -> nx.DiGraph[Any]:
    data = parsed(text, place)
    if isinstance(data, dict) and "format" not in data and isinstance(data.get("nodes"), list) \
            and ("edges" in data or "links" in data):
        return _plain_json(data, place, rate_bps)
    return nodelink.read(text, place, data)


def _plain_json(data: dict[str, Any], place: object, rate_bps: float | None) -> nx.DiGraph[Any]:
    import networkx as nx

    from rackwright.topologies.formats.plain import from_attributes

    try:
        source = nx.node_link_graph(data, edges="edges" if "edges" in data else "links")
    except (nx.NetworkXError, KeyError, TypeError, ValueError, AttributeError) as problem:
        raise InputError(f"node-link JSON that networkx cannot read: {problem}", place=place
                         ) from None
    names = [str(node.get("id")) for node in data["nodes"]]
    if len(source) < len(names):  # the library keeps the last of two
        twin = next(name for number, name in enumerate(names) if name in names[:number])
        raise InputError(f"node-link JSON in which node {twin[:80]!r} stands twice; names must "
                         "differ", place=place)
    return from_attributes(source, "plain node-link JSON", place, rate_bps)


def _lines(text: str, place: object, rate_bps: float | None) -> nx.DiGraph[Any]:
    from rackwright.topologies.formats import astra, containerlab, ns3, nvidia_smi
    from rackwright.topologies.formats.safe_yaml import parse_yaml

    if nvidia_smi.is_topo_matrix(text):
        return nvidia_smi.read_topo_matrix(text, place)
    if ns3.is_ns3(text):
        return ns3.read_ns3(text, place)
    if ":" in text[:4096]:
        data = parse_yaml(text, place)
        if astra.is_astra(data):
            return astra.read_astra(data, place)
        if containerlab.is_containerlab(data):
            return containerlab.read_containerlab(data, place, rate_bps)
    raise InputError(f"this is no topology that is read, it begins {json.dumps(text[:40])}. "
                     f"{_known()}", place=place)


def _known() -> str:
    return f"Read are: {', '.join(FORMATS)}"
