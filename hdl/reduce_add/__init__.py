"""Adder of a reduction in the NIC: RTL and its golden."""

from rackwright.hdl.reduce_add.golden import BF16, FP32, float_add, int_add, reduce_into

__all__ = ["BF16", "FP32", "float_add", "int_add", "reduce_into"]
