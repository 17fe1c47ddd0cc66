"""``nvidia-smi topo -m``: a matrix of path classes, from which a host is inferred.

The cells say how two devices reach each other: NV# (that many bonded NVLinks), PIX (one PCIe
bridge), PXB (several), PHB (a host bridge), NODE (within a NUMA node), SYS (between sockets). That
is a set of constraints and no graph, so what carries them is inferred and marked ``inferred`` on
its node: a socket for each NUMA affinity, a PCIe switch for each group of PIX, one above groups of
PXB, an NVSwitch when all GPUs have NVLinks of one count to all others.

Also read: the legend of adapters, and GPU names and link rates as ``nvidia-smi nvlink -s`` prints
them, when they follow. Leaves out: which of equal trees the host really has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from rackwright.devices import Gpu, Link
from rackwright.topologies.builders.building import nvlink_bundle
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import cpu_part, gpu_by_name, known_or_not
from rackwright.topologies.formats.imported_links import pcie_link, socket_link

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["is_topo_matrix", "read_topo_matrix"]

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_DEVICE = re.compile(r"(GPU|NIC|mlx\d_)\d+(?:_\d+)?")
_CELL = re.compile(r"X|NV\d{1,3}|PIX|PXB|PHB|NODE|SYS|PSB|N/A")
_NAMED = re.compile(r"GPU (\d+): (.+?)(?:\s*\(UUID.*)?$", re.MULTILINE)
_RATE = re.compile(r"Link \d+: ([0-9.]+) GB/s")
_LEGEND = re.compile(r"^\s*(NIC\d+): (\S+)\s*$", re.MULTILINE)
_MOST_DEVICES = 256  # our own limit


def is_topo_matrix(text: str) -> bool:
    """Whether the head of a text looks like the matrix."""
    head = _ESCAPES.sub("", text[:4000])
    return re.search(r"^\s*GPU0\s+", head, re.MULTILINE) is not None and "X" in head


def read_topo_matrix(text: str, place: object) -> nx.DiGraph[Any]:
    """The graph inferred from the text. Raises TopologyError listing every fault."""
    draft = Draft("nvidia-smi topo -m", place, "inferred from nvidia-smi topo -m")
    names, cells, affinity = _matrix(draft, _ESCAPES.sub("", text))
    if not names and not draft.faults:
        draft.faults.append("there is no matrix: no line that begins with GPU0")
    if not draft.faults:
        _build(draft, names, cells, affinity, text)
    return draft.finish()


def _matrix(draft: Draft, text: str) -> tuple[list[str], dict[tuple[str, str], str],
                                              dict[str, str]]:
    """Names of devices, the cell of each ordered pair, and the NUMA affinity by device."""
    names: list[str] = []
    rows: dict[str, tuple[int, list[str]]] = {}
    numa = -1
    for number, line in enumerate(text.splitlines(), 1):
        words = [word.strip() for word in line.split("\t")]
        if not names and "GPU0" in words[1:]:
            names = [word for word in words if _DEVICE.fullmatch(word)]
            numa = words.index("NUMA Affinity") if "NUMA Affinity" in words else -1
        elif names and words[0] in names and words[0] not in rows:
            rows[words[0]] = (number, words)
        elif names and rows and not words[0]:
            break
    if len(names) > _MOST_DEVICES:
        draft.faults.append(f"{len(names)} devices; at most {_MOST_DEVICES} are read")
        return [], {}, {}
    cells = {}
    for name in names:
        if name not in rows:
            draft.faults.append(f"there is no row of {name}")
            continue
        number, words = rows[name]
        for column, other in enumerate(names, 1):
            cell = words[column] if column < len(words) else ""
            if not _CELL.fullmatch(cell) or (cell == "X") != (name == other):
                draft.faults.append(f"line {number}: {name} to {other} is {cell!r}; NV#, PIX, "
                                    "PXB, PHB, NODE or SYS is needed, X to itself")
            cells[name, other] = cell
    draft.faults += [f"{one} to {other} is {cells[one, other]}, but back {cells[other, one]}"
                     for one, other in combinations(names, 2)
                     if not draft.faults and cells[one, other] != cells[other, one]]
    return names, cells, {name: words[numa] for name, (_, words) in rows.items()
                          if 0 < numa < len(words)}


def _build(draft: Draft, names: list[str], cells: dict[tuple[str, str], str],
           affinity: dict[str, str], text: str) -> None:
    node = _devices(draft, names, text)
    _nvlinks(draft, names, cells, node, text)
    sockets = _sockets(draft, names, cells, affinity)
    for socket, members in sockets.items():
        above = _near(cells, members, ("PIX",))
        wide = _near(cells, members, ("PIX", "PXB"))
        for group in wide:
            top = socket
            inner = [pix for pix in above if set(pix) <= set(group)]
            if len(inner) > 1:
                top = _switch(draft, socket)
            for pix in inner:
                under = _switch(draft, top) if len(pix) > 1 else top
                for name in pix:
                    draft.join(under, node[name], pcie_link(*_pcie_of(draft, node[name]),
                                                            draft.report))


def _devices(draft: Draft, names: Iterable[str], text: str) -> dict[str, str]:
    """Device of the matrix -> node."""
    called = dict(_NAMED.findall(_ESCAPES.sub("", text)))
    legend = dict(_LEGEND.findall(text))
    found = {}
    for name in names:
        number = re.search(r"\d+", name)
        digits = number[0] if number else "0"
        if name.startswith("GPU"):
            part, said = (gpu_by_name(called[digits]) if digits in called else
                          (known_or_not("gpu-unnamed", "gpu"), "the matrix does not name the GPUs"))
            found[name] = draft.add(f"h0/gpu{digits}", part)
        else:
            part, said = known_or_not("nic-unnamed", "nic"), "the matrix does not rate adapters"
            label = legend.get(name, name)
            stem = f"h0/nic{digits}"
            found[name] = draft.add(stem if stem not in draft else draft.fresh("h0/nic"), part,
                                    names=[label])
        draft.assume(said)
        draft.report.read["a GPU" if name.startswith("GPU") else "an adapter"] += 1
    return found


def _nvlinks(draft: Draft, names: Sequence[str], cells: dict[tuple[str, str], str],
             node: dict[str, str], text: str) -> None:
    """NVLinks: a crossbar when every pair of GPUs has the same number, else as they are."""
    gpus = [name for name in names if name.startswith("GPU")]
    counts = {pair: int(cells[pair][2:]) for pair in combinations(gpus, 2)
              if cells[pair].startswith("NV")}
    if not counts:
        return
    rates = [float(rate) for rate in _RATE.findall(text)]
    count = next(iter(counts.values()))
    crossed = len(counts) == len(gpus) * (len(gpus) - 1) // 2 and set(counts.values()) == {count}
    if crossed and len(gpus) > 2:
        draft.add("h0/nvswitch", known_or_not("nvswitch-unnamed", "switch"), inferred=True)
        draft.assume(f"NV{count} between all GPUs is an NVSwitch")
        counts = {(name, ""): count for name in gpus}
        node = {**node, "": "h0/nvswitch"}
    for (one, other), number in counts.items():
        draft.join(node[one], node[other], _bundle(draft, node[one], number, rates))
        draft.report.read[f"a bundle of {number} NVLinks"] += 1


def _bundle(draft: Draft, gpu: str, count: int, rates: list[float]) -> Link:
    part = draft.device(gpu)
    name = part.nvlink if isinstance(part, Gpu) and part.nvlink else ""
    if not name:
        name = "nvlink3"
        draft.assume("NVLinks of an unnamed GPU are taken for those of nvlink3")
    if rates:
        draft.report.read[f"NVLinks of {rates[0]:g} GB/s as the driver counts, which is the raw "
                          f"rate; the payload's is that of {name}"] += 1
    return nvlink_bundle(name, count)


def _pcie_of(draft: Draft, node: str) -> tuple[str, str]:
    part = draft.device(node)
    name = part.pcie if isinstance(part, Gpu) and part.pcie else "gen4-x16"
    if not (isinstance(part, Gpu) and part.pcie):
        draft.assume("PCIe of a device without numbers is taken for gen4-x16")
    generation, _, lanes = name.removeprefix("gen").partition("-x")
    speed = {"1": "2.5", "2": "5", "3": "8", "4": "16", "5": "32", "6": "64"}[generation]
    return f"{speed} GT/s", lanes


def _sockets(draft: Draft, names: list[str], cells: dict[tuple[str, str], str],
             affinity: dict[str, str]) -> dict[str, list[str]]:
    """Socket's node -> its devices: by NUMA affinity, else by what is nearer than SYS."""
    groups: dict[str, list[str]] = {}
    if all(affinity.get(name, "").isdecimal() for name in names if name.startswith("GPU")):
        for name in names:
            home = affinity.get(name, "")
            if not home.isdecimal():
                home = next((affinity[other] for other in names if affinity.get(
                    other, "").isdecimal() and cells[name, other] not in ("SYS", "X")), "0")
            groups.setdefault(home, []).append(name)
    else:
        draft.assume("sockets are told by SYS, as the matrix has no NUMA affinity")
        for number, group in enumerate(_near(cells, names, ("PIX", "PXB", "PHB", "NODE"))):
            groups[str(number)] = group
    found = {}
    for home in sorted(groups, key=int):
        found[draft.add(f"h0/cpu{home}", cpu_part("", "", ""), inferred=True)] = groups[home]
    for one, other in combinations(found, 2):
        draft.join(one, other, socket_link("", "", draft.report))
    draft.assume("processors and PCIe switches are inferred from the classes of paths")
    return found


def _near(cells: dict[tuple[str, str], str], names: Sequence[str], classes: tuple[str, ...]
          ) -> list[list[str]]:
    """Groups of devices joined by paths of these classes, in the order of the matrix."""
    groups: list[list[str]] = []
    for name in names:
        mine = [group for group in groups
                if any(cells[name, other] in classes for other in group)]
        rest = [group for group in groups if group not in mine]
        groups = [*rest, [one for group in mine for one in group] + [name]]
    return groups


def _switch(draft: Draft, above: str) -> str:
    node = draft.add(draft.fresh("h0/pcie"), known_or_not("pcie-bridge", "pcie-switch"),
                     inferred=True)
    draft.join(above, node, pcie_link("16 GT/s", "16", draft.report))
    draft.assume("an inferred PCIe switch hangs on gen4-x16")
    return node
