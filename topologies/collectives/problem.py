"""One call of a collective: what is asked, what the library picks for it, what that costs.

Leaves out: how costs come about (`costs`), what the library thinks (`tuner`). Seconds, bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from rackwright.devices import catalog
from rackwright.devices.arguments import Floats, Sizes, sizes
from rackwright.devices.collectives import Collectives
from rackwright.devices.part import Band
from rackwright.errors import UnknownName, UsageError
from rackwright.topologies.collectives.costs import (
    Cost,
    chain_cost,
    direct_cost,
    ring_cost,
    switch_cost,
    tree_cost,
)
from rackwright.topologies.collectives.layout import Layout, layout_of
from rackwright.topologies.collectives.operations import (
    Operation,
    checked_ranks,
    checked_slow,
    operation,
)
from rackwright.topologies.collectives.paths import Load, flows_of, shared_time
from rackwright.topologies.collectives.schedules import STEPPED, check_stepped
from rackwright.topologies.collectives.stepped import stepped_cost, stepped_load
from rackwright.topologies.collectives.traffic import (
    Changes,
    Traffic,
    checked_changes,
    checked_traffic,
)
from rackwright.topologies.collectives.tuner import (
    PROTOCOLS,
    direct_protocol,
    enabled,
    estimates,
)
from rackwright.topologies.fabric import Fabric
from rackwright.topologies.routing import GPU_LINKS

__all__ = ["Name", "Problem", "known", "library_of", "medium_of"]

Name = tuple[str, str]
"""(algorithm, protocol)"""
ALGORITHMS = ("direct", "double_tree", "halving_doubling", "hierarchical", "in_switch", "ring",
              "tree")
ALIASES = {"double_tree": "tree"}  # NCCL calls its pair of trees just that
IN_SWITCH: Name = ("in_switch", "simple")
UNMEASURED: Band = ("assumed", 0.2, 0.5)  # a guess; nothing stands behind it
DEFAULT = "nccl-h100"  # for ranks of no GPU that a library of the catalog names


def library_of(fabric: Fabric, rank: str, library: str | Collectives | None) -> Collectives:
    """The part asked for, or that of the rank's GPU. Raises UnknownName."""
    if isinstance(library, Collectives):
        return library
    if library is not None:
        return catalog.collectives(library)
    return catalog.collectives(_libraries().get(getattr(fabric.device(rank), "name", ""), DEFAULT))


@cache
def _libraries() -> dict[str, str]:
    """GPU -> the library of the catalog that is for it."""
    return {gpu.strip(): name for name in catalog.names("collectives")
            for gpu in catalog.collectives(name).gpus.split(",")}


@dataclass(frozen=True)
class Problem:
    """What is asked, on what; `of` checks it."""

    op: Operation
    nbytes: Floats
    layout: Layout
    ranks: tuple[str, ...]
    part: Collectives
    slow: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, op: str, nbytes: Sizes, fabric: Fabric, ranks: Sequence[str] | None,
           library: str | Collectives | None, traffic: Traffic = (),
           slow: Mapping[str, float] | None = None, changes: Changes = ()) -> Problem:
        """Arguments and errors are those of `collective_time`."""
        found = operation(op)
        size, = sizes(nbytes=nbytes)
        chosen = checked_ranks(found, fabric, ranks)
        layout = layout_of(fabric, chosen, checked_traffic(fabric, traffic),
                           checked_changes(fabric, changes))
        return cls(found, size, layout, chosen, library_of(fabric, chosen[0], library),
                   checked_slow(chosen, slow or {}))

    def picked(self, algorithm: str | None, protocol: str | None, in_switch: bool
               ) -> tuple[npt.NDArray[np.int64], list[Name]]:
        """Index into the names (algorithm, protocol), of every size."""
        if self.layout.idle is not self.layout:  # who picks does not know what is on the links
            return replace(self, layout=self.layout.idle).picked(algorithm, protocol, in_switch)
        algorithm = ALIASES.get(algorithm or "", algorithm)
        if algorithm in STEPPED:
            return self._stepped(algorithm, protocol)
        if self.slow:
            raise UsageError(f"slow ranks need an algorithm of rounds ({', '.join(STEPPED)}), not "
                             f"{algorithm or 'what the library picks'}")
        guesses = self._guesses()
        names = [name for name in guesses if algorithm in (None, name[0])
                 and protocol in (None, name[1])]
        switch = self._switch(algorithm, protocol, in_switch)
        if not names and switch is None:
            self._refuse(algorithm, protocol)
        if not names:
            return np.zeros(self.nbytes.shape, np.int64), [IN_SWITCH]
        picked = np.argmin(np.stack([guesses[name] for name in names]), 0)
        if switch is not None and algorithm is None:
            costs = np.stack([self.cost(*name).total for name in names])
            slower = np.take_along_axis(costs, picked[None], 0)[0] > switch.total
            picked, names = np.where(slower, len(names), picked), [*names, IN_SWITCH]
        return picked, names

    def _stepped(self, algorithm: str, protocol: str | None
                 ) -> tuple[npt.NDArray[np.int64], list[Name]]:
        """The protocol that costs least: the library has no such algorithm to ask."""
        check_stepped(self.op.name, algorithm, self.layout)
        known("protocol", protocol, (*PROTOCOLS, None))
        names = [(algorithm, name) for name in enabled(self.layout) if protocol in (None, name)]
        if not names:
            raise UsageError(f"{algorithm} has no {protocol} here; there are "
                             f"{', '.join(enabled(self.layout))}")
        return np.argmin(np.stack([self.cost(*name).total for name in names]), 0), names

    def _guesses(self) -> dict[Name, Floats]:
        if self.op.shape != "direct":
            return estimates(self.part, self.op, self.layout, self.nbytes)
        chosen = direct_protocol(self.part, self._peer_nbytes())
        return {("direct", name): np.where(chosen == PROTOCOLS.index(name), 0.0, 1.0)
                for name in ("ll", "simple")}

    def _switch(self, algorithm: str | None, protocol: str | None, in_switch: bool
                ) -> Cost | None:
        if self.op.name != "all_reduce" or protocol not in (None, "simple"):
            return None
        if algorithm not in (None, "in_switch") or not in_switch:
            return None
        return switch_cost(self.part, self.layout, self.nbytes)

    def cost(self, algorithm: str, protocol: str) -> Cost:
        """Of an algorithm with a protocol."""
        if algorithm == "in_switch":
            found = switch_cost(self.part, self.layout, self.nbytes)
            assert found is not None
            return found
        if algorithm == "direct":
            return self._direct(protocol)
        if algorithm in STEPPED:
            return stepped_cost(self.part, self.op, self.layout, algorithm, protocol, self.nbytes,
                                self.slow)
        price = {"chain": chain_cost, "ring": ring_cost}[self.op.shape]
        return (tree_cost if algorithm == "tree" else price)(
            self.part, self.op, self.layout, protocol, self.nbytes)

    def _direct(self, protocol: str) -> Cost:
        fabric = self.layout.fabric
        if self.op.name == "send_recv":
            flows = flows_of(fabric, [(self.ranks[0], self.ranks[1])], 1.0)
            wire = shared_time(flows, fabric.links.bandwidth, self.layout.traffic)
            latency = float(flows.latency_time.max())
            peers, links = 1, flows.links.tolist()
        else:
            wire, latency = self.layout.exchange
            peers, links = self.layout.count - 1, self.layout.inside.links.tolist()
        medium = medium_of(fabric, [(self.layout.hosts[0][0], self.layout.hosts[-1][0])], links)
        return direct_cost(self.part, self.op, peers, self.layout.count, latency, medium,
                           protocol, self._peer_nbytes(), self.nbytes * wire)

    def _peer_nbytes(self) -> Floats:
        peers = 1 if self.op.name == "send_recv" else self.layout.count
        return self.nbytes / peers

    def band(self, algorithm: str, protocol: str) -> Band:
        """(class, median, p90) of its error; assumed where nothing like it was measured: other
        GPUs, other links than NVLink, several hosts."""
        gpus = {name.strip() for name in self.part.gpus.split(",")}
        known_gpu = getattr(self.layout.fabric.device(self.ranks[0]), "name", "") in gpus
        plain = known_gpu and self.layout.by_gpu_links and len(self.layout.hosts) == 1
        if algorithm in STEPPED or not plain:
            return UNMEASURED
        if algorithm == "in_switch":
            return self.part.in_switch.band
        return self.part.band(self.op.name, protocol)

    def bottleneck(self, algorithm: str) -> str:
        """The busiest link; "" for direct transfers."""
        if algorithm == "direct":
            return ""
        if algorithm == "ring":
            found: Load | None = self.layout.ring
        elif algorithm == "tree":
            found = self.layout.tree
        elif algorithm in STEPPED:
            found = stepped_load(self.op.name, algorithm, self.layout)
        else:
            found = self.layout.switch(self.part.switches())
        return self.layout.fabric.link_names[found.link] if found else ""

    def _refuse(self, algorithm: str | None, protocol: str | None) -> None:
        known("algorithm of a collective", algorithm, (*ALGORITHMS, None))
        known("protocol", protocol, (*PROTOCOLS, None))
        asked = " with ".join(name for name in (algorithm, protocol) if name)
        there = sorted({" with ".join(name) for name in self._guesses()})
        raise UsageError(f"{self.op.name} has no {asked} here; there are {', '.join(there)} "
                         f"(in_switch: all_reduce inside one host whose switch is one of "
                         f"{self.part.reducing_switches or 'none'})")


def medium_of(fabric: Fabric, pairs: Sequence[tuple[str, str]], links: list[int]) -> str:
    """What `links`, which join `pairs`, are: "network", "nvlink" or "pcie"."""
    if any(fabric.host_of(one) != fabric.host_of(other) for one, other in pairs):
        return "network"
    kinds = {fabric.link_kinds[link] for link in links}
    return "nvlink" if kinds <= set(GPU_LINKS) else "pcie"


def known(kind: str, name: str | None, allowed: Sequence[str | None]) -> str:
    """`name`, one of `allowed`; raises UnknownName."""
    if name not in allowed:
        raise UnknownName(kind, name, [one for one in allowed if one])
    return str(name)
