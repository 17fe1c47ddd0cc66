"""File formats: reading, told by content, and writing."""

from rackwright.topologies.formats.files import load, save

__all__ = ["load", "save"]
