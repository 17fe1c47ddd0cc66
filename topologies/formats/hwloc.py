"""hwloc XML (``lstopo machine.xml``), versions 2 and 3: one host from the inside.

Packages become `h0/cpu0` .., their NUMA nodes `h0/mem0` .., PCI devices what `pci_tree` says.
``pci_link_speed`` is GB/s after encoding. The matrix ``NVLinkBandwidth`` (MB/s), whose lists are
split over many elements, becomes NVLinks between GPUs and NVSwitches. Leaves out: caches, cores,
other matrices, other devices; the report counts them.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link, catalog
from rackwright.topologies.builders.hosts import channels
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import cpu_part
from rackwright.topologies.formats.imported_links import pcie_by_bandwidth, socket_link
from rackwright.topologies.formats.pci_tree import PciFunction, add_functions
from rackwright.topologies.formats.safe_xml import Element

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["read_hwloc"]

_MEMORY = "ddr4-3200-8ch"  # stands in for the channels, which hwloc does not count
_MATRIX = "NVLinkBandwidth"
_MOST_SIDE = 4096  # of a matrix; our own limit
_QUIET = ("Core", "PU", "Die", "Group", "Misc")


def read_hwloc(root: Element, place: object) -> nx.DiGraph[Any]:
    """The graph of a ``<topology>``. Raises TopologyError listing every fault."""
    reader = _Reader(place)
    machine = next(root.all("object"), None)
    if machine is None or machine.get("type") != "Machine":
        reader.draft.faults.append(f'line {root.line}: the first <object> must be of type '
                                   '"Machine"')
    else:
        reader.linked = {name for matrix in root.all("distances2hetero")
                         if matrix.get("name") == _MATRIX for one in matrix.all("indexes")
                         for name in one.text.split()}
        reader.machine(machine)
        for matrix in (*root.all("distances2hetero"), *root.all("distances2")):
            reader.matrix(matrix)
    return reader.draft.finish()


class _Reader:
    def __init__(self, place: object) -> None:
        self.draft = Draft("hwloc XML", place, "imported from hwloc")
        self.linked: set[str] = set()       # objects in the matrix of NVLinks
        self._nodes: dict[str, str] = {}    # bus id -> node
        self._at_index: dict[str, str] = {}  # "PCIDev:449" -> bus id
        self._sockets: list[tuple[str, str, str]] = []

    def machine(self, machine: Element) -> None:
        packages = [one for one in _inside(machine) if one.get("type") == "Package"]
        for number, package in enumerate(packages):
            self._package(package, number, machine)
        if not packages:
            self.draft.faults.append(f"line {machine.line}: there is no package (processor)")
            return
        loose = [one for one in machine.all("object") if one.get("type") == "Bridge"]
        self._bridges(loose, "h0/cpu0")
        for (one, vendor, model), (other, _, _) in combinations(self._sockets, 2):
            self.draft.join(one, other, socket_link(vendor, model, self.draft.report))

    def _package(self, package: Element, number: int, machine: Element) -> None:
        said = {info.get("name"): info.get("value")
                for one in (machine, package) for info in one.all("info")}
        vendor, model = said.get("CPUVendor", ""), said.get("CPUModelNumber", "")
        node = self.draft.add(f"h0/cpu{number}", cpu_part(
            vendor, said.get("CPUFamilyNumber", ""), model), vendor=vendor, modelid=model,
            familyid=said.get("CPUFamilyNumber"), cpu_model=said.get("CPUModel"))
        self.draft.report.read["a processor"] += 1
        self._sockets.append((node, vendor, model))
        bridges = []
        for inner in _inside(package):
            if inner.get("type") == "NUMANode":
                self._memory(inner, node)
            elif inner.get("type") == "Bridge" and inner.get("bridge_type").startswith("0-"):
                bridges.append(inner)
            elif inner.get("type") in _QUIET or "Cache" in inner.get("type"):
                self.draft.report.dropped[f"an object of type {inner.get('type')}"] += 1
        self._bridges(bridges, node)

    def _memory(self, numa: Element, processor: str) -> None:
        part = catalog.memory(_MEMORY)
        self.draft.assume(f"the channels of a NUMA node are those of {_MEMORY}")
        size = numa.get("local_memory")
        node = self.draft.add(self.draft.fresh("h0/mem"), part,
                              nbytes=int(size) if size.isdecimal() else None)
        self.draft.report.read["a NUMA node's memory"] += 1
        self.draft.join(processor, node, channels(part))

    def _bridges(self, bridges: list[Element], processor: str) -> None:
        for bridge in bridges:  # a host bridge; root ports and devices are below
            roots = [self._function(one) for one in bridge.all("object")
                     if one.get("type") in ("Bridge", "PCIDev")]
            add_functions(self.draft, "h0", processor, roots, self._nodes)

    def _function(self, element: Element) -> PciFunction:
        words = element.get("pci_type").replace("[", " ").replace("]", " ").split()
        vendor, _, device = (words[1] if len(words) > 1 else "").partition(":")
        inner = [one for one in element.all("object") if one.get("type") == "OSDev"]
        function = PciFunction(
            element.get("pci_busid"), words[0] if words else "", vendor, device,
            self._link(element.get("pci_link_speed")), tuple(one.get("name") for one in inner))
        linked = f"PCIDev:{element.get('gp_index')}" in self.linked
        if linked and function.family is None and not function.is_nvswitch:
            self.draft.assume(f"a device of class {function.code} with NVLinks is an NVSwitch")
            function.code, function.vendor = "0680", "10de"
        for one in (element, *inner):
            self._at_index[f"{one.get('type')}:{one.get('gp_index')}"] = function.bus
        function.below = [self._function(one) for one in element.all("object")
                          if one.get("type") in ("Bridge", "PCIDev")]
        return function

    def _link(self, speed: str) -> Link:
        try:
            gbytes = float(speed)
        except ValueError:
            gbytes = 0.0
        if not 0 < gbytes < 1e4:
            self.draft.assume(f"PCIe speed {speed!r} is taken for that of generation 3 x16")
            gbytes = 15.753846
        return pcie_by_bandwidth(gbytes, self.draft.report)

    def matrix(self, matrix: Element) -> None:
        if matrix.get("name") != _MATRIX:
            self.draft.report.dropped[f"the matrix {matrix.get('name')!r}"] += 1
            return
        names = " ".join(one.text for one in matrix.all("indexes")).split()
        words = " ".join(one.text for one in matrix.all("u64values")).split()
        if len(names) > _MOST_SIDE or len(words) != len(names) ** 2:
            self.draft.faults.append(f"line {matrix.line}: {_MATRIX} has {len(names)} indexes and "
                                     f"{len(words)} values; n and n x n are needed")
            return
        bad = next((word for word in words if not word.isdecimal()), None)
        if bad is not None:
            self.draft.faults.append(f"line {matrix.line}: {_MATRIX} holds {bad!r}; whole numbers "
                                     "of MB/s are needed")
            return
        self._nvlinks([self._nodes.get(self._at_index.get(name, "")) for name in names],
                      [int(word[:9]) for word in words])

    def _nvlinks(self, nodes: list[str | None], mbytes: list[int]) -> None:
        """Links between two nodes add up: those to the crossbar's switches are one bundle."""
        bundles: Counter[tuple[str, str]] = Counter()
        for row, one in enumerate(nodes):
            for column, other in enumerate(nodes[:row]):
                value = mbytes[row * len(nodes) + column]
                if value and one and other:
                    bundles[min(one, other), max(one, other)] += value
                    self.draft.report.read[f"an NVLink of {value} MB/s"] += 1
                elif value:
                    self.draft.report.dropped["an NVLink to a device that became no node"] += 1
        whole = catalog.link("nvlink2")
        for (one, other), value in bundles.items():
            self.draft.assume("NVLinks take efficiency and latency of nvlink2")
            self.draft.join(one, other, dataclasses.replace(
                whole, name=f"nvlink-{value}MBps", rate_bps=value * 8e6, content_hash="",
                source="hwloc: NVLinkBandwidth"))


def _inside(element: Element) -> Iterator[Element]:
    """All objects inside, down to bridges and not below them."""
    for child in element.all("object"):
        yield child
        if child.get("type") != "Bridge":
            yield from _inside(child)
