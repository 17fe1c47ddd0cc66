"""Where a re-ranker's parts are on a fabric: GPUs, tiers of the cache, the ways between them.

Tiers, top down: each GPU's memory, its host's memory, its host's drives, the KV servers. A tier
that the fabric or the options do not have is left out. A *unit* is what bytes come from or go to: a
host's memory, a drive, a KV server (its memory, or each of its drives when it has none); documents
are spread over the units of a cache by their number. KV servers are hosts without GPUs, and the
last `kv_servers` hosts that have some.

A drive's own bandwidth and the NIC's dequantiser are links of their own behind those of the fabric,
so that they contend like wires.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu, Nvme
from rackwright.errors import TopologyError
from rackwright.models.hyperrag.blocks import dequantiser
from rackwright.models.hyperrag.options import HyperragOptions, Settings
from rackwright.topologies.fabric import Fabric
from rackwright.units import seconds_to_ps

__all__ = ["DRAM", "HBM", "NVME", "REMOTE", "TIERS", "TIER_NAMES", "Placement", "gpu_at", "place"]

HBM, DRAM, NVME, REMOTE = 0, 1, 2, 3
TIERS = 4
TIER_NAMES = ("hbm", "dram", "nvme", "remote")

Ints = npt.NDArray[np.int64]


@dataclass
class Placement:
    """Caches are numbered: one a GPU, then the other tiers' in order; likewise units."""

    gpus: tuple[str, ...]
    caches: list[tuple[int, str]] = field(default_factory=list)     # (tier, name)
    capacity: list[int] = field(default_factory=list)               # bytes
    first_unit: list[int] = field(default_factory=list)             # per cache
    unit_count: list[int] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    chain: list[list[int]] = field(default_factory=list)            # per GPU: cache of each tier
    below: list[int] = field(default_factory=list)                  # per cache
    links: list[str] = field(default_factory=list)                  # fabric's, then ours
    bandwidth: list[float] = field(default_factory=list)
    routes: list[list[int]] = field(default_factory=list)
    route_latency_ps: list[int] = field(default_factory=list)
    load_route: Ints = field(default_factory=lambda: np.zeros(0, np.int64))   # (GPUs, units)
    second_route: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    # (GPUs + units, units)
    move_route: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


def gpu_at(fabric: Fabric, name: str) -> Gpu:
    """The GPU on endpoint `name`."""
    device = fabric.device(name)
    assert isinstance(device, Gpu)  # every name comes from fabric.gpus()
    return device


def place(fabric: Fabric, options: HyperragOptions, chosen: Settings) -> Placement:
    """Assign GPUs, caches and routes. Raises TopologyError and OptionsError."""
    hosts, servers = _hosts(fabric, options)
    gpus = tuple(gpu for gpu in fabric.gpus() if fabric.host_of(gpu) in hosts)
    placed = Placement(gpus, links=list(fabric.link_names),
                       bandwidth=[float(each) for each in fabric.links.bandwidth])
    for gpu in gpus:
        _add_cache(placed, HBM, gpu, chosen.hbm_cache, ())
    _tiers(fabric, placed, hosts, servers, chosen)
    for gpu in gpus:
        host = str(fabric.host_of(gpu))
        placed.chain.append([placed.gpus.index(gpu), _cache(placed, DRAM, host),
                             _cache(placed, NVME, host), _cache(placed, REMOTE, "servers")])
    placed.below = [_below(placed, number) for number in range(len(placed.caches))]
    _Router(fabric, placed, options).all()
    return placed


def _hosts(fabric: Fabric, options: HyperragOptions) -> tuple[list[str], list[str]]:
    """Hosts whose GPUs re-rank, and hosts that serve keys and values."""
    with_gpus = [host for host in fabric.hosts()
                 if any(fabric.host_of(gpu) == host for gpu in fabric.gpus())]
    if not with_gpus:
        raise TopologyError("HyperRAG needs a GPU", ["the topology has none"])
    if options.kv_servers >= len(with_gpus):
        raise options.refused([
            f"kv_servers is {options.kv_servers}; hosts with GPUs: {len(with_gpus)}, and one of "
            f"them must re-rank: allowed are 0 to {len(with_gpus) - 1}"])
    keep = len(with_gpus) - options.kv_servers
    others = [host for host in fabric.hosts() if host not in with_gpus[:keep]]
    return with_gpus[:keep], others


def _tiers(fabric: Fabric, placed: Placement, hosts: list[str], servers: list[str],
           chosen: Settings) -> None:
    memories, drives = fabric.endpoints["memory"], fabric.endpoints["nvme"]
    for host in hosts:
        mine = [node for node in memories if fabric.host_of(node) == host]
        if mine and chosen.dram_cache:
            _add_cache(placed, DRAM, host, chosen.dram_cache, mine[:1])
    for host in hosts:
        mine = [node for node in drives if fabric.host_of(node) == host]
        if mine and chosen.nvme_cache:
            _add_cache(placed, NVME, host, chosen.nvme_cache, mine)
    units: list[str] = []
    for host in servers:
        units += ([node for node in memories if fabric.host_of(node) == host]
                  or [node for node in drives if fabric.host_of(node) == host])
    if units and chosen.remote_cache:
        _add_cache(placed, REMOTE, "servers", chosen.remote_cache, units)


def _add_cache(placed: Placement, tier: int, name: str, nbytes: int,
               units: tuple[str, ...] | list[str]) -> None:
    placed.caches.append((tier, name))
    placed.capacity.append(nbytes)
    placed.first_unit.append(len(placed.units))
    placed.unit_count.append(len(units))
    placed.units += units


def _cache(placed: Placement, tier: int, name: str) -> int:
    return placed.caches.index((tier, name)) if (tier, name) in placed.caches else -1


def _below(placed: Placement, number: int) -> int:
    """The cache that takes what `number` evicts, or -1."""
    tier = placed.caches[number][0]
    chain = next((chain for chain in placed.chain if chain[tier] == number), [])
    return next((cache for cache in chain[tier + 1:] if cache >= 0), -1)


class _Router:
    """Fills the routes of a placement."""

    def __init__(self, fabric: Fabric, placed: Placement, options: HyperragOptions) -> None:
        self.fabric, self.placed, self.options = fabric, placed, options
        self.reads: dict[str, int] = {}
        self.writes: dict[str, int] = {}
        self.blocks: dict[str, int] = {}

    def all(self) -> None:
        placed = self.placed
        gpus, units = len(placed.gpus), len(placed.units)
        placed.load_route = np.full((gpus, units), -1, np.int64)
        placed.second_route = np.full((gpus, units), -1, np.int64)
        placed.move_route = np.full((gpus + units, units), -1, np.int64)
        for g, chain in enumerate(placed.chain):
            for cache in chain[DRAM:]:
                for unit in self._units(cache):
                    self._load(g, placed.caches[cache][0], unit)
                    placed.move_route[g, unit] = self._add(
                        self._path(placed.gpus[g], placed.units[unit], g)
                        + self._drive(placed.units[unit], write=True))
        for cache, lower in enumerate(placed.below):
            for source in self._units(cache):
                for unit in self._units(lower):
                    here, there = placed.units[source], placed.units[unit]
                    placed.move_route[gpus + source, unit] = self._add(
                        self._drive(here, write=False) + self._path(here, there, source)
                        + self._drive(there, write=True))

    def _units(self, cache: int) -> range:
        if cache < 0:
            return range(0)
        first = self.placed.first_unit[cache]
        return range(first, first + self.placed.unit_count[cache])

    def _load(self, g: int, tier: int, unit: int) -> None:
        placed, options = self.placed, self.options
        gpu, source = placed.gpus[g], placed.units[unit]
        memory = self._memory(gpu)
        bounce = tier > DRAM and memory and not options.gpu_direct
        path = self._path(source, memory, g) + self._path(memory, gpu, g) if bounce \
            else self._path(source, gpu, g)
        extra = self._latency_ps(tier, source)
        head = self._drive(source, write=False)
        cut = self._adapter(gpu, path) if options.dequantiser == "nic" and tier == REMOTE else 0
        if cut:
            placed.load_route[g, unit] = self._add(head + path[:cut], extra)
            block = self._block(str(self.fabric.nodes[self.fabric.link_heads[path[cut - 1]]]))
            placed.second_route[g, unit] = self._add([block, *path[cut:]], extra)
        else:
            placed.load_route[g, unit] = self._add(head + path, extra)

    def _memory(self, gpu: str) -> str:
        host = self.fabric.host_of(gpu)
        return next((node for node in self.fabric.endpoints["memory"]
                     if self.fabric.host_of(node) == host), "")

    def _path(self, source: str, target: str, flow: int) -> list[int]:
        """Links on the way; `flow` spreads those between the same ends over equal paths."""
        return list(self.fabric.route(source, target, flow))

    def _adapter(self, gpu: str, path: list[int]) -> int:
        """Links of `path` up to the adapter of the GPU's host; 0 if it crosses none."""
        adapters = {*self.fabric.endpoints["nic"], *self.fabric.endpoints["smart-nic"]}
        for place, link in enumerate(path):
            head = self.fabric.nodes[self.fabric.link_heads[link]]
            if head in adapters and self.fabric.host_of(head) == self.fabric.host_of(gpu):
                return place + 1
        return 0

    def _latency_ps(self, tier: int, source: str) -> int:
        options, device = self.options, self.fabric.device(source)
        time = {DRAM: options.dram_latency_time, REMOTE: options.remote_latency_time}.get(tier, 0.0)
        if isinstance(device, Nvme):
            time += device.latency_time
        return int(seconds_to_ps(time))

    def _drive(self, node: str, write: bool) -> list[int]:
        """The drive's own bandwidth as a link; nothing for memory."""
        device = self.fabric.device(node)
        if not isinstance(device, Nvme):
            return []
        known = self.writes if write else self.reads
        if node not in known:
            rate = device.write_bandwidth if write else device.read_bandwidth
            known[node] = self._link(f"{node} {'write' if write else 'read'}", rate)
        return [known[node]]

    def _block(self, nic: str) -> int:
        if nic not in self.blocks:
            self.blocks[nic] = self._link(f"{nic} dequantiser",
                                          dequantiser(self.options).per_second)
        return self.blocks[nic]

    def _link(self, name: str, bandwidth: float) -> int:
        self.placed.links.append(name)
        self.placed.bandwidth.append(bandwidth)
        return len(self.placed.links) - 1

    def _add(self, links: list[int], extra_ps: int = 0) -> int:
        known = len(self.fabric.link_names)
        latency = self.fabric.links.latency_ps
        self.placed.routes.append(links)
        self.placed.route_latency_ps.append(
            extra_ps + sum(int(latency[link]) for link in links if link < known))
        return len(self.placed.routes) - 1
