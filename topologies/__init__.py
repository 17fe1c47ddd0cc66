"""Topologies: racks as networkx graphs of parts, and the `Fabric` that a replay runs on.

Builders return a plain `networkx.DiGraph` (node attribute `device`, edge attribute `link`);
`compile` checks and freezes it. Anything that networkx can do to a graph stays possible.

>>> from rackwright import topologies
>>> fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=2))
>>> [fabric.link_names[link] for link in fabric.route("h0/gpu0", "h0/gpu1")]
['h0/gpu0->h0/nvswitch', 'h0/nvswitch->h0/gpu1']
"""

from __future__ import annotations

from rackwright.topologies.builders import (
    dgx,
    dragonfly,
    fat_tree,
    hybrid_cube_mesh,
    leaf_spine,
    lovelock,
    merge,
    pcie_box,
    preset,
    preset_arguments,
    preset_names,
    read_round_trips,
    replace,
    resolve,
    scale,
    star,
    torus,
    wan,
)
from rackwright.topologies.collectives import (
    all_to_allv_time,
    collective_choice,
    collective_time,
    transfers_time,
)
from rackwright.topologies.fabric import Fabric, LinkTable, Routes, compile
from rackwright.topologies.faults import (
    Failure,
    FaultEvent,
    apply,
    bandwidth_changes,
    capacity_changes,
    epochs,
    failures,
    jitter,
    parse_event,
    read_bandwidth,
    read_events,
    stragglers,
)
from rackwright.topologies.formats.capture import capture
from rackwright.topologies.formats.files import export, export_formats, load, save
from rackwright.topologies.formats.report import report_of
from rackwright.topologies.views.diff import diff
from rackwright.topologies.views.draw import to_png, to_svg
from rackwright.topologies.views.facts import facts
from rackwright.topologies.views.text import to_text
from rackwright.topologies.views.tree import to_tree

__all__ = [
    "Fabric",
    "Failure",
    "FaultEvent",
    "LinkTable",
    "Routes",
    "all_to_allv_time",
    "apply",
    "bandwidth_changes",
    "capacity_changes",
    "capture",
    "collective_choice",
    "collective_time",
    "compile",
    "dgx",
    "diff",
    "dragonfly",
    "epochs",
    "export",
    "export_formats",
    "facts",
    "failures",
    "fat_tree",
    "hybrid_cube_mesh",
    "jitter",
    "leaf_spine",
    "load",
    "lovelock",
    "merge",
    "parse_event",
    "pcie_box",
    "preset",
    "preset_arguments",
    "preset_names",
    "read_bandwidth",
    "read_events",
    "read_round_trips",
    "replace",
    "report_of",
    "resolve",
    "save",
    "scale",
    "star",
    "stragglers",
    "to_png",
    "to_svg",
    "to_text",
    "to_tree",
    "torus",
    "transfers_time",
    "wan",
]
