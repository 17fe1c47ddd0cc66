"""Parts and links made here, so that the numbers of these tests are theirs, not the catalog's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import pytest

from rackwright.devices import Cpu, Link, Nic, PcieSwitch, Switch, catalog


class Parts:
    """Shorthands for building small graphs."""

    gpu = catalog.gpu("a100-sxm-80")
    memory = catalog.memory("ddr4-3200-8ch")
    switch = Switch(name="crossbar", kind="switch", medium="ethernet", ports=64, rate_bps=1e11,
                    latency_time=300e-9)
    nic = Nic(name="adapter", kind="nic", pcie="gen4-x16", rate_bps=1e11, ports=1,
              latency_time=500e-9)
    pcie_switch = PcieSwitch(name="bridge", kind="pcie-switch", pcie="gen4-x16", lanes=96,
                             latency_time=200e-9)  # 100 ns beyond that of a link
    cpu = Cpu(name="socket", kind="cpu", cores=8, frequency_hz=2e9, memory_channels=8,
              memory_bandwidth=2e11, pcie_lanes=64, tdp_watts=200.0, latency_time=150e-9)

    @staticmethod
    def link(name: str = "wire", kind: str = "ethernet", rate_bps: float = 80e9,
             efficiency: float = 1.0, latency_time: float = 1e-6) -> Link:
        return Link(name, kind, rate_bps, efficiency, latency_time)

    @staticmethod
    def join(graph: nx.DiGraph[Any], one: str, other: str, link: Link) -> None:
        graph.add_edge(one, other, link=link)
        graph.add_edge(other, one, link=link)

    def graph(self, nodes: dict[str, Any], links: list[tuple[str, str, Link]]
              ) -> nx.DiGraph[Any]:
        made: nx.DiGraph[Any] = nx.DiGraph()
        for name, device in nodes.items():
            made.add_node(name, device=device)
        for one, other, link in links:
            self.join(made, one, other, link)
        return made


@pytest.fixture(scope="session")
def parts() -> Parts:
    return Parts()


@pytest.fixture
def two_gpus(parts: Parts) -> nx.DiGraph[Any]:
    """Two hosts of one GPU each: gpu - pcie - nic - s0."""
    wire = parts.link()
    bus = parts.link("bus", "pcie", 160e9, 0.5, 200e-9)
    nodes: dict[str, Any] = {"s0": parts.switch}
    links = []
    for host in ("h0", "h1"):
        nodes |= {f"{host}/gpu0": parts.gpu, f"{host}/pcie0": parts.pcie_switch,
                  f"{host}/nic0": parts.nic}
        links += [(f"{host}/gpu0", f"{host}/pcie0", bus), (f"{host}/pcie0", f"{host}/nic0", bus),
                  (f"{host}/nic0", "s0", wire)]
    return parts.graph(nodes, links)


@pytest.fixture
def names(parts: Parts) -> Callable[[Any, str, str], list[str]]:
    """names(fabric, source, target) -> the names of the route's links."""
    def found(fabric: Any, source: str, target: str, flow_id: int = 0) -> list[str]:
        return [fabric.link_names[link] for link in fabric.route(source, target, flow_id)]
    return found
