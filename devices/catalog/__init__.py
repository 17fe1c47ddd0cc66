"""The catalog: parts by name, each made from the TOML file of that name in this folder.

``catalog.gpu("h100-sxm")``, ``catalog.names("gpu")``, ``catalog.get("nvlink4")``. A `folder` of
the user's own part files may be given everywhere; its parts come first. ``with
catalog.beside(folder)`` does that for whatever the block calls. Parts are frozen and cached. What
a part models is said in the module of its class.

Errors: `UnknownName` for a name, kind or fidelity that is not there; `CatalogError` (file and
line) for a part file that cannot be used.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from rackwright.devices import fidelity as fidelities
from rackwright.devices.collectives import Collectives
from rackwright.devices.gpu.part import Gpu
from rackwright.devices.host.cpu import Cpu
from rackwright.devices.host.memory import Memory
from rackwright.devices.host.nvme import Nvme
from rackwright.devices.host.server import Server
from rackwright.devices.link import Link
from rackwright.devices.link_part import LinkPart
from rackwright.devices.nic.part import Nic, SmartNic
from rackwright.devices.part import Part
from rackwright.devices.part_file import PartFile, read
from rackwright.devices.part_fill import fill
from rackwright.devices.pcie.part import Pcie
from rackwright.devices.switch import PcieSwitch, Switch
from rackwright.errors import CatalogError, UnknownName

__all__ = [
    "beside",
    "collectives",
    "cpu",
    "get",
    "gpu",
    "kinds",
    "link",
    "load_part",
    "memory",
    "names",
    "nic",
    "nvme",
    "pcie",
    "pcie_switch",
    "server",
    "smart_nic",
    "switch",
]

_HERE = Path(__file__).parent
_CLASSES: dict[str, type[Part]] = {
    "collectives": Collectives, "cpu": Cpu, "gpu": Gpu, "link": LinkPart, "memory": Memory,
    "nic": Nic, "nvme": Nvme,
    "pcie": Pcie, "pcie-switch": PcieSwitch, "server": Server, "smart-nic": SmartNic,
    "switch": Switch,
}
P = TypeVar("P", bound=Part)
_BESIDE: ContextVar[Path | None] = ContextVar("rackwright_catalog", default=None)


@contextmanager
def beside(folder: str | Path) -> Iterator[None]:
    """Inside the block the parts of `folder` are found wherever no folder is named.

    One that has the name of a packaged part stands for it. Raises CatalogError without a folder.
    """
    _scan(_key(folder))
    token = _BESIDE.set(_key(folder))
    try:
        yield
    finally:
        _BESIDE.reset(token)


def kinds() -> tuple[str, ...]:
    """The kinds of parts, sorted."""
    return tuple(sorted(_CLASSES))


def names(kind: str | None = None, *, folder: str | Path | None = None) -> tuple[str, ...]:
    """Names of the parts of `kind` (of all kinds when None), sorted.

    >>> "h100-sxm" in names("gpu")
    True
    """
    if kind is not None and kind not in _CLASSES:
        raise UnknownName("kind of part", kind, _CLASSES)
    files = _files(folder)
    return tuple(name for name in sorted(files)
                 if kind is None or _file(name, folder).kind == kind)


def get(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Part:
    """The part called `name`, of whatever kind, under the model of that `fidelity`."""
    if name not in _files(folder):
        raise UnknownName("part", name, _files(folder))
    return _part(name, fidelity, _key(folder))


def load_part(path: str | Path) -> Part:
    """The part in one TOML file; what it is `like` comes from its folder or the catalog."""
    file = Path(path)
    return _make(read(file, lambda name: _file(name, file.parent)))


def collectives(name: str, fidelity: str = "analytic", *,
                folder: str | Path | None = None) -> Collectives:
    """A library of collectives on a family of GPUs."""
    return _typed(Collectives, "library of collectives", "collectives", name, fidelity, folder)


def cpu(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Cpu:
    """A host processor."""
    return _typed(Cpu, "CPU", "cpu", name, fidelity, folder)


def gpu(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Gpu:
    """A GPU, with cost methods for kernels."""
    return _typed(Gpu, "GPU", "gpu", name, fidelity, folder)


def link(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Link:
    """One direction of a link; PCIe parts (``gen5-x16``) are taken too."""
    both = (*names("link", folder=folder), *names("pcie", folder=folder))
    if name not in both:
        raise UnknownName("link", name, both)
    part = get(name, fidelity, folder=folder)
    assert isinstance(part, LinkPart | Pcie)
    return part.link()


def memory(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Memory:
    """Host memory of one socket."""
    return _typed(Memory, "memory", "memory", name, fidelity, folder)


def nic(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Nic:
    """A network adapter."""
    return _typed(Nic, "NIC", "nic", name, fidelity, folder)


def nvme(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Nvme:
    """An NVMe drive."""
    return _typed(Nvme, "NVMe drive", "nvme", name, fidelity, folder)


def pcie(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Pcie:
    """A PCIe connection of a generation and width."""
    return _typed(Pcie, "PCIe part", "pcie", name, fidelity, folder)


def pcie_switch(name: str, fidelity: str = "analytic", *,
                folder: str | Path | None = None) -> PcieSwitch:
    """A PCIe switch."""
    return _typed(PcieSwitch, "PCIe switch", "pcie-switch", name, fidelity, folder)


def server(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Server:
    """A server: sockets, memory, adapters and drives by name, and the board around them."""
    return _typed(Server, "server", "server", name, fidelity, folder)


def smart_nic(name: str, fidelity: str = "analytic", *,
              folder: str | Path | None = None) -> SmartNic:
    """A network adapter with cores and memory of its own."""
    return _typed(SmartNic, "smart NIC", "smart-nic", name, fidelity, folder)


def switch(name: str, fidelity: str = "analytic", *, folder: str | Path | None = None) -> Switch:
    """An Ethernet switch or an NVSwitch."""
    return _typed(Switch, "switch", "switch", name, fidelity, folder)


def _typed(cls: type[P], noun: str, kind: str, name: str, fidelity: str,
           folder: str | Path | None) -> P:
    if name not in _files(folder) or _file(name, folder).kind != kind:
        raise UnknownName(noun, name, names(kind, folder=folder))
    part = get(name, fidelity, folder=folder)
    assert isinstance(part, cls)
    return part


def _key(folder: str | Path | None) -> Path | None:
    return _BESIDE.get() if folder is None else Path(folder).resolve()


def _files(folder: str | Path | None) -> dict[str, Path]:
    return _scan(_key(folder))


@functools.cache
def _scan(folder: Path | None) -> dict[str, Path]:
    if folder is not None and not folder.is_dir():
        raise CatalogError("no such catalog folder", place=folder)
    found = {path.stem: path for path in sorted(_HERE.glob("*.toml"))}
    if folder is not None:
        found |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return found


def _file(name: str, folder: str | Path | None, above: tuple[str, ...] = ()) -> PartFile:
    return _resolved(name, _key(folder), above)


@functools.cache
def _resolved(name: str, folder: Path | None, above: tuple[str, ...]) -> PartFile:
    files = _scan(folder)
    if name in above:
        raise CatalogError(f"like goes round in a circle: {' -> '.join((*above, name))}",
                           place=files[name])
    if name not in files:
        raise UnknownName("part in `like`", name, files)
    # a user's part of a packaged part's name may be like the packaged one
    packaged = _scan(None).get(name)
    own = files[name]

    def base(other: str) -> PartFile:
        if other == name and packaged is not None and own != packaged:
            return _resolved(name, None, ())
        return _resolved(other, folder, (*above, name))

    file = read(own, base)
    if file.name != name:
        raise file.error("part", "name", f"the file {own.name} calls its part {file.name!r}; "
                         "both must be the same")
    return file


@functools.cache
def _part(name: str, fidelity: str, folder: Path | None) -> Part:
    if fidelity == fidelities.ANALYTIC:
        return _make(_file(name, folder))
    return fidelities.under(_part(name, fidelities.ANALYTIC, folder), fidelity)


def _make(file: PartFile) -> Part:
    if file.kind not in _CLASSES:
        raise file.error("part", "kind", f"unknown kind {file.kind!r}; allowed: "
                         f"{', '.join(kinds())}")
    return fill(_CLASSES[file.kind], file)
