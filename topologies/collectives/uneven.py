"""`all_to_allv_time`: an exchange in which every pair of ranks has its own number of bytes.

All transfers start together and share the links max-min fairly, as those of an all_to_all do; the
last to arrive ends it. Each goes by the protocol that the library takes for its size. Entries of 0
cost nothing, and what a rank keeps (the diagonal) does not move.

Leaves out: the exchange of the counts themselves, which a program does before. Seconds, bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Floats, sizes
from rackwright.devices.collectives import Collectives
from rackwright.errors import UsageError
from rackwright.topologies.collectives.costs import direct_cost
from rackwright.topologies.collectives.layout import Layout, layout_of
from rackwright.topologies.collectives.operations import checked_ranks, operation
from rackwright.topologies.collectives.paths import flow_times, flows_of
from rackwright.topologies.collectives.problem import known, library_of, medium_of
from rackwright.topologies.collectives.traffic import Traffic, checked_traffic
from rackwright.topologies.collectives.tuner import PROTOCOLS, direct_protocol
from rackwright.topologies.fabric import Fabric

__all__ = ["all_to_allv_time"]


def all_to_allv_time(nbytes: npt.ArrayLike, fabric: Fabric, ranks: Sequence[str] | None = None, *,
                     protocol: str | None = None, library: str | Collectives | None = None,
                     traffic: Traffic = ()) -> float:
    """Seconds of an exchange among `ranks` of `fabric` (all GPUs when None), launch left out.

    ``nbytes[i, j]``: from rank i to rank j, whole numbers, shape (ranks, ranks); the diagonal
    stays. Equal entries b take what an all_to_all of b * ranks bytes takes. `protocol`: "ll" or
    "simple" for all transfers instead of what the library picks for each; `library`, `traffic`
    and errors: as for `collective_time`.

    >>> from rackwright import topologies
    >>> fabric = topologies.compile(topologies.dgx("h100-sxm"))
    >>> even, skewed = [[1 << 24] * 8] * 8, [[1 << 27] + [0] * 7] * 8   # all to the first
    >>> all_to_allv_time(skewed, fabric) > 7 * all_to_allv_time(even, fabric)
    True
    """
    op = operation("all_to_all")
    chosen = checked_ranks(op, fabric, ranks)
    table = _table(nbytes, len(chosen))
    if not table.any():
        return 0.0
    part = library_of(fabric, chosen[0], library)
    layout = layout_of(fabric, chosen, checked_traffic(fabric, traffic))
    of, to = np.nonzero(table)
    pairs = [(chosen[one], chosen[other]) for one, other in zip(of, to, strict=True)]
    size = table[of, to]
    largest = float(size.max())
    flows = flows_of(fabric, pairs, size / largest)
    wire = flow_times(flows, layout.bandwidth, layout.traffic) * largest
    peers = int(max((table > 0).sum(0).max(), (table > 0).sum(1).max()))
    picked = direct_protocol(part, size) if protocol is None else np.full(
        size.shape, PROTOCOLS.index(known("protocol", protocol, ("ll", "simple"))))
    low, high = (direct_cost(part, op, peers, len(chosen), float(flows.latency_time.max()),
                             _medium(layout, pairs), name, size, wire).total
                 for name in ("ll", "simple"))
    return float(np.where(picked == 0, low, high).max())


def _medium(layout: Layout, pairs: list[tuple[str, str]]) -> str:
    """Of the pairs that send, as an all_to_all has it: its rings' links tell inside a host."""
    return medium_of(layout.fabric, pairs, layout.inside.links.tolist())


def _table(nbytes: npt.ArrayLike, count: int) -> Floats:
    """Bytes from row to column, the diagonal 0."""
    try:
        array = np.asarray(nbytes)
    except ValueError:
        shape = "rows of unequal lengths"
    else:
        found, = sizes(nbytes=array)
        shape = f"shape {found.shape}"
    if shape != f"shape {(count, count)}":
        raise UsageError(f"nbytes has {shape}; {count} ranks exchange a table of "
                         f"({count}, {count}), [from, to]")
    return np.where(np.eye(count, dtype=bool), 0.0, found)
