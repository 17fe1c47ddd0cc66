"""Dequantiser of stored keys and values: RTL and its golden."""

from rackwright.hdl.kv_dequant.golden import NAN, dequantise, dequantised, quantise

__all__ = ["NAN", "dequantise", "dequantised", "quantise"]
