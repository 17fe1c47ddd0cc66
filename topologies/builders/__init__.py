"""Builders: machines and networks as graphs, presets of them, and what joins and changes them."""

from rackwright.topologies.builders.boxes import hybrid_cube_mesh, pcie_box
from rackwright.topologies.builders.clos import dragonfly, fat_tree, torus
from rackwright.topologies.builders.compose import merge, replace, scale
from rackwright.topologies.builders.dgx import dgx
from rackwright.topologies.builders.networks import leaf_spine, star
from rackwright.topologies.builders.pods import lovelock
from rackwright.topologies.builders.presets import preset, preset_arguments, preset_names, resolve
from rackwright.topologies.builders.wan import read_round_trips, wan

__all__ = [
    "dgx",
    "dragonfly",
    "fat_tree",
    "hybrid_cube_mesh",
    "leaf_spine",
    "lovelock",
    "merge",
    "pcie_box",
    "preset",
    "preset_arguments",
    "preset_names",
    "read_round_trips",
    "replace",
    "resolve",
    "scale",
    "star",
    "torus",
    "wan",
]
