"""`profile_of`: the layer profile of a network on any GPU of the catalog, from its cost methods.

It is what a profiler would have measured layer by layer, in the order of execution: seconds of
forward and backward of each layer at each batch, without the optimizer and without what a host
adds. Layers that join branches keep their own line. Units: seconds, elements.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rackwright.devices.gpu.part import Gpu
from rackwright.errors import UsageError
from rackwright.models.training.kernels import graph_kernels
from rackwright.models.training.layers import Graph, layers_of
from rackwright.traces.profiles import LayerProfile

__all__ = ["BATCHES", "profile_of"]

BATCHES = (32, 16, 8, 4, 2, 1)


def profile_of(graph: Graph, gpu: Gpu, batches: Sequence[int] = BATCHES, dtype: str = "bf16"
               ) -> LayerProfile:
    """Layers of `graph` on `gpu` at `batches` (sorted falling). Raises UsageError, UnknownName.

    `dtype`: bf16 (autocast, as AMP) or tf32.
    """
    falling = sorted({int(batch) for batch in batches}, reverse=True)
    if not falling or falling[-1] < 1:
        raise UsageError(f"batches {list(batches)!r}: expected whole numbers of 1 or more")
    layers, batch = layers_of(graph), np.array(falling, np.float64)
    none = np.zeros_like(batch)
    found = graph_kernels(graph, gpu, batch, dtype)
    forward = np.array([sum(one.forward, none) for one in found])
    backward = np.array([sum(one.backward, none) for one in found])
    name = str(graph.graph["name"])
    return LayerProfile(
        f"{name} on {gpu.name}", name, tuple(layer.configuration for layer in layers),
        tuple(layer.kind for layer in layers), np.array([layer.parameters for layer in layers]),
        np.array([layer.elements_out for layer in layers]), np.array(falling),
        forward + backward, tuple(sorted(graph.edges)), forward,
        f"profile_of: {name}, {gpu.name}, {dtype}, cost methods of the catalog")
