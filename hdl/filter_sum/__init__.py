"""Filter and sum of a scan: RTL and its golden."""

from rackwright.hdl.filter_sum.golden import Limits, filter_sum, scan

__all__ = ["Limits", "filter_sum", "scan"]
