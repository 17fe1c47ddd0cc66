"""`ExecutionTrace`: what each rank of a training job executes, as MLCommons Chakra records it.

A rank has nodes, each with an id, a type and the nodes that it waits for; a node computes, takes
part in a collective, sends or receives. Attributes follow Chakra: `comm_type`, `comm_size`
(bytes), `comm_src`, `comm_dst`, `comm_tag`, `pg_name` (a group of ranks), `num_ops` (flops),
`tensor_size` (bytes), `is_cpu_op`, `involved_dim` (one flag a dimension).

What it leaves out: tensors by name, storage nodes, operators by name. Units: seconds (files:
microseconds), bytes. Source: et_def.proto of github.com/mlcommons/chakra (schema; read 2026).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rackwright.errors import TraceError, UsageError
from rackwright.units import MAX_TIME

__all__ = ["COLLECTIVES", "MAX_RANKS", "NODE_TYPES", "Attribute", "ExecutionNode",
           "ExecutionTrace"]

NODE_TYPES = ("INVALID", "METADATA", "MEM_LOAD", "MEM_STORE", "COMP", "COMM_SEND", "COMM_RECV",
              "COMM_COLL")
COLLECTIVES = ("ALL_REDUCE", "REDUCE", "ALL_GATHER", "GATHER", "SCATTER", "BROADCAST",
               "ALL_TO_ALL", "REDUCE_SCATTER", "REDUCE_SCATTER_BLOCK", "BARRIER")
MAX_RANKS = 1 << 20
MAX_BYTES = 1 << 53
Attribute = bool | int | float | str | bytes | tuple[Any, ...]


@dataclass(frozen=True)
class ExecutionNode:
    """One node; `after` holds control and data dependencies, each once, sorted.

    `duration_time`: seconds as recorded, 0 where none was.
    """

    id: int
    name: str
    type: str
    after: tuple[int, ...] = ()
    duration_time: float = 0.0
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def whole(self, name: str, default: int = 0) -> int:
        """A whole-number attribute. Raises TraceError for another type or a negative one."""
        value = self.attributes.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_BYTES:
            raise TraceError(f"node {self.id} ({self.name}): {name} is {value!r}; expected a "
                             f"whole number from 0 to {MAX_BYTES}")
        return value

    @property
    def group(self) -> str:
        """The name of its process group; "" is all ranks."""
        value = self.attributes.get("pg_name", "")
        return str(value)

    @property
    def collective(self) -> str:
        """The collective of a COMM_COLL node. Raises TraceError."""
        code = self.whole("comm_type", -1) if "comm_type" in self.attributes else -1
        if not 0 <= code < len(COLLECTIVES):
            raise TraceError(f"node {self.id} ({self.name}): comm_type is {code}; expected 0 to "
                             f"{len(COLLECTIVES) - 1}: {', '.join(COLLECTIVES)}")
        return COLLECTIVES[code]


@dataclass(frozen=True, eq=False)
class ExecutionTrace:
    """All ranks of a job; `ranks[r]`: the nodes of rank r in the order of the file.

    `groups`: name of a process group -> its ranks, rising. `version`: Chakra's, of the files.
    Raises TraceError naming rank and node: ids that repeat, dependencies on nodes that are not
    there or in a circle, attributes that a replay needs and that are missing.
    """

    ranks: tuple[tuple[ExecutionNode, ...], ...]
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    name: str = "execution"
    source: str = ""
    version: str = "0.0.4"

    def __post_init__(self) -> None:
        if not 1 <= len(self.ranks) <= MAX_RANKS:
            raise TraceError(f"{len(self.ranks)} ranks; expected 1 to {MAX_RANKS}")
        _check_groups(self)
        for rank, nodes in enumerate(self.ranks):
            try:
                _check_rank(self, rank, nodes)
            except TraceError as problem:
                raise TraceError(f"rank {rank}: {problem.message}") from None

    def __len__(self) -> int:
        return sum(len(nodes) for nodes in self.ranks)

    def __repr__(self) -> str:
        return f"<ExecutionTrace {self.name!r}: {len(self.ranks)} ranks, {len(self)} nodes>"

    def first(self, count: int) -> ExecutionTrace:
        """The first `count` nodes of each rank that wait for none behind them.

        Raises UsageError.
        """
        if count < 1:
            raise UsageError(f"the first {count} nodes: at least 1 is needed")
        kept = []
        for nodes in self.ranks:
            there: set[int] = set()
            for node in nodes[:count]:
                if there.issuperset(node.after):
                    there.add(node.id)
            kept.append(tuple(node for node in nodes[:count] if node.id in there))
        return ExecutionTrace(tuple(kept), self.groups, self.name, self.source, self.version)

    def members(self, group: str) -> tuple[int, ...]:
        """The ranks of a group. Raises TraceError for one that nothing names."""
        if group in self.groups:
            return self.groups[group]
        if group in ("", "0", "default_pg"):
            return tuple(range(len(self.ranks)))
        raise TraceError(f"process group {group!r} is not described; known: "
                         f"{', '.join(sorted(self.groups)) or 'none'}. A file comm_group.json "
                         "beside the traces maps names to ranks")

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of all nodes and groups; name, source and version do not count."""
        digest = hashlib.sha256(f"execution 1 {len(self.ranks)}\n".encode())
        digest.update(json.dumps(sorted(self.groups.items())).encode())
        for nodes in self.ranks:
            digest.update(f"\n{len(nodes)}\n".encode())
            for node in nodes:
                digest.update(repr((node.id, node.name, node.type, node.after, node.duration_time,
                                    sorted(node.attributes.items()))).encode())
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """Counts by type, bytes and seconds as plain numbers (JSON-ready, SI units)."""
        counts = dict.fromkeys(NODE_TYPES, 0)
        nbytes, time = 0, 0.0
        for nodes in self.ranks:
            for node in nodes:
                counts[node.type] += 1
                nbytes += node.whole("comm_size") if node.type.startswith("COMM") else 0
                time += node.duration_time if node.type == "COMP" else 0.0
        return {"name": self.name, "source": self.source, "content_hash": self.content_hash,
                "ranks": len(self.ranks), "nodes": len(self), "communicated_nbytes": nbytes,
                "compute_time": time, "types": {key: n for key, n in counts.items() if n}}


def _check_groups(trace: ExecutionTrace) -> None:
    for name, ranks in trace.groups.items():
        good = len(ranks) > 0 and list(ranks) == sorted(set(ranks)) and ranks[0] >= 0 \
            and ranks[-1] < len(trace.ranks)
        if not good:
            raise TraceError(f"process group {name!r}: ranks {list(ranks)}; expected different, "
                             f"rising ranks of 0 to {len(trace.ranks) - 1}")


def _check_rank(trace: ExecutionTrace, rank: int, nodes: tuple[ExecutionNode, ...]) -> None:
    ids: set[int] = set()
    for node in nodes:
        if node.id in ids:
            raise TraceError(f"node id {node.id} comes twice; expected different ids")
        ids.add(node.id)
    for node in nodes:
        _check_node(trace, rank, node)
        missing = [other for other in node.after if other not in ids]
        if missing:
            raise TraceError(f"node {node.id} ({node.name}) waits for node {missing[0]}, which is "
                             "not there; is the file cut off?")
    _check_order(nodes)


def _check_node(trace: ExecutionTrace, rank: int, node: ExecutionNode) -> None:
    if node.type not in NODE_TYPES or node.type == "INVALID":
        raise TraceError(f"node {node.id} ({node.name}): type {node.type}; expected "
                         f"{', '.join(NODE_TYPES[1:])}")
    if not 0 <= node.duration_time <= MAX_TIME:
        raise TraceError(f"node {node.id} ({node.name}): {node.duration_time} s; expected 0 to "
                         f"{MAX_TIME:.0f} s")
    if node.type == "COMM_COLL":
        kind = node.collective
        node.whole("comm_size", 0 if kind == "BARRIER" else -1)
        if rank not in trace.members(node.group):
            raise TraceError(f"node {node.id} ({node.name}): rank {rank} is not in its process "
                             f"group {node.group!r} {list(trace.members(node.group))}")
    elif node.type in ("COMM_SEND", "COMM_RECV"):
        node.whole("comm_size", -1)
        peer = node.whole("comm_dst" if node.type == "COMM_SEND" else "comm_src", -1)
        if peer >= len(trace.ranks) or peer == rank:
            raise TraceError(f"node {node.id} ({node.name}): its peer is rank {peer}; expected "
                             f"another rank of 0 to {len(trace.ranks) - 1}")


def _check_order(nodes: tuple[ExecutionNode, ...]) -> None:
    """Dependencies go round in no circle."""
    waiting = {node.id: len(node.after) for node in nodes}
    before: dict[int, list[int]] = {}
    for node in nodes:
        for other in node.after:
            before.setdefault(other, []).append(node.id)
    ready = [number for number, count in waiting.items() if not count]
    done = 0
    while ready:
        done += 1
        for later in before.get(ready.pop(), ()):
            waiting[later] -= 1
            if not waiting[later]:
                ready.append(later)
    if done < len(nodes):
        raise TraceError(f"{_circle(nodes, waiting)}; dependencies must not go in a circle")


def _circle(nodes: tuple[ExecutionNode, ...], waiting: Mapping[int, int]) -> str:
    """A circle, written out: what waits for what."""
    after = {node.id: next(other for other in node.after if waiting[other])
             for node in nodes if waiting[node.id]}
    at, seen = min(after), list[int]()
    while at not in seen:
        seen.append(at)
        at = after[at]
    ring = seen[seen.index(at):]
    shown = ring if len(ring) <= 8 else [*ring[:7], ring[-1]]
    return "node " + " waits for ".join(str(one) for one in [*shown, ring[0]])
