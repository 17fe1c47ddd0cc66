"""NCCL topology XML from a graph, for ``NCCL_TOPO_FILE`` or another tool.

Written: processors, PCIe trees below them, GPUs with NVLink, xGMI and NVSwitch bundles, adapters
with their rate. What an import kept as attributes (bus ids, classes, vendors ...) is written
back; what a graph of ours lacks is made up: bus ids are counted, classes follow the family.
Leaves out, saying so: memory, drives, switches of a network, and everything between hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from rackwright.devices import Link
from rackwright.errors import TopologyError
from rackwright.topologies.builders.building import nvlink_count
from rackwright.topologies.formats.report import Report
from rackwright.topologies.names import natural_key
from rackwright.topologies.parts import family_of, host_of

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["to_nccl_xml"]

_CLASSES = {"gpu": "0x030200", "nic": "0x020000", "smart-nic": "0x020000",
            "pcie-switch": "0x060400", "nvme": "0x010802"}
_SPEEDS = {2.5e9: "2.5 GT/s PCIe", 5e9: "5.0 GT/s PCIe", 8e9: "8.0 GT/s PCIe",
           16e9: "16.0 GT/s PCIe", 32e9: "32.0 GT/s PCIe", 64e9: "64.0 GT/s PCIe"}
_SM = {"v100": "70", "a100": "80", "h100": "90", "h200": "90", "l40": "89", "b200": "100"}
_NVLINK_RATE = 200e9  # bits/s of one link of NVLink 2 to 4, for bundles of unknown names
_SWITCH = "fffffff:ff:ff.0"  # what NCCL writes for an NVSwitch


def to_nccl_xml(graph: nx.DiGraph[Any]) -> tuple[str, Report]:
    """The text of the file, and what it leaves out. Raises TopologyError for a graph without
    processors, which the format cannot do without."""
    writer = _Writer(graph)
    lines = ['<system version="1">', *writer.processors(), "</system>"]
    writer.report_rest()
    return "\n".join(lines) + "\n", writer.report


class _Writer:
    def __init__(self, graph: nx.DiGraph[Any]) -> None:
        self._graph = graph
        self.report = Report("NCCL topology XML")
        self._nodes = sorted(graph.nodes, key=natural_key)
        self._family = {node: family_of(graph.nodes[node]["device"]) for node in self._nodes}
        self._written: set[str] = set()
        self._bus = self._bus_ids()
        self._ranks = {node: number for number, node in
                       enumerate(node for node in self._nodes if self._family[node] == "gpu")}
        if "cpu" not in self._family.values():
            raise TopologyError("this topology cannot be written as NCCL XML",
                                ["it has no processor, and everything in that format hangs "
                                 "below one"])

    def _bus_ids(self) -> dict[str, str]:
        """Bus id by node: the imported one, else the next free one of a counter."""
        kept = {node: str(self._graph.nodes[node]["busid"]) for node in self._nodes
                if "busid" in self._graph.nodes[node]}
        taken, number = set(kept.values()), 0
        for node in self._nodes:
            while node not in kept:
                name = f"0000:{number // 32 % 256:02x}:{number % 32:02x}.0"
                number += 1
                if name not in taken:
                    kept[node] = name
                if number > 1 << 13:
                    raise TopologyError("this topology cannot be written as NCCL XML",
                                        ["it has more nodes than one PCI domain has bus ids"])
        return kept

    def processors(self) -> Iterator[str]:
        hosts = sorted({str(host_of(node, self._graph.nodes[node]["device"]))
                        for node in self._nodes if self._family[node] == "cpu"}, key=natural_key)
        for node in self._nodes:
            if self._family[node] != "cpu":
                continue
            data = self._graph.nodes[node]
            host = str(host_of(node, data["device"]))
            number = re.search(r"\d+$", node)
            said = {"numaid": number[0] if number else "0", "host_hash": data.get("host_hash")
                    or (hex(hosts.index(host) + 1) if len(hosts) > 1 else None),
                    "arch": data.get("arch") or "x86_64"}
            said |= {key: data.get(key) for key in ("affinity", "vendor", "familyid", "modelid")}
            self._written.add(node)
            yield f"  <cpu{_attributes(said)}>"
            yield from self._below(node, "    ")
            yield "  </cpu>"

    def _below(self, parent: str, indent: str) -> Iterator[str]:
        for node in sorted(self._graph.successors(parent), key=natural_key):
            link = self._graph.edges[parent, node]["link"]
            if node not in self._written and link.kind == "pcie" \
                    and self._family[node] in ("gpu", "nic", "smart-nic", "pcie-switch"):
                self._written.add(node)
                yield from self._device(node, link, indent)

    def _device(self, node: str, link: Link, indent: str) -> Iterator[str]:
        data, family = self._graph.nodes[node], str(self._family[node])
        inner = list(self._inside(node, family, indent + "  "))
        if "busid" not in data and family in ("nic", "smart-nic") and "nets" in data:
            yield from inner  # it was read without a place on a bus
            return
        said = {"busid": self._bus[node], "class": data.get("pci_class") or _CLASSES[family],
                "vendor": data.get("vendor"), "device": data.get("pci_device"),
                "link_speed": data.get("link_speed", _speed(link)),
                "link_width": data.get("link_width", _width(link))}
        yield f"{indent}<pci{_attributes(said)}>"
        yield from inner
        yield from self._below(node, indent + "  ")
        yield f"{indent}</pci>"

    def _inside(self, node: str, family: str, indent: str) -> Iterator[str]:
        data = self._graph.nodes[node]
        if family == "gpu":
            yield from self._gpu(node, data, indent)
        elif family in ("nic", "smart-nic"):
            nets = data.get("nets")
            if nets is None and "busid" not in data:
                nets = [{"name": node.rpartition("/")[2], "dev": "0", "port": "1",
                         "speed": str(round(data["device"].rate_bps / 1e6)), "gdr": "1"}]
            if nets:
                yield f"{indent}<nic>"
                yield from (f"{indent}  <net{_attributes(net)}/>" for net in nets)
                yield f"{indent}</nic>"

    def _gpu(self, node: str, data: dict[str, Any], indent: str) -> Iterator[str]:
        links = list(self._gpu_links(node, indent + "  "))
        if "busid" in data and not links and "dev" not in data:
            return  # it was read from a bare <pci>
        name = data["device"].name
        said = {key: data.get(key) for key in ("dev", "sm", "gcn", "arch", "rank", "gdr")}
        number = re.search(r"\d+$", node)
        said["dev"] = said["dev"] or (number[0] if number else "0")
        said["rank"] = said["rank"] or str(self._ranks[node])
        said["sm"] = said["sm"] or next((sm for mark, sm in _SM.items() if mark in name), None)
        yield f"{indent}<gpu{_attributes(said)}>"
        yield from links
        yield f"{indent}</gpu>"

    def _gpu_links(self, node: str, indent: str) -> Iterator[str]:
        for other in sorted(self._graph.successors(node), key=natural_key):
            link = self._graph.edges[node, other]["link"]
            if link.kind not in ("nvlink", "xgmi"):
                continue
            switch = self._family[other] == "switch"
            said = {"target": _SWITCH if switch else self._bus[other], "count": _count(link),
                    "tclass": "0x068000" if switch else
                    self._graph.nodes[other].get("pci_class") or "0x030200"}
            if switch:
                self._written.add(other)
            yield f"{indent}<{link.kind}{_attributes(said)}/>"

    def report_rest(self) -> None:
        for node in self._nodes:
            if node not in self._written:
                self.report.dropped[f"a {self._family[node]}, which the format has no place "
                                    "for"] += 1


def _attributes(said: dict[str, Any]) -> str:
    return "".join(f" {key}={quoteattr(str(value))}" for key, value in said.items()
                   if value is not None)


def _speed(link: Link) -> str:
    lanes = int(_width(link))
    return _SPEEDS.get(link.rate_bps / lanes, "") if lanes else ""


def _width(link: Link) -> str:
    found = re.search(r"-x(\d+)$", link.name)
    return found[1] if found else "0"


def _count(link: Link) -> str:
    found = re.search(r"-x(\d+)$", link.name)
    if found:
        return found[1]
    return str(nvlink_count(link.name) or max(1, round(link.rate_bps / _NVLINK_RATE)))
