"""GraphML, read and written: what yEd, Gephi and the Topology Zoo exchange.

Written are text and numbers only (`plain.flat_attributes`), so the file reads back to an equal
topology. Read safely: the XML is looked over first. Leaves out: drawings, hyperedges, ports.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from rackwright.errors import InputError
from rackwright.topologies.formats.plain import flat_attributes, from_attributes
from rackwright.topologies.formats.safe_xml import Element, parse_xml

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["read_graphml", "to_graphml"]


def read_graphml(text: str, place: object, rate_bps: float | None) -> nx.DiGraph[Any]:
    """The topology in a GraphML text. Raises InputError and TopologyError."""
    from xml.etree.ElementTree import ParseError

    import networkx as nx

    _refuse_twins(parse_xml(text, place), place)  # which refuses what could grow
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys without a type, which are text
            source = nx.read_graphml(io.BytesIO(text.encode()))
    except (ParseError, nx.NetworkXError, ValueError, KeyError, TypeError,
            AttributeError) as problem:
        raise InputError(f"GraphML that cannot be read: {problem}", place=place) from None
    return from_attributes(source, "GraphML", place, rate_bps)


def _refuse_twins(root: Element, place: object) -> None:
    """Two nodes of one name, of which the library would keep the last."""
    seen: dict[str, int] = {}
    waiting = [root]
    while waiting:
        element = waiting.pop()
        waiting += element.children[::-1]
        if element.tag != "node":
            continue
        name = element.get("id")
        if name in seen:
            raise InputError(f"GraphML in which node {name[:80]!r} stands twice, first in line "
                             f"{seen[name]}; names must differ", place=place, line=element.line)
        seen[name] = element.line


def to_graphml(graph: nx.DiGraph[Any]) -> str:
    """The text of the file."""
    import networkx as nx

    return "\n".join(nx.generate_graphml(flat_attributes(graph))) + "\n"
