"""Collectives of 1 MiB over 1,024 ranks: CPU time of the first call on a new fabric.

usage: python bench/bench_collectives.py [RUNS]

Every line is the median of RUNS (3) runs; each call has a Fabric of its own, whose compilation is
not counted. "drawn": hashes choose paths between switches; an exchange takes the median over draws.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from rackwright import topologies
from rackwright.devices import catalog

NBYTES = 1 << 20


def clos(leaves: int, spines: int) -> Any:
    """128 DGX H100; their NICs dealt over leaves host by host, every leaf on every spine."""
    graph = topologies.dgx("h100-sxm", hosts=128)
    switch, cable = graph.nodes["s0"]["device"], catalog.link("ethernet-400g")
    graph.remove_node("s0")
    names = [f"leaf{number}" for number in range(leaves)]
    graph.add_nodes_from([*names, *(f"spine{number}" for number in range(spines))], device=switch)
    for leaf, spine in itertools.product(names, range(spines)):
        graph.add_edge(leaf, f"spine{spine}", link=cable)
        graph.add_edge(f"spine{spine}", leaf, link=cable)
    for host, nic in itertools.product(range(128), range(8)):
        leaf = names[host * leaves // 128]
        graph.add_edge(f"h{host}/nic{nic}", leaf, link=cable)
        graph.add_edge(leaf, f"h{host}/nic{nic}", link=cable)
    return graph


FABRICS: dict[str, Callable[[], Any]] = {
    "128 DGX H100, rails": lambda: topologies.dgx("h100-sxm", hosts=128, fabric="rails"),
    "128 DGX H100, one switch": lambda: topologies.dgx("h100-sxm", hosts=128),
    "128 DGX A100, rails": lambda: topologies.dgx("a100-sxm-80", hosts=128, fabric="rails"),
    "128 DGX H100, leaf-spine (drawn)": lambda: clos(leaves=16, spines=64),
    "fat-tree, k = 16 (drawn)": lambda: topologies.fat_tree(16)}


def main(runs: int = 3) -> None:
    small = topologies.compile(topologies.dgx(hosts=2))
    topologies.collective_time("all_to_all", NBYTES, small)  # what is imported at the first use
    print(f"{'':<34} {'all_reduce, ring':>20} {'all_to_all':>20}")
    for name, build in FABRICS.items():
        graph = build()
        cells = []
        for case in ({"op": "all_reduce", "algorithm": "ring"}, {"op": "all_to_all"}):
            found = [one(graph, **case) for _ in range(runs)]
            spent, seconds = map(statistics.median, zip(*found, strict=True))
            cells.append(f"{seconds * 1e6:7.1f} us {spent:6.2f} s")
        print(f"{name:<34} {cells[0]:>20} {cells[1]:>20}", flush=True)


def one(graph: Any, op: str, **case: str) -> tuple[float, float]:
    """CPU seconds, and the answer in seconds."""
    fabric = topologies.compile(graph)
    ranks = fabric.gpus() or fabric.endpoints["nic"]
    start = time.process_time()
    seconds = topologies.collective_time(op, NBYTES, fabric, ranks, **case)
    return time.process_time() - start, float(seconds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
