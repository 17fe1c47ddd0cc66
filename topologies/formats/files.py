"""Topology files: `load` tells the format by the content, `save` by the ending or a name.

`formats()` lists both. What an import assumed or dropped travels with the graph
(`report.report_of`); what an export leaves out, `export` says.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rackwright.errors import InputError, UnknownName, UsageError
from rackwright.topologies.check import faults
from rackwright.topologies.formats.report import Report
from rackwright.writing import write_text

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["export", "export_formats", "load", "save"]

_MOST_BYTES = 64 * 2**20  # our own limit; a thousand DGX hosts take about 10 MB
_ENDINGS = {"": "json", ".json": "json", ".xml": "nccl-xml", ".graphml": "graphml",
            ".yaml": "nvml-mock", ".yml": "nvml-mock", ".topo": "ns3", ".txt": "ns3"}


def load(path: str | os.PathLike[str], default_rate: str | float | None = None
         ) -> nx.DiGraph[Any]:
    """The graph in a file, in any of the formats read, told by its content.

    `default_rate`: of every link in formats without rates, "100Gbps" or bits/s. Raises
    InputError (with the line), TopologyError listing every fault, UnitError.
    """
    from rackwright.topologies.formats.detect import read_text
    from rackwright.units import parse_rate_bps

    rate = parse_rate_bps(default_rate) if isinstance(default_rate, str) else default_rate
    return read_text(_text(Path(path)), path, rate)


def save(graph: nx.DiGraph[Any], path: str | os.PathLike[str], form: str | None = None) -> Report:
    """Write `graph`: as `form`, else as the ending says; `load` gives back an equal graph from
    JSON, which keeps everything. Returns what the file leaves out.

    Raises TopologyError for a graph that cannot be used or saved, UsageError when `path` cannot
    be written or its ending says nothing.
    """
    if form is None:
        ending = Path(path).suffix.lower()
        if ending not in _ENDINGS:
            raise UsageError(f"cannot tell a format from {str(path)!r}; name one "
                             f"({', '.join(export_formats())}) or end the name in "
                             f"{', '.join(filter(None, _ENDINGS))}")
        form = _ENDINGS[ending]
    text, report = export(graph, form)
    write_text(path, text)
    return report


def export_formats() -> tuple[str, ...]:
    """Names of the formats that can be written, sorted."""
    return tuple(sorted(set(_ENDINGS.values())))


def export(graph: nx.DiGraph[Any], form: str) -> tuple[str, Report]:
    """The text of `graph` in a format, and what it leaves out.

    Raises TopologyError for a graph that cannot be used or has no place there, UnknownName.
    """
    from rackwright.topologies.formats.graphml import to_graphml
    from rackwright.topologies.formats.nccl_write import to_nccl_xml
    from rackwright.topologies.formats.nodelink_write import to_json
    from rackwright.topologies.formats.ns3 import to_ns3
    from rackwright.topologies.formats.nvml_mock import to_nvml_mock

    if form not in export_formats():
        raise UnknownName("format of topologies", form, export_formats())
    if form == "json":
        return to_json(graph), Report("node-link JSON")
    _refuse_faulty(graph)
    if form == "graphml":
        return to_graphml(graph), Report("GraphML")
    writers = {"nccl-xml": to_nccl_xml, "ns3": to_ns3, "nvml-mock": to_nvml_mock}
    return writers[form](graph)


def _refuse_faulty(graph: nx.DiGraph[Any]) -> None:
    from rackwright.errors import TopologyError

    found = faults(graph)
    if graph.is_multigraph():
        found = (*found, "parallel links: only node-link JSON can hold them")
    if found:
        raise TopologyError("this topology cannot be written", found)


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise InputError(f"{size} bytes; at most {_MOST_BYTES} are read as a topology",
                             place=path)
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror}", place=path) from None
    except UnicodeDecodeError as problem:
        raise InputError(f"not a text in UTF-8 (byte {problem.start})", place=path) from None
    except ValueError as problem:  # a path that no file system has, such as one with a NUL
        raise InputError(f"cannot be read: {problem}", place=str(path)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("it holds a NUL byte, so it is no text", place=path, line=line)
    return text
