"""Builders: machines and networks as graphs, and presets of them."""

from rackwright.topologies.builders.dgx import dgx
from rackwright.topologies.builders.networks import leaf_spine, star
from rackwright.topologies.builders.presets import preset, preset_arguments, preset_names, resolve

__all__ = ["dgx", "leaf_spine", "preset", "preset_arguments", "preset_names", "resolve", "star"]
