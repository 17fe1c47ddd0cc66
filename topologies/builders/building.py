"""Small helpers of the builders: parts by name, checked counts, links in both directions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

from rackwright.devices import Link, LinkPart, catalog
from rackwright.errors import UnknownName, UsageError
from rackwright.topologies.parts import family_of

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["add_link", "count", "device_names", "device_part", "link_part", "new_graph",
           "nvlink_bundle", "nvlink_count"]

_MOST = 65_536  # of anything; our own limit, far above what is useful here


def new_graph(name: str) -> nx.DiGraph[Any]:
    """An empty graph; `name` is its title in tables and pictures."""
    import networkx as nx

    return nx.DiGraph(name=name)


def add_link(graph: nx.DiGraph[Any], one: str, other: str, link: Link) -> None:
    """Join two nodes in both directions."""
    graph.add_edge(one, other, link=link)
    graph.add_edge(other, one, link=link)


def count(name: str, value: object, least: int = 1, most: int = _MOST) -> int:
    """`value` as a whole number from `least` to `most`. Raises UsageError."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(f"{name} is {value!r}; it must be a whole number from {least} to {most}")
    return value


def device_names() -> tuple[str, ...]:
    """Names of the catalog's parts that can stand on a node."""
    return tuple(name for name in catalog.names() if family_of(catalog.get(name)) is not None)


def device_part(part: str | Device) -> Device:
    """The part called so, or the part itself. Raises UnknownName and UsageError."""
    if isinstance(part, str):
        if part not in device_names():
            raise UnknownName("device", part, device_names())
        return cast("Device", catalog.get(part))
    if family_of(part) is None:
        raise UsageError(f"{part!r} is no device; give a catalog name or what catalog.nic(...), "
                         "catalog.gpu(...) ... make")
    return part


def link_part(link: str | Link) -> Link:
    """The link called so, or the link itself. Raises UnknownName and UsageError."""
    if isinstance(link, str):
        return catalog.link(link)
    if not isinstance(link, Link):
        raise UsageError(f"{link!r} is no link; give a catalog name or a Link")
    return link


def nvlink_count(name: str) -> int:
    """Links of a GPU that the NVLink part of the catalog stands for; 0 for anything else."""
    part = catalog.get(name) if name in catalog.names("link") else None
    return (part.links or 0) if isinstance(part, LinkPart) and part.medium == "nvlink" else 0


def nvlink_bundle(name: str, links: int) -> Link:
    """`links` bonded links of those that the NVLink part of the catalog stands for."""
    whole, most = catalog.link(name), nvlink_count(name)
    if links == most:
        return whole
    return dataclasses.replace(whole, name=f"{name}-x{links}", content_hash="",
                               rate_bps=whole.rate_bps * links / most,
                               source=f"{links} of the {most} links of {name}")
