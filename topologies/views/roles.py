"""The place of a node in a picture or table: network switches on top, GPUs and NVSwitch below."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rackwright.topologies.names import natural_key
from rackwright.topologies.parts import family_of, host_of, is_switch

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["ROWS", "prefix_of", "ranges", "rows_of"]

ROWS = {"nic": 0, "smart-nic": 0, "pcie-switch": 1, "cpu": 2, "memory": 2, "nvme": 2, "gpu": 3,
        "switch": 4}  # inside a host, top to bottom; network switches stand above, at -1, -2 ...


def rows_of(graph: nx.DiGraph[Any]) -> dict[str, int]:
    """Node -> row, the top row being the smallest number.

    A switch outside of hosts stands as many rows above the hosts as links lie between it and the
    nearest node that is none: -1 for a leaf, -2 for a spine.
    """
    rows = {}
    network = set()
    for node, data in graph.nodes(data=True):
        device = data["device"]
        if is_switch(device) and host_of(node, device) is None:
            network.add(node)
        else:
            rows[node] = ROWS[str(family_of(device))]
    return rows | _network_rows(graph, network)


def _network_rows(graph: nx.DiGraph[Any], network: set[str]) -> dict[str, int]:
    rows: dict[str, int] = {}
    level, front = 0, [node for node in graph.nodes if node not in network]
    while front:
        level -= 1
        front = sorted({near for node in front for near in graph.successors(node)
                        if near in network and near not in rows}, key=natural_key)
        rows |= dict.fromkeys(front, level)
    return rows


def prefix_of(unit: str) -> str:
    """The name without the number at its end.

    >>> prefix_of("gpu12"), prefix_of("mem")
    ('gpu', 'mem')
    """
    return re.sub(r"[0-9]+$", "", unit)


def ranges(names: Sequence[str]) -> str:
    """Short text of names: neighbours in number are joined.

    >>> ranges(["h0", "h1", "h2", "h4", "mem"])
    'h0..2, h4, mem'
    """
    parts: list[list[str]] = []
    for name in sorted(names, key=natural_key):
        if parts and _follows(parts[-1][-1], name):
            parts[-1].append(name)
        else:
            parts.append([name])
    return ", ".join(part[0] if len(part) == 1 else f"{part[0]}..{_number(part[-1])}"
                     for part in parts)


def _number(name: str) -> str:
    return name[len(prefix_of(name)):]


def _follows(one: str, other: str) -> bool:
    ends = _number(one), _number(other)
    return (prefix_of(one) == prefix_of(other) and all(ends)
            and int(ends[0]) + 1 == int(ends[1]))
