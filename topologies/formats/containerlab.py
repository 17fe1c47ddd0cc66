"""containerlab YAML: which node is cabled to which, without rates.

``topology: {nodes: {leaf1: {kind: srl}}, links: [{endpoints: ["leaf1:e1-1", "h1:eth1"]}]}``. Nodes
of kind `linux`, `host`, `bridge`-less clients are hosts with an adapter, all others are
switches. The file carries no rates, so the caller must give one for all links; parallel links
between two nodes become one of their sum. Leaves out: images, configuration, management.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import known_or_not, nic_by_rate
from rackwright.topologies.names import name_fault

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["is_containerlab", "read_containerlab"]

_HOSTS = ("linux", "host", "ext-container", "k8s-kind")
_LATENCY = 1e-6  # s; assumed: cable, transceivers and a hop of a network without figures


def is_containerlab(data: object) -> bool:
    """Whether the file's data look like a lab."""
    return isinstance(data, dict) and isinstance(data.get("topology"), dict)


def read_containerlab(data: dict[str, Any], place: object, rate_bps: float | None
                      ) -> nx.DiGraph[Any]:
    """The graph of the lab, every link of `rate_bps`. Raises TopologyError listing faults."""
    draft = Draft("containerlab YAML", place, str(data.get("name", "imported lab"))[:80])
    lab = data["topology"]
    nodes, links = lab.get("nodes"), lab.get("links", [])
    if not isinstance(nodes, dict) or not nodes or not isinstance(links, list):
        draft.faults.append("topology needs nodes: {name: {kind: ...}} and links: [...]")
    if rate_bps is None:
        draft.faults.append("the format carries no rates; give one for all links, as in "
                            "load(file, default_rate=\"100Gbps\") or --default-rate 100Gbps")
    if draft.faults:
        return draft.finish()
    assert rate_bps is not None
    kinds = _nodes(draft, nodes, lab.get("defaults"), rate_bps)
    cables: Counter[tuple[str, str]] = Counter()
    for number, link in enumerate(links):
        ends = _ends(link)
        missing = [end for end in ends or () if end not in kinds]
        if ends is None or missing or ends[0] == ends[1]:
            draft.faults.append(f"links[{number}] is {str(link)[:80]}; endpoints of two different "
                                "nodes are needed, as in [\"leaf1:e1-1\", \"spine1:e1-1\"]"
                                + (f" (no node {missing[0]!r})" if missing else ""))
        else:
            cables[min(ends), max(ends)] += 1
            draft.report.read["a link"] += 1
    draft.assume(f"every link has {rate_bps / 1e9:g} Gb/s and {_LATENCY * 1e6:g} us")
    for (one, other), number in cables.items():
        draft.join(one, other, Link(f"lab-x{number}", "ethernet", rate_bps * number, 1.0, _LATENCY,
                                    "the default rate given for the import"))
    return draft.finish()


def _nodes(draft: Draft, nodes: dict[Any, Any], defaults: object, rate_bps: float
           ) -> dict[str, str]:
    base = str(defaults.get("kind", "")) if isinstance(defaults, dict) else ""
    kinds = {}
    for name, body in nodes.items():
        kind = str(body.get("kind", base)) if isinstance(body, dict) else base
        bad = name_fault(name)
        if bad or "/" in str(name):
            draft.faults.append(f"node {bad or f'{name!r} has a slash'}")
            continue
        kinds[str(name)] = kind
        if kind in _HOSTS:
            part, said = nic_by_rate(rate_bps)
            draft.assume(said)
        else:
            part = known_or_not("switch-unnamed", "switch")
        draft.add(str(name), part, lab_kind=kind)
        draft.report.read["a host" if kind in _HOSTS else "a switch"] += 1
    if kinds and all(kind not in _HOSTS for kind in kinds.values()):
        draft.faults.append(f"no node is a host: none is of kind {', '.join(_HOSTS)}")
    return kinds


def _ends(link: object) -> tuple[str, str] | None:
    ends = link.get("endpoints") if isinstance(link, dict) else None
    if not isinstance(ends, list) or len(ends) != 2:
        return None
    names = []
    for end in ends:
        if isinstance(end, dict):
            end = end.get("node")
        if not isinstance(end, str):
            return None
        names.append(end.partition(":")[0])
    return names[0], names[1]
