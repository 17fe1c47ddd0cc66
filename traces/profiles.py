"""`LayerProfile`: how long each layer of a network trains, by the samples that a GPU holds.

One row a layer in the order of execution: its configuration, kind, parameters, elements that it
puts out for a sample, and seconds of forward + backward at each batch. Layers form a graph, by
pairs (from, to): a chain, or branches that join in layers of kind "concat".

What it leaves out: memory, communication, the optimizer, what varies between steps.
Units: seconds, elements, samples.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError, UsageError
from rackwright.traces.checked_columns import (
    check_count,
    check_lines,
    check_range,
    first_bad,
    hash_of,
    set_columns,
)
from rackwright.units import MAX_TIME

__all__ = ["MAX_COUNT", "LayerProfile", "chain_of", "parse_configuration"]

MAX_COUNT = 1 << 52  # our bound on parameters and elements: exact in float64

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LayerProfile:
    """Layers in order of execution; read-only arrays, n layers at b batches.

    `layers`: configurations such as ``linear{"in_features":4096,...}[4096]``, of which equal ones
    may repeat (`configuration` reads them). `kinds`: conv, linear, relu, batch_norm, pool, flatten,
    bottleneck, concat, ... `parameters`, `output_elements` (of one sample): int64, (n,).
    `batches`: int64, (b,), falling, 1 or more. `times`: float64 seconds of forward + backward,
    (n, b); `forward_times`: their forward part where it is known. `edges`: pairs (from, to) of
    layers, from < to, sorted. `name`, `model`, `source`: one line each, not in the hash.
    Raises TraceError for arrays that do not fit together, naming the first wrong layer (from 0).
    """

    name: str
    model: str
    layers: tuple[str, ...]
    kinds: tuple[str, ...]
    parameters: Ints
    output_elements: Ints
    batches: Ints
    times: Floats
    edges: tuple[tuple[int, int], ...]
    forward_times: Floats | None = None
    source: str = ""

    def __post_init__(self) -> None:
        set_columns(self, np.int64, "parameters", "output_elements", "batches")
        object.__setattr__(self, "times", _matrix("times", self.times))
        if self.forward_times is not None:
            object.__setattr__(self, "forward_times",
                               _matrix("forward_times", self.forward_times))
        for texts in ("layers", "kinds"):
            object.__setattr__(self, texts, tuple(getattr(self, texts)))
        edges = tuple((int(begin), int(end)) for begin, end in self.edges)
        object.__setattr__(self, "edges", edges)
        _check_shapes(self)
        _check_values(self)
        _check_edges(self)
        check_lines("text of a profile", self.name, self.model, self.source, *self.layers,
                    *self.kinds)
        if not self.name:
            raise TraceError("the name of a profile is empty; give one")

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        return (f"<LayerProfile {self.name!r}: {len(self)} layers, "
                f"{int(self.parameters.sum()):,} parameters, batches "
                f"{', '.join(str(batch) for batch in self.batches.tolist())}>")

    def first(self, count: int) -> LayerProfile:
        """The first `count` layers (all when there are fewer). Raises UsageError."""
        check_count(count, "layers")
        forward = None if self.forward_times is None else self.forward_times[:count]
        edges = tuple(edge for edge in self.edges if edge[1] < count)
        return LayerProfile(self.name, self.model, self.layers[:count], self.kinds[:count],
                            self.parameters[:count], self.output_elements[:count], self.batches,
                            self.times[:count], edges, forward, self.source)

    def column(self, batch: int) -> Floats:
        """Seconds of every layer at `batch` samples, (n,). Raises UsageError."""
        found = np.flatnonzero(self.batches == batch)
        if len(found) == 0:
            known = ", ".join(str(one) for one in self.batches.tolist())
            raise UsageError(f"{self.name} has no times at batch {batch}; it has {known}")
        return self.times[:, int(found[0])]

    def configuration(self, layer: int) -> tuple[str, dict[str, Any], tuple[int, ...]]:
        """(operator, parameters, input dimensions of a sample) of ``name{json}[dims]``.

        What a text does not hold is empty: other names are taken as the operator.
        """
        return parse_configuration(self.layers[layer])

    @property
    def is_chain(self) -> bool:
        """Whether every layer but the last feeds just the next."""
        return self.edges == chain_of(len(self))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of all columns and edges; name, model and source do not count."""
        head = json.dumps([self.layers, self.kinds, self.edges, len(self.batches),
                           self.forward_times is not None])
        forward = () if self.forward_times is None else (self.forward_times,)
        return hash_of(f"layer profile 1 {head}", self.parameters, self.output_elements,
                       self.batches, self.times, *forward)

    def summary(self) -> dict[str, Any]:
        """Counts and total seconds as plain numbers (JSON-ready, SI units)."""
        totals = self.times.sum(axis=0)
        return {"name": self.name, "model": self.model, "source": self.source,
                "content_hash": self.content_hash, "layers": len(self),
                "parameters": int(self.parameters.sum()), "chain": self.is_chain,
                "step_time": {str(batch): float(total) for batch, total
                              in zip(self.batches.tolist(), totals, strict=True)}}


def chain_of(count: int) -> tuple[tuple[int, int], ...]:
    """The edges of `count` layers one after another.

    >>> chain_of(3)
    ((0, 1), (1, 2))
    """
    return tuple((layer, layer + 1) for layer in range(count - 1))


def parse_configuration(text: str) -> tuple[str, dict[str, Any], tuple[int, ...]]:
    """See LayerProfile.configuration.

    >>> parse_configuration('linear{"in_features":8,"out_features":2}[8]')
    ('linear', {'in_features': 8, 'out_features': 2}, (8,))
    """
    name, brace, rest = text.partition("{")
    body, end, dims = rest.rpartition("}")
    if not brace or not end:
        return text, {}, ()
    try:
        found = json.loads("{" + body + "}")
        sides = tuple(int(side) for side in dims.strip("[]").split(",") if side)
    except (ValueError, RecursionError):
        return text, {}, ()
    return name, found, sides


def _matrix(name: str, values: object) -> Floats:
    given = np.asarray(values)
    if given.ndim != 2 or not np.can_cast(given.dtype, np.float64, "safe"):
        raise TraceError(f"{name}: {given.dtype} of shape {given.shape}; expected float64 of "
                         "shape (layers, batches)")
    matrix = given.astype(np.float64) + 0.0
    matrix.setflags(write=False)
    return matrix


def _check_shapes(profile: LayerProfile) -> None:
    count, batches = len(profile.layers), len(profile.batches)
    if count == 0 or batches == 0:
        raise TraceError(f"{count} layers at {batches} batches; at least 1 of each is expected")
    for name in ("kinds", "parameters", "output_elements"):
        if len(getattr(profile, name)) != count:
            raise TraceError(f"{len(getattr(profile, name))} {name} for {count} layers; expected "
                             "one each")
    for name in ("times", "forward_times"):
        matrix = getattr(profile, name)
        if matrix is not None and matrix.shape != (count, batches):
            raise TraceError(f"{name} of shape {matrix.shape}; expected {(count, batches)}: "
                             "layers, batches")


def _check_values(profile: LayerProfile) -> None:
    batches = profile.batches
    if batches.min() < 1 or batches.max() > MAX_COUNT or (np.diff(batches) >= 0).any():
        raise TraceError(f"batches {batches.tolist()}; expected falling whole numbers of 1 or more")
    for name in ("parameters", "output_elements"):
        check_range(name, getattr(profile, name), 0, MAX_COUNT, "layer")
    for name in ("times", "forward_times"):
        matrix = getattr(profile, name)
        if matrix is not None:
            good = ((matrix >= 0) & (matrix <= MAX_TIME)).all(axis=1)
            first_bad(good, name, matrix, f"0 to {MAX_TIME:.0f} s", "layer")


def _check_edges(profile: LayerProfile) -> None:
    count, edges = len(profile), profile.edges
    for begin, end in edges:
        if not 0 <= begin < end < count:
            raise TraceError(f"edge {begin} -> {end}: expected layers of 0 to {count - 1}, from a "
                             "layer to a later one")
    if any(left >= right for left, right in zip(edges, edges[1:], strict=False)):
        raise TraceError("edges must be sorted, each once")
