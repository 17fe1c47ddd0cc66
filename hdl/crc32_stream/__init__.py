"""Ethernet's frame check: RTL and its golden."""

from rackwright.hdl.crc32_stream.golden import RESIDUE, crc32, crc32_add

__all__ = ["RESIDUE", "crc32", "crc32_add"]
