"""What the models say of measured collectives, transfers between GPUs, and copies of several.

A host of eight such GPUs (`topologies.dgx`), or of as many as a table has, stands for the machine;
the first so many take part.
Our tables were measured with NVLS off, so `in_switch` is. Collectives launched one by one from
Python have no prediction: their time at small sizes is the host's. PyTorch batches transfers in a
stream of its own: `batch_time` of the library's part is added to them; all GPUs that were there
are in the communicator.

Copies over PCIe share the links of that host max-min fairly; the time of starting one is the PCIe
part's. Small ones have no prediction: launching them takes longer. What several GPUs at once find
in the host (its memory, its IOMMU) beyond the links is left out, and one way of a copy does not
slow the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from rackwright.calibrate.measure_collectives import moves
from rackwright.calibrate.tables import Point
from rackwright.devices import catalog
from rackwright.devices.arguments import Floats
from rackwright.devices.collectives import Collectives
from rackwright.devices.gpu.part import Gpu
from rackwright.errors import UsageError
from rackwright.topologies import (
    Fabric,
    collective_time,
    compile,
    dgx,
    transfers_time,
)
from rackwright.topologies.collectives.layout import flows_of, shared_time
from rackwright.topologies.collectives.problem import library_of

__all__ = ["by_count", "by_pattern", "collectives", "for_library", "host_of", "p2p", "pcie_multi"]

GPUS = 8             # of a host, unless a table has more
LAUNCHED = 2 ** 22   # bytes; Python starts a copy every 27 us or so, in which 1.5 MB pass


@cache
def host_of(gpu: str, gpus: int = GPUS) -> Fabric:
    """A host of so many GPUs of that name. Raises `UsageError` above 64."""
    return compile(dgx(gpu, gpus=gpus))


def _host_for(gpu: Gpu, *counts: Floats) -> Fabric:
    """A host with room for all of a table's rows."""
    return host_of(gpu.name, int(max(GPUS, *(count.max(initial=0) for count in counts))))


def _names(fabric: Fabric, *counts: Floats) -> tuple[str, ...]:
    """Its GPUs; raises `UsageError` when a row has more."""
    names, most = fabric.gpus(), int(max(count.max(initial=0) for count in counts))
    if most > len(names):
        raise UsageError(f"a row has {most} GPUs, the host that it is held against {len(names)}")
    return names


def by_count(counts: Floats, time: Any) -> Floats:
    """`time(gpus, places)` for each number of GPUs; `places`: where it occurs in `counts`."""
    found = np.full(len(counts), np.nan)
    for gpus in np.unique(counts):
        here = np.flatnonzero(counts == gpus)
        found[here] = time(int(gpus), here)
    return found


def collectives(gpu: Gpu, first: Point, columns: Floats) -> Floats | float:
    """Seconds of collectives of one kind, by the library of the GPU."""
    fabric = _host_for(gpu, columns[0])
    return _collectives(library_of(fabric, fabric.gpus()[0], None), fabric, first, columns)


def p2p(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    """Seconds of a pattern of transfers, by the library of the GPU."""
    fabric = _host_for(gpu, *columns[:2])
    return _p2p(library_of(fabric, fabric.gpus()[0], None), fabric, first, columns)


def for_library(part: Collectives, fabric: Fabric, points: Sequence[Point]) -> Floats | float:
    """Seconds of points of one table's operation, by the library `part` on a host."""
    columns = np.array([point.numbers() for point in points], np.float64).T
    predict = _collectives if points[0].table == "collectives" else _p2p
    return predict(part, fabric, points[0], columns)


def by_pattern(part: Collectives, fabric: Fabric, points: Sequence[Point]) -> Floats:
    """Seconds of points of `p2p`, of any patterns."""
    patterns, found = np.array([str(point["pattern"]) for point in points]), np.zeros(len(points))
    for pattern in np.unique(patterns):
        here = np.flatnonzero(patterns == pattern)
        found[here] = for_library(part, fabric, [points[int(place)] for place in here])
    return found


def _collectives(part: Collectives, fabric: Fabric, first: Point, columns: Floats
                 ) -> Floats | float:
    if first["launch"] == "eager":
        return np.nan
    counts, nbytes = columns
    names = _names(fabric, counts)
    return by_count(counts, lambda gpus, here: collective_time(
        str(first["op"]), nbytes[here], fabric, names[:gpus], in_switch=False,
        library=part))


def _p2p(part: Collectives, fabric: Fabric, first: Point, columns: Floats) -> Floats:
    counts, worlds, nbytes = columns
    names, found = _names(fabric, counts, worlds), np.full(len(counts), np.nan)
    for world in np.unique(worlds):
        def time(gpus: int, here: Any, world: int = int(world)) -> Any:
            pairs = [(names[one], names[other])
                     for one, other in moves(str(first["pattern"]), gpus)]
            return transfers_time(pairs, nbytes[here], fabric, world=world, library=part)
        here = worlds == world
        found = np.where(here, by_count(np.where(here, counts, 2), time), found)
    return np.asarray(part.batch_time + found)


def pcie_multi(gpu: Gpu, first: Point, columns: Floats) -> Floats:
    """Seconds of a copy of each of several GPUs, all at once; NaN where launching takes longer."""
    counts, nbytes = columns
    fabric, part = _host_for(gpu, counts), catalog.pcie(gpu.pcie)
    memory = fabric.endpoints["memory"][0]

    def time(gpus: int, here: Any) -> Any:
        names = fabric.gpus()[:gpus]
        ways = {"h2d": [(memory, name) for name in names],
                "d2h": [(name, memory) for name in names]}
        chosen = [way for way in ways if first["direction"] in (way, "both")]
        shared = nbytes[here] * shared_time(flows_of(
            fabric, [pair for way in chosen for pair in ways[way]], 1.0), fabric.links.bandwidth)
        alone = [np.asarray(part.transfer_time(nbytes[here], way)) for way in chosen]
        started = [one - nbytes[here] / part.bandwidth for one in alone]
        return np.maximum.reduce([*alone, *(shared + one for one in started)])
    return np.where(nbytes >= LAUNCHED, by_count(counts, time), np.nan)
