"""Topologies: racks as networkx graphs of parts, and the `Fabric` that a replay runs on.

Builders return a plain `networkx.DiGraph` (node attribute `device`, edge attribute `link`);
`compile` checks and freezes it. Anything that networkx can do to a graph stays possible.

>>> from rackwright import topologies
>>> fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=2))
>>> [fabric.link_names[link] for link in fabric.route("h0/gpu0", "h0/gpu1")]
['h0/gpu0->h0/nvswitch', 'h0/nvswitch->h0/gpu1']
"""

from __future__ import annotations

from rackwright.topologies.builders.dgx import dgx
from rackwright.topologies.builders.networks import leaf_spine, star
from rackwright.topologies.builders.presets import preset, preset_arguments, preset_names, resolve
from rackwright.topologies.fabric import Fabric, LinkTable, Routes, compile
from rackwright.topologies.formats.files import load, save
from rackwright.topologies.views.draw import to_png, to_svg
from rackwright.topologies.views.facts import facts
from rackwright.topologies.views.text import to_text

__all__ = [
    "Fabric",
    "LinkTable",
    "Routes",
    "compile",
    "dgx",
    "facts",
    "leaf_spine",
    "load",
    "preset",
    "preset_arguments",
    "preset_names",
    "resolve",
    "save",
    "star",
    "to_png",
    "to_svg",
    "to_text",
]
