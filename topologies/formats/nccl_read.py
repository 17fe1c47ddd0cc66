"""NCCL and RCCL topology XML (``NCCL_TOPO_DUMP_FILE``): one or more hosts from the inside.

``<system version="1|2">`` holds ``<cpu numaid host_hash>`` elements, these nest ``<pci busid
class link_speed link_width>``, in which stand ``<gpu dev sm rank>`` with its ``<nvlink>``,
``<xgmi>`` or ``<c2c>``, and ``<nic><net name speed>``. Each processor, bridge, GPU and adapter
becomes a node (`h0/cpu0`, `h0/pcie0`, `h0/gpu0`, `h0/nic0`, numbered in the file's order), with
what the file says of it as attributes. Processors of a host are joined pairwise, as NCCL does.

NVSwitches are one pseudo-device in these files and become one node. Leaves out: memory (the
format has none), affinities other than as attributes, the network between hosts.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import cpu_part, gpu_part, known_or_not, nic_part
from rackwright.topologies.formats.imported_links import (
    nvlinks_of,
    pcie_link,
    socket_link,
    xgmi_bundle,
)
from rackwright.topologies.formats.safe_xml import Element

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["read_nccl"]

_GPU_CLASSES = ("0x0300", "0x0302", "0x0380", "0x1200")  # VGA, 3D, other display, accelerator
_NIC_CLASSES = ("0x02",)
_BRIDGE_CLASSES = ("0x0604", "0x0680")
_SWITCH_TARGET = "fffffff:ff:ff.0"  # what NCCL writes for an NVSwitch
_SWITCH_CLASS = "0x068000"
_SWITCHES = {"70": "nvswitch-v100", "80": "nvswitch-a100", "90": "nvswitch-h100",
             "100": "nvswitch-b200"}


def read_nccl(root: Element, place: object) -> nx.DiGraph[Any]:
    """The graph of a ``<system>``. Raises TopologyError listing every fault."""
    reader = _Reader(place)
    if root.get("version", "1") not in ("1", "2"):
        reader.fault(root, f"version {root.get('version')!r}; 1 and 2 are read")
    for cpu in root.all("cpu"):
        reader.processor(cpu)
    reader.join_gpus()
    reader.join_processors()
    return reader.finish()


class _Reader:
    def __init__(self, place: object) -> None:
        self._draft = Draft("NCCL topology XML", place, "imported from NCCL")
        self._hosts: dict[str, str] = {}
        self._sockets: dict[str, list[tuple[str, str, str]]] = {}  # host -> (node, vendor, model)
        self._at: dict[tuple[str, str], str] = {}  # (host, busid) -> node
        self._gpus: list[tuple[str, str, Element]] = []
        self._devs: set[tuple[str, str]] = set()  # (host, dev) of the GPUs

    def fault(self, element: Element, text: str) -> None:
        self._draft.faults.append(f"line {element.line}: <{element.tag}> {text}")

    def finish(self) -> nx.DiGraph[Any]:
        if not self._sockets:
            self._draft.faults.append("there is no <cpu>")
        return self._draft.finish()

    def processor(self, cpu: Element) -> None:
        digest = cpu.get("host_hash")
        host = self._hosts.setdefault(digest, f"h{len(self._hosts)}")
        number = cpu.get("numaid")
        if not number.isdecimal() or len(number) > 6:
            self._draft.assume(f"numaid {number!r} is taken for the next free number")
            number = str(len(self._sockets.get(host, [])))
        name = f"{host}/cpu{number}"
        if name in self._draft:
            self.fault(cpu, f"numaid {number} stands twice in {host}")
            return
        vendor, model = cpu.get("vendor"), cpu.get("modelid")
        self._draft.add(name, cpu_part(vendor, cpu.get("familyid"), model, cpu.get("arch")),
                        affinity=cpu.get("affinity"), host_hash=digest, arch=cpu.get("arch"),
                        vendor=vendor, familyid=cpu.get("familyid"), modelid=model)
        self._draft.report.read["a processor"] += 1
        self._sockets.setdefault(host, []).append((name, vendor, model))
        self._children(cpu, host, name)

    def _children(self, parent: Element, host: str, above: str) -> None:
        for child in parent.children:
            if child.tag == "pci":
                self._pci(child, host, above)
            elif child.tag == "nic" and parent.tag == "cpu":
                self._virtual_nic(child, host, above)
            elif child.tag not in ("gpu", "net", "nic"):
                self._draft.report.dropped[f"<{child.tag}> inside <{parent.tag}>"] += 1

    def _pci(self, pci: Element, host: str, above: str) -> None:
        bus, code = pci.get("busid"), pci.get("class").lower()
        if not bus:
            self.fault(pci, "has no busid")
            return
        if (host, bus) in self._at:
            self.fault(pci, f"busid {bus} stands twice in {host}")
            return
        gpu, nic = next(pci.all("gpu"), None), next(pci.all("nic"), None)
        said = {"busid": bus, "pci_class": code, "vendor": pci.get("vendor"),
                "pci_device": pci.get("device"), "link_width": pci.get("link_width"),
                "link_speed": pci.get("link_speed")}
        if gpu is not None or code.startswith(_GPU_CLASSES):
            node = self._gpu(pci, gpu, host, said)
        elif nic is not None or code.startswith(_NIC_CLASSES):
            node = self._nic(pci, nic, host, said)
        else:
            node = self._bridge(code, host, said)
        self._at[host, bus] = node
        self._draft.join(above, node, pcie_link(pci.get("link_speed"), pci.get("link_width"),
                                                self._draft.report))
        self._children(pci, host, node)

    def _gpu(self, pci: Element, gpu: Element | None, host: str, said: dict[str, str]) -> str:
        said_of = gpu if gpu is not None else Element("gpu", {}, pci.line)
        dev = said_of.get("dev")
        name = f"{host}/gpu{dev}"
        if (host, dev) in self._devs:
            self.fault(said_of, f"dev {dev} stands twice in {host}")
        if not dev.isdecimal() or len(dev) > 6 or name in self._draft:
            name = self._draft.fresh(f"{host}/gpu")
        if dev:
            self._devs.add((host, dev))
        part, assumed = gpu_part(pci.get("vendor"), pci.get("device"), said_of.get("sm")
                                 if not said_of.get("gcn") else "", said_of.get("gcn"))
        self._draft.assume(assumed)
        more = {key: said_of.get(key) for key in ("dev", "sm", "gcn", "arch", "rank", "gdr")}
        self._draft.add(name, part, **said, **more)
        self._draft.report.read["a GPU"] += 1
        if gpu is not None:
            self._gpus.append((host, name, gpu))
        return name

    def _nic(self, pci: Element, nic: Element | None, host: str, said: dict[str, str]) -> str:
        nets = list(nic.all("net")) if nic is not None else []
        return self._adapter(pci, nets, host, said)

    def _virtual_nic(self, nic: Element, host: str, above: str) -> None:
        self._draft.assume("an adapter without a PCIe place hangs on its processor by gen3-x16")
        node = self._adapter(nic, list(nic.all("net")), host, {})
        self._draft.join(above, node, pcie_link("8 GT/s", "16", self._draft.report))

    def _adapter(self, element: Element, nets: list[Element], host: str,
                 said: dict[str, str]) -> str:
        rates = [float(net.get("speed")) * 1e6 for net in nets
                 if net.get("speed").isdecimal() and len(net.get("speed")) < 12]  # Mbit/s
        rate = sum(rates) or None
        part, assumed = nic_part(element.get("vendor"), element.get("device"), rate)
        self._draft.assume(assumed)
        ports = [{key: net.get(key) for key in net.attributes} for net in nets]
        name = self._draft.add(self._draft.fresh(f"{host}/nic"), part, **said, nets=ports or None,
                               rate_bps=rate)
        self._draft.report.read["an adapter"] += 1
        return name

    def _bridge(self, code: str, host: str, said: dict[str, str]) -> str:
        if not code.startswith(_BRIDGE_CLASSES):
            self._draft.assume(f"a PCI device of class {code!r} is taken for a bridge")
        self._draft.report.read["a PCIe bridge"] += 1
        return self._draft.add(self._draft.fresh(f"{host}/pcie"),
                               known_or_not("pcie-bridge", "pcie-switch"), **said)

    def join_gpus(self) -> None:
        """NVLink, xGMI and C2C, which name their other end by bus id."""
        for host, node, gpu in self._gpus:
            for link in gpu.children:
                if link.tag in ("nvlink", "xgmi"):
                    self._gpu_link(host, node, gpu, link)
                else:
                    self._draft.report.dropped[f"<{link.tag}> of a GPU"] += 1

    def _gpu_link(self, host: str, node: str, gpu: Element, link: Element) -> None:
        target, count = link.get("target"), link.get("count", "1")
        if not count.isdecimal() or not 1 <= int(count[:4]) <= 1000 or len(count) > 4:
            self.fault(link, f"count {count!r}; a whole number from 1 is needed")
            return
        bundle = (xgmi_bundle(gpu.get("gcn"), int(count), self._draft.report)
                  if link.tag == "xgmi" else
                  nvlinks_of(gpu.get("sm"), int(count), self._draft.report))
        if target == _SWITCH_TARGET or link.get("tclass") == _SWITCH_CLASS:
            other = self._nvswitch(host, gpu.get("sm"))
        elif (host, target) in self._at:
            other = self._at[host, target]
        else:
            self.fault(link, f"target {target!r} is no bus id of {host}")
            return
        if self._draft.join(node, other, bundle):
            self._draft.report.read[f"a bundle of {count} {link.tag} links"] += 1

    def _nvswitch(self, host: str, sm: str) -> str:
        name = f"{host}/nvswitch"
        if name not in self._draft:
            self._draft.add(name, known_or_not(_SWITCHES.get(sm, "nvswitch-unnamed"), "switch"))
            self._draft.assume("the NVSwitches of a host are one crossbar, as NCCL writes them")
        return name

    def join_processors(self) -> None:
        """Processors of a host, pairwise."""
        for sockets in self._sockets.values():
            for (one, vendor, model), (other, _, _) in combinations(sockets, 2):
                self._draft.join(one, other, socket_link(vendor, model, self._draft.report))
