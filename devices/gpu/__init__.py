"""GPUs: the part and its cost models, one operation class a module."""

from rackwright.devices.gpu.part import DTYPE_BYTES, Gpu

__all__ = ["DTYPE_BYTES", "Gpu"]
