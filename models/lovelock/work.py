"""What each operator of a trace asks of a cluster: its phases, alone.

An operator has at most two phases: bytes over the network (a pattern of `traffic`), and service at
a station that all workers (station 0) or all accelerators (station 1) are. A worker's service is
its roofline: the longest of work over cores, bytes over memory, and records over a hardware block;
what it uses of each while it runs is its share of that time. Work divides evenly over nodes and
cores: **no skew, no serial parts**, on either cluster.

Bytes touched, times of an operator's own (`PASSES`): every operator reads its input, the ones that
keep or rewrite rows write as much as they give; a scan's and a filter's output stays in caches
until the next operator reads it. Units: seconds, bytes, reference core-seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.errors import TopologyError
from rackwright.models.lovelock.clusters import Cluster
from rackwright.models.lovelock.offload import BLOCKS, BlockRate, block_rate
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.traffic import FEED, READ, RING, SHUFFLE, WRITE, Traffic
from rackwright.traces.queries import CLASSES, QueryTrace

__all__ = ["BLOCK", "CORES", "KINDS", "MEMORY", "PASSES", "RESOURCES", "Work", "blocks_of",
           "build_work", "largest_state"]

CORES, MEMORY, BLOCK = 0, 1, 2                       # resources of a worker
RESOURCES = 3
KINDS = ("cpu", "shuffle", "io", "accel")            # what an operator's time counts as
PASSES = {"scan": (1, 0), "filter": (1, 0), "partition": (1, 1), "join": (1, 1),
          "aggregate": (1, 1), "sort": (1, 1)}       # of bytes_in, of bytes_out: assumed
_HOLDING = ("join", "aggregate", "sort")
_PATTERN = {"shuffle": SHUFFLE, "net": RING, "accel": FEED}

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Work:
    """One entry an operator; -1: no such phase. `moves_first`: bytes come before service."""

    pattern: Ints
    nbytes: Floats
    station: Ints
    service_time: Floats
    demand: Floats           # (operators, resources)
    moves_first: Ints
    kind: Ints               # index into KINDS
    move_time: Floats        # alone, latency included
    core_time: Floats        # seconds of all cores; memory_time, block_time likewise
    memory_time: Floats
    block_time: Floats
    blocks: tuple[BlockRate, ...]

    @property
    def alone_time(self) -> Floats:
        """Seconds of each operator when nothing else runs."""
        return self.move_time + self.service_time


def build_work(trace: QueryTrace, cluster: Cluster, traffic: Traffic, options: LovelockOptions
               ) -> Work:
    """Raises TopologyError for operators that the cluster has no devices for."""
    count = len(trace)
    is_a = {name: trace.kind == number for number, name in enumerate(CLASSES)}
    pattern = np.full(count, -1, np.int64)
    for name, number in _PATTERN.items():
        pattern[is_a[name]] = number
    reads = is_a["io"] & (trace.bytes_in >= trace.bytes_out)
    pattern[reads], pattern[is_a["io"] & ~reads] = READ, WRITE
    nbytes = np.where(is_a["shuffle"] | is_a["net"] | (is_a["io"] & ~reads), trace.bytes_out,
                      np.where(pattern >= 0, trace.bytes_in, 0)).astype(np.float64)
    _refuse_missing(trace, cluster, is_a)
    kind = np.zeros(count, np.int64)
    kind[is_a["shuffle"] | is_a["net"]], kind[is_a["io"]], kind[is_a["accel"]] = 1, 2, 3
    moves = (pattern >= 0) & (nbytes > 0) & (np.diff(traffic.first)[pattern] > 0)
    move_time = np.where(moves, nbytes * traffic.unit_time[pattern]
                         + traffic.latency_time[pattern], 0.0)
    core, memory, block, blocks = _rooflines(trace, cluster, options, is_a)
    service = np.maximum(np.maximum(core, memory), block)
    whole = np.where(service > 0, service, 1.0)
    demand = np.stack([core, memory, block], axis=1) / whole[:, None]
    station = np.where(service > 0, 0, -1)
    accelerated = is_a["accel"]
    if accelerated.any():
        service[accelerated] = trace.core_seconds[accelerated] / len(cluster.gpus)
        demand[accelerated] = (1.0, 0.0, 0.0)
        station[accelerated] = np.where(service[accelerated] > 0, 1, -1)
        core[accelerated] = memory[accelerated] = block[accelerated] = 0.0
    return Work(np.where(moves, pattern, -1), nbytes, station, service, demand,
                (is_a["io"] | accelerated).astype(np.int64), kind, move_time, core, memory, block,
                blocks)


def largest_state(trace: QueryTrace, cluster: Cluster) -> float:
    """Bytes that the largest join, grouping or sort takes in on one worker: what it may have to
    hold. 0 without such operators."""
    holds = np.isin(trace.kind, [CLASSES.index(name) for name in _HOLDING])
    return float(trace.bytes_in[holds].max(initial=0)) / len(cluster.workers)


def _rooflines(trace: QueryTrace, cluster: Cluster, options: LovelockOptions,
               is_a: dict[str, npt.NDArray[np.bool_]]
               ) -> tuple[Floats, Floats, Floats, tuple[BlockRate, ...]]:
    """Seconds of all cores, of all memory, of all blocks, for every operator."""
    nodes = len(cluster.workers)
    core = trace.core_seconds / (nodes * cluster.node.core_rate)
    touched = np.zeros(len(trace))
    for name, (taken, given) in PASSES.items():
        touched += np.where(is_a[name], taken * trace.bytes_in + given * trace.bytes_out, 0.0)
    block = np.zeros(len(trace))
    blocks = blocks_of(cluster, options)
    for name, rate in blocks.items():
        # partitions are made on the way to the line: there the block is a link (`traffic`)
        seconds = rate.record_time(options.offload_clock, options.offload_lanes) / nodes
        block += np.where(is_a[name] & (name != "partition"), trace.rows_in * seconds, 0.0)
        core = np.where(is_a[name], 0.0, core)
        touched = np.where(is_a[name], 0 if name == "partition" else trace.bytes_in, touched)
    return (core, touched / (nodes * cluster.node.memory_bandwidth), block,
            tuple(blocks.values()))


def blocks_of(cluster: Cluster, options: LovelockOptions) -> dict[str, BlockRate]:
    """Class of operators -> the hardware block that takes them from this cluster's cores."""
    if cluster.kind == "servers":
        return {}
    return {name: block_rate(name) for name in BLOCKS if options.offload in (name, "both")}


def _refuse_missing(trace: QueryTrace, cluster: Cluster,
                    is_a: dict[str, npt.NDArray[np.bool_]]) -> None:
    wrong = []
    if is_a["io"].any() and not cluster.drives:
        wrong.append(f"{int(is_a['io'].sum())} operators of class io: there is no drive; add "
                     "storage nodes (storage=2)")
    if (is_a["accel"] | is_a["net"]).any() and not cluster.gpus:
        wrong.append(f"{int((is_a['accel'] | is_a['net']).sum())} operators of class accel or "
                     "net: there is no accelerator; add such nodes (accelerators=2)")
    if wrong:
        raise TopologyError(f"{trace.name} does not fit this pod", wrong)
