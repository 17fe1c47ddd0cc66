"""PCI functions of a host as nodes: what hwloc files and /sys/bus/pci both give.

A PCIe switch shows up as an upstream port and, below it, one bridge for each downstream port;
these become ONE node, since a switch is one chip (PCI Express Base Specification, section 1.3.3:
a switch is seen as PCI-to-PCI bridges). A root port belongs to its processor. GPUs, adapters and
NVMe drives become nodes. All NVSwitches of a host become one crossbar, `h0/nvswitch`: a transfer
between two GPUs uses all of them at once, while a route leads over one node; their own PCIe
connections are left out. Switches with nothing below, and all other functions, are dropped and
counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rackwright.devices import Link
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import gpu_part, known_or_not, nic_part

__all__ = ["PciFunction", "add_crossbar", "add_functions"]

_GPU_VENDORS = ("10de", "1002", "8086")  # NVIDIA, AMD, Intel; others make consoles
_NVIDIA = "10de"


@dataclass
class PciFunction:
    """A PCI function and those below it.

    `code`: four hexadecimal digits of the class ("0302"); `vendor`, `device`: four each; `link`:
    to what is above it; `names`: of the operating system ("mlx5_0", "nvme0n1").
    """

    bus: str
    code: str
    vendor: str
    device: str
    link: Link | None
    names: tuple[str, ...] = ()
    rate_bps: float | None = None
    below: list[PciFunction] = field(default_factory=list)

    @property
    def is_bridge(self) -> bool:
        return self.code == "0604"

    @property
    def is_nvswitch(self) -> bool:
        return self.code == "0680" and self.vendor == _NVIDIA

    @property
    def family(self) -> str | None:
        """The family of the node it becomes; None when it becomes none."""
        if self.code in ("0300", "0302", "0380", "1200") and self.vendor in _GPU_VENDORS:
            return "gpu"
        if self.code[:2] == "02":
            return "nic"
        return "nvme" if self.code == "0108" else None

    @property
    def bears(self) -> bool:
        """Whether it or anything below becomes a node."""
        return self.family is not None or any(one.bears for one in self.below)


def add_functions(draft: Draft, host: str, processor: str, roots: list[PciFunction],
                  nodes: dict[str, str]) -> None:
    """Hang what is below the root ports `roots` on `processor`; fills bus id -> node."""
    for root in roots:
        for function in root.below if root.is_bridge else [root]:
            _add(draft, host, processor, function, nodes)


def _add(draft: Draft, host: str, above: str, function: PciFunction,
         nodes: dict[str, str]) -> None:
    if function.bus in nodes:
        draft.faults.append(f"PCI function {function.bus} stands twice")
        return
    if not function.bears:
        _pass_over(draft, host, function, nodes)
        return
    node = nodes[function.bus] = _node(draft, host, function)
    if function.link is not None:
        draft.join(above, node, function.link)
    for below in function.below:
        inner = below.below if function.is_bridge and below.is_bridge else [below]
        if function.is_bridge and below.is_bridge:
            draft.report.read["a port of a PCIe switch, one node with it"] += 1
        for one in inner:
            _add(draft, host, node, one, nodes)


def _pass_over(draft: Draft, host: str, function: PciFunction, nodes: dict[str, str]) -> None:
    """A function that becomes no node of its own, and those below it."""
    if function.is_nvswitch:
        nodes[function.bus] = add_crossbar(draft, host)
        draft.report.read["an NVSwitch, part of the crossbar"] += 1
    else:
        draft.report.dropped[f"PCI function of class {function.code}"] += 1
    for below in function.below:
        _pass_over(draft, host, below, nodes)


def _node(draft: Draft, host: str, function: PciFunction) -> str:
    said = {"busid": function.bus, "pci_class": f"0x{function.code}00",
            "vendor": f"0x{function.vendor}", "pci_device": f"0x{function.device}",
            "names": list(function.names) or None}
    if function.is_bridge:
        draft.report.read["a PCIe switch"] += 1
        return draft.add(draft.fresh(f"{host}/pcie"), known_or_not("pcie-bridge", "pcie-switch"),
                         **said)
    family = str(function.family)
    if family == "gpu":
        part, assumed = gpu_part(function.vendor, function.device)
    elif family == "nic":
        part, assumed = nic_part(function.vendor, function.device, function.rate_bps)
    else:
        part, assumed = known_or_not(f"{family}-unnamed", family), ""
    draft.assume(assumed)
    draft.report.read[f"a {family}"] += 1
    return draft.add(draft.fresh(f"{host}/{family}"), part, **said, rate_bps=function.rate_bps)


def add_crossbar(draft: Draft, host: str) -> str:
    """The node that stands for all NVSwitches of `host`."""
    name = f"{host}/nvswitch"
    if name not in draft:
        draft.add(name, known_or_not("nvswitch-unnamed", "switch"))
        draft.assume("the NVSwitches of a host are one crossbar")
    return name
