"""Which part of the catalog a device is: by PCI identifiers, by NCCL's `sm` and `gcn`, by name.

Sources: PCI vendor and device identifiers as in the PCI ID Repository (pci-ids.ucw.cz; recalled,
spot-checked against the machines in the tests); compute capabilities: CUDA C++ Programming
Guide; gfx names: LLVM AMDGPU usage. A device that is not in these tables, or whose part the
catalog lacks, becomes an `UnknownPart`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rackwright.devices import catalog
from rackwright.devices.unknown import UnknownPart

if TYPE_CHECKING:
    from rackwright.topologies.parts import Device

__all__ = ["cpu_part", "gpu_by_name", "gpu_part", "known_or_not", "nic_by_rate", "nic_part"]

_PCI = {
    # NVIDIA
    "10de:1db1": "v100-sxm-16", "10de:1db5": "v100-sxm", "10de:1db8": "v100-sxm",
    "10de:1db4": "v100-pcie", "10de:1db6": "v100-pcie-32",
    "10de:20b0": "a100-sxm-40", "10de:20b2": "a100-sxm-80", "10de:20f1": "a100-pcie-40",
    "10de:20b5": "a100-pcie-80", "10de:2330": "h100-sxm", "10de:2331": "h100-pcie",
    "10de:2321": "h100-nvl", "10de:2335": "h200-sxm", "10de:26b9": "l40s", "10de:26b5": "l40",
    "10de:2901": "b200", "10de:1eb8": "t4", "10de:27b8": "l4", "10de:2236": "a10",
    # AMD
    "1002:66a0": "mi50", "1002:66a1": "mi60", "1002:738c": "mi100", "1002:7408": "mi250x-gcd",
    "1002:740c": "mi250x-gcd", "1002:740f": "mi210", "1002:74a1": "mi300x",
    # NVIDIA (Mellanox) adapters
    "15b3:1017": "connectx-5", "15b3:1019": "connectx-5", "15b3:101b": "connectx-6",
    "15b3:101d": "connectx-6-dx", "15b3:1021": "connectx-7", "15b3:1023": "connectx-8",
    "15b3:a2d6": "bluefield-2", "15b3:a2dc": "bluefield-3",
}
_BY_SM = {"70": "v100-sxm", "80": "a100-sxm-80", "89": "l40s", "90": "h100-sxm", "100": "b200"}
_BY_GCN = {"906": "mi50", "908": "mi100", "910": "mi250x-gcd",
           "90a": "mi250x-gcd", "942": "mi300x"}
_BY_RATE = ((200e9, "connectx-6"), (400e9, "connectx-7"), (800e9, "connectx-8"))
# marks in a vendor's words, the first that is there; a GCD is half of an MI250X
_BY_WORDS = (("b200", "b200"), ("h200", "h200-sxm"), ("h100 pcie", "h100-pcie"),
             ("h100 nvl", "h100-nvl"), ("h100", "h100-sxm"), ("h800", "h800-sxm"),
             ("a100-pcie-40", "a100-pcie-40"), ("a100-sxm4-40", "a100-sxm-40"),
             ("a100", "a100-sxm-80"), ("a800", "a800-sxm"), ("v100-sxm2-16", "v100-sxm-16"),
             ("v100", "v100-sxm"), ("l40s", "l40s"), ("l4", "l4"), ("t4", "t4"),
             ("mi300x", "mi300x"), ("mi250", "mi250x-gcd"))
WITHOUT_NUMBERS = ("a100-pcie-40", "a800-sxm", "connectx-5", "h800-sxm", "l40", "mi100", "mi210",
                   "mi50", "mi60", "v100-pcie", "v100-pcie-32")
"""Parts of these tables that the catalog lacks: they have a name and no numbers."""


def known_or_not(name: str, kind: str) -> Device:
    """The catalog's part of that name and kind, else an `UnknownPart`."""
    if name in catalog.names(kind):
        return cast("Device", catalog.get(name))
    return cast("Device", UnknownPart(name=name, kind=kind))


def gpu_part(vendor: str, device: str, sm: str = "", gcn: str = "") -> tuple[Device, str]:
    """A GPU, and a sentence when it was assumed; "" when the identifiers tell it."""
    name = _PCI.get(_key(vendor, device))
    if name:
        return known_or_not(name, "gpu"), ""
    if gcn:
        name = _BY_GCN.get(gcn, f"gfx{gcn}")
        return known_or_not(name, "gpu"), f"the GPU of gfx{gcn} is taken for {name}"
    if sm in _BY_SM:
        return (known_or_not(_BY_SM[sm], "gpu"),
                f"the GPU of compute capability {int(sm) / 10:g} is taken for {_BY_SM[sm]}")
    label = f"gpu-{_key(vendor, device).replace(':', '-')}" if device else "gpu-unnamed"
    return known_or_not(label, "gpu"), f"{label} has no numbers: no table knows this GPU"


def gpu_by_name(words: str) -> tuple[Device, str]:
    """A GPU by a vendor's words such as "NVIDIA H100 80GB HBM3" or "H100"."""
    text = words.lower()
    for mark, name in _BY_WORDS:
        if mark in text:
            part = known_or_not(name, "gpu")
            return part, f"the GPU {words.strip()!r} is taken for {name}"
    label = "gpu-" + "".join(sign if sign.isalnum() else "-" for sign in text.strip())[:40]
    return known_or_not(label, "gpu"), f"{words.strip()!r} has no numbers: no table knows this GPU"


def nic_part(vendor: str, device: str, rate_bps: float | None) -> tuple[Device, str]:
    """An adapter by its identifiers, else by the rate of its port."""
    name = _PCI.get(_key(vendor, device))
    if name and (name in catalog.names("nic") or name in catalog.names("smart-nic")):
        kind = "nic" if name in catalog.names("nic") else "smart-nic"
        return known_or_not(name, kind), ""
    if rate_bps:
        return nic_by_rate(rate_bps)
    return (known_or_not("nic-unnamed", "nic"),
            "an adapter without a rate has no numbers: no table knows it")


def nic_by_rate(rate_bps: float) -> tuple[Device, str]:
    """The slowest adapter of the list that has at least `rate_bps`."""
    for rate, name in _BY_RATE:
        if rate_bps <= rate:
            return (known_or_not(name, "nic"),
                    f"the adapter of {rate_bps / 1e9:g} Gb/s is taken for {name}")
    return (known_or_not(f"nic-{rate_bps / 1e9:g}g", "nic"),
            f"an adapter of {rate_bps / 1e9:g} Gb/s has no numbers: the catalog has none so fast")


def cpu_part(vendor: str, family: str, model: str, arch: str = "") -> Device:
    """A processor; its socket says nothing of cores or memory, so it has no numbers."""
    words = [word for word in (vendor or arch, family, model) if word]
    return known_or_not("-".join(["cpu", *words]) if words else "cpu-unnamed", "cpu")


def _key(vendor: str, device: str) -> str:
    return f"{vendor.lower().removeprefix('0x')}:{device.lower().removeprefix('0x')}"
