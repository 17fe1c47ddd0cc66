"""Micro-queue scorer: RTL and its golden."""

from rackwright.hdl.uqueue_score.golden import (
    DEFRAG,
    FIRST,
    FRACTION,
    MOST,
    Queues,
    fixed_load,
    fixed_pick,
    new_queues,
)

__all__ = ["DEFRAG", "FIRST", "FRACTION", "MOST", "Queues", "fixed_load", "fixed_pick",
           "new_queues"]
