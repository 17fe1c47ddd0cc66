"""The round-robin arbiter: RTL, golden, bench."""

from rackwright.hdl.lib.arbiter.golden import served

__all__ = ["served"]
