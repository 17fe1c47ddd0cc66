"""Receive-side scaling: RTL and its golden."""

from rackwright.hdl.rss_toeplitz.golden import KEY_BYTES, toeplitz, toeplitz_hash

__all__ = ["KEY_BYTES", "toeplitz", "toeplitz_hash"]
