"""The machine this runs on as a topology, from /sys alone: no root, no driver.

Read are /sys/bus/pci/devices (class, identifiers, link speed and width, NUMA node, nesting by real
path), the rate of network ports and names of drives. Sockets are the NUMA nodes that devices name.
Leaves out: what /sys does not tell without root or drivers. NVLink is inferred: where NVSwitches
are on the bus, every NVIDIA GPU is joined to them with all links of its part.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rackwright.devices import Gpu, catalog
from rackwright.errors import InputError
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import cpu_part
from rackwright.topologies.formats.imported_links import pcie_link, socket_link
from rackwright.topologies.formats.pci_tree import PciFunction, add_functions

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["capture"]

_BUS = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def capture(sys_folder: str | Path = "/sys", cpuinfo: str | Path = "/proc/cpuinfo"
            ) -> nx.DiGraph[Any]:
    """The graph of this host, `h0`. Raises InputError when there is no such folder."""
    devices = Path(sys_folder) / "bus" / "pci" / "devices"
    if not devices.is_dir():
        raise InputError("there is no such folder: capture reads /sys of a Linux machine with a "
                         "PCI bus", place=devices)
    draft = Draft("capture of /sys", sys_folder, "captured from /sys")
    found = {path.name: path for path in sorted(devices.iterdir()) if _BUS.fullmatch(path.name)}
    functions = {bus: _function(draft, path) for bus, path in found.items()}
    homes: dict[int, list[PciFunction]] = {}
    for bus, path in found.items():
        above = [name for name in path.resolve().parts[:-1] if name in functions]
        if above:
            functions[above[-1]].below.append(functions[bus])
        else:
            homes.setdefault(max(_number(path, "numa_node", -1), 0), []).append(functions[bus])
    _sockets(draft, homes or {0: []}, Path(cpuinfo))
    return draft.finish()


def _sockets(draft: Draft, homes: dict[int, list[PciFunction]], cpuinfo: Path) -> None:
    vendor, family, model = _processor(cpuinfo)
    nodes: dict[str, str] = {}
    sockets = []
    for home in sorted(homes):
        name = draft.add(f"h0/cpu{home}", cpu_part(vendor, family, model), vendor=vendor,
                         familyid=family, modelid=model)
        draft.report.read["a NUMA node"] += 1
        sockets.append(name)
        add_functions(draft, "h0", name, homes[home], nodes)
    for one, other in combinations(sockets, 2):
        draft.join(one, other, socket_link(vendor, model, draft.report))
    if "h0/nvswitch" in draft:
        _nvlinks(draft, nodes)


def _nvlinks(draft: Draft, nodes: dict[str, str]) -> None:
    for node in nodes.values():
        part = draft.device(node)
        if isinstance(part, Gpu) and part.nvlink and node != "h0/nvswitch":
            draft.join(node, "h0/nvswitch", catalog.link(part.nvlink))
            draft.assume("each GPU has all its NVLinks to the NVSwitches, as /sys does not tell")


def _function(draft: Draft, path: Path) -> PciFunction:
    code = _text(path, "class").removeprefix("0x")[:4]
    link = None
    if _text(path, "current_link_speed") or code[:2] in ("03", "02", "12") or code == "0108":
        link = pcie_link(_text(path, "current_link_speed") or _text(path, "max_link_speed"),
                         _text(path, "current_link_width") or "0", draft.report)
    names = sorted(entry.name for kind in ("net", "infiniband", "nvme")
                   if (path / kind).is_dir() for entry in (path / kind).iterdir())
    speeds = [_number(path / "net" / name, "speed", 0) for name in names]
    return PciFunction(path.name, code, _text(path, "vendor").removeprefix("0x"),
                       _text(path, "device").removeprefix("0x"), link or pcie_link(
                           "8 GT/s", "16", draft.report), tuple(names),
                       max([speed * 1e6 for speed in speeds if speed > 0], default=None))


def _processor(cpuinfo: Path) -> tuple[str, str, str]:
    """Vendor, family and model of the first processor; empty where it cannot be told."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        text = ""
    found = [re.search(rf"^{key}\s*:\s*(\S+)\s*$", text, re.MULTILINE)
             for key in ("vendor_id", "cpu family", "model")]
    vendor, family, model = (match[1] if match else "" for match in found)
    return vendor, family, model


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8", errors="replace").strip()[:200]
    except OSError:
        return ""


def _number(folder: Path, name: str, otherwise: int) -> int:
    text = _text(folder, name)
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else otherwise
