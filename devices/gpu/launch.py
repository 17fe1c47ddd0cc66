"""What it costs to start a kernel: back to back from the host, as a node of a graph, with a wait.

A launch from the host (`eager_back_to_back`) and one that the host waits for (`launch_and_sync`)
are the host's time, Python and PyTorch included: another processor or framework differs by a third
and more. A `graph_node` is the GPU's: the least time from kernel to kernel of a CUDA graph.

Leaves out: launching a graph itself, queues that fill, launches from several threads. The cost
methods of `Gpu` hold the launch of a graph node already.

Units: seconds. Sources: those of the part file; parts without a figure are an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rackwright.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["LAUNCHES", "launch_time"]

LAUNCHES = {"eager_back_to_back": "eager_launch_time", "graph_node": "graph_node_time",
            "launch_and_sync": "sync_launch_time"}
"""Kinds, as measured tables call them, and the part's field."""


def launch_time(gpu: Gpu, kind: str) -> float:
    """Seconds of a launch; raises `UnknownName`, and `UsageError` when the part has no figure."""
    if kind not in LAUNCHES:
        raise UnknownName("kind of launch", kind, LAUNCHES)
    seconds: float | None = getattr(gpu, LAUNCHES[kind])
    if seconds is None:
        key = LAUNCHES[kind].removesuffix("_time")
        raise UsageError(f"{gpu.name} has no time of a launch of kind {kind}: add {key} = "
                         "{value = ..., unit = \"us\", source = ...} to [datasheet] of its file")
    return seconds
