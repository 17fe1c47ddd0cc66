"""Shuffles on a fat-tree, and an independent reference solver for shared flows."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest


@dataclass(frozen=True)
class Workload:
    """Arguments of `share_flows`; `arguments` in their order."""

    bandwidth: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.int64]
    links: npt.NDArray[np.int32]
    nbytes: npt.NDArray[np.float64]
    start: npt.NDArray[np.float64]

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.bandwidth, self.offsets, self.links, self.nbytes, self.start


def fat_tree_shuffle(ports: int, flows: int, *, spread: float = 0.0, seed: int = 1) -> Workload:
    """Random pairs of hosts of a fat-tree of `ports`-port switches, 100 Gbit/s, 1 to 2 MB each.

    The draws and the order of links are those of the published comparison with SimGrid, so that
    its makespans can be checked.
    """
    half = ports // 2
    ids: dict[tuple[str, int, str, int], int] = {}

    def cable(kind: str, one: int, other_kind: str, other: int) -> None:
        ids[kind, one, other_kind, other] = len(ids)
        ids[other_kind, other, kind, one] = len(ids)

    for host in range(ports * half * half):
        cable("host", host, "edge", host // half)
    for pod in range(ports):
        for edge in range(half):
            for up in range(half):
                cable("edge", pod * half + edge, "agg", pod * half + up)
        for up in range(half):
            for core in range(half):
                cable("agg", pod * half + up, "core", up * half + core)

    def route(source: int, sink: int, salt: int) -> list[int]:
        first, last = source // half, sink // half
        up = salt % half
        nodes = [("host", source), ("edge", first)]
        if first != last:
            nodes.append(("agg", first // half * half + up))
            if first // half != last // half:
                nodes.append(("core", up * half + salt // half % half))
                nodes.append(("agg", last // half * half + up))
            nodes.append(("edge", last))
        nodes.append(("host", sink))
        return [ids[*a, *b] for a, b in zip(nodes, nodes[1:], strict=False)]

    rng = np.random.Generator(np.random.PCG64(seed))
    hosts = ports * half * half
    source = rng.integers(0, hosts, flows)
    sink = (source + rng.integers(1, hosts, flows)) % hosts
    nbytes = (1_000_000 + rng.permutation(1_000_000)[:flows]).astype(np.float64)
    start = np.zeros(flows)
    if spread:
        start[:] = np.sort(rng.uniform(0, spread, flows))
    salt = rng.integers(0, 1 << 30, flows)
    paths = [route(int(a), int(b), int(c)) for a, b, c in zip(source, sink, salt, strict=True)]
    offsets = np.cumsum([0, *map(len, paths)])
    links = np.array([link for path in paths for link in path], np.int32)
    return Workload(np.full(len(ids), 12.5e9), offsets, links, nbytes, start)


@pytest.fixture(scope="session")
def shuffle() -> Callable[..., Workload]:
    return fat_tree_shuffle


def reference_rates(bandwidth: list[Fraction], paths: dict[int, list[int]],
                    weight: dict[int, Fraction]) -> dict[int, Fraction]:
    """Max-min fair rates in exact fractions, by the textbook definition."""
    rates: dict[int, Fraction] = {}
    while len(rates) < len(paths):
        levels = {}
        for link, capacity in enumerate(bandwidth):
            hops = [flow for flow in paths for hop in paths[flow] if hop == link]
            wanting = sum(weight[flow] for flow in hops if flow not in rates)
            if wanting:
                used = sum((rates[flow] for flow in hops if flow in rates), Fraction(0))
                levels[link] = (capacity - used) / wanting
        level = min(levels.values())
        for link in [link for link in levels if levels[link] == level]:
            for flow in paths:
                if flow not in rates and link in paths[flow]:
                    rates[flow] = level * weight[flow]
    return rates


def reference_finish_ps(bandwidth: list[int], paths: list[list[int]], nbytes: list[int],
                        start_ps: list[int], weight: list[int]) -> list[int | None]:
    """Finish times with exact rates and whole picoseconds; None for a flow that never ends."""
    capacity = [Fraction(one) for one in bandwidth]
    share = {flow: Fraction(one) for flow, one in enumerate(weight)}
    left = {flow: Fraction(size) for flow, size in enumerate(nbytes)}
    finish: list[int | None] = [None] * len(paths)
    live: dict[int, list[int]] = {}
    now = 0
    waiting = sorted(range(len(paths)), key=lambda flow: (start_ps[flow], flow))
    while waiting or live:
        rates = reference_rates(capacity, live, share)
        ends = {flow: now + math.ceil(left[flow] * 10**12 / rates[flow])
                for flow in live if rates[flow]}
        times = [*ends.values(), *(start_ps[flow] for flow in waiting[:1])]
        if not times:
            break
        then = min(times)
        for flow in list(live):
            left[flow] -= rates[flow] * (then - now) / 10**12
            if ends.get(flow) == then:
                finish[flow] = then
                del live[flow]
        now = then
        while waiting and start_ps[waiting[0]] == now:
            flow = waiting.pop(0)
            if nbytes[flow] and paths[flow]:
                live[flow] = paths[flow]
            else:
                finish[flow] = now
    return finish


@pytest.fixture(scope="session")
def reference() -> Callable[..., list[int | None]]:
    return reference_finish_ps


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run code in a fresh interpreter, with extra environment variables."""

    def run(code: str, *, cwd: Path | None = None, **environment: str
            ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **environment}
        return subprocess.run([sys.executable, "-c", code], env=env, cwd=cwd, text=True,
                              capture_output=True, timeout=300, check=False)

    return run


@pytest.fixture(scope="session")
def digest() -> Callable[..., str]:
    """SHA-256 of the bytes of arrays and (nested) tuples of arrays."""

    def walk(value: Any) -> bytes:
        if isinstance(value, tuple):
            return b"".join(map(walk, value))
        return np.asarray(value).tobytes()

    return lambda *values: hashlib.sha256(b"".join(map(walk, values))).hexdigest()
