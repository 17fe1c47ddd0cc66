"""ASTRA-sim analytical network YAML: a product of dimensions.

``topology: [Switch, Ring]``, ``npus_count: [8, 2]``, ``bandwidth: [400, 50]`` (GB/s, decimal),
``latency: [936.25, 1000]`` (ns). An NPU has one place in every dimension: the first is its GPU in
a host, the others make up the host, so NPU (3, 1) is `h1/gpu3`. A ring joins neighbours, a
fully connected dimension all pairs, a switch dimension its NPUs around `h0/nvswitch` or `d1s0`.
A link has the dimension's bandwidth in each direction. NPUs pass on what is not theirs, as rings
need it.

Leaves out: the collective algorithms that belong to the file's dimensions in ASTRA-sim.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.topologies.formats.draft import Draft
from rackwright.topologies.formats.identities import known_or_not

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["is_astra", "read_astra"]

_SHAPES = ("FullyConnected", "Ring", "Switch")
_KEYS = ("topology", "npus_count", "bandwidth", "latency")
_MOST_NPUS = 65_536  # our own limit
_MOST_PAIRS = 1_000_000


def is_astra(data: object) -> bool:
    """Whether the file's data have the keys of such a network."""
    return isinstance(data, dict) and "npus_count" in data


def read_astra(data: dict[str, Any], place: object) -> nx.DiGraph[Any]:
    """The graph of the dimensions. Raises TopologyError listing every fault."""
    draft = Draft("ASTRA-sim network YAML", place, "imported from ASTRA-sim YAML")
    columns = {key: _column(draft, data, key) for key in _KEYS}
    for key in data:
        if key not in _KEYS:
            draft.report.dropped[f"the key {str(key)[:40]!r}"] += 1
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1 and not draft.faults:
        draft.faults.append("topology, npus_count, bandwidth and latency differ in length; one "
                            "entry each a dimension is needed")
    if not draft.faults:
        _check_values(draft, columns)
    if not draft.faults:
        _build(draft, columns)
    return draft.finish()


def _column(draft: Draft, data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    if isinstance(value, list) and 0 < len(value) <= 16:
        return value
    if value is None or isinstance(value, list | dict):
        draft.faults.append(f"{key} is {str(value)[:40]}; a list such as "
                            f"{'[Switch, Ring]' if key == 'topology' else '[8, 2]'} is needed, "
                            "1 to 16 long")
        return []
    return [value]


def _check_values(draft: Draft, columns: dict[str, list[Any]]) -> None:
    for number, (shape, npus, rate, wait) in enumerate(zip(*columns.values(), strict=True)):
        if shape not in _SHAPES:
            draft.faults.append(f"topology[{number}] is {str(shape)[:40]!r}; allowed: "
                                f"{', '.join(_SHAPES)}")
        if not isinstance(npus, int) or isinstance(npus, bool) or not 1 <= npus <= _MOST_NPUS:
            draft.faults.append(f"npus_count[{number}] is {str(npus)[:40]}; a whole number from 1 "
                                f"to {_MOST_NPUS} is needed")
        for key, value, least in (("bandwidth", rate, 1e-6), ("latency", wait, 0.0)):
            if not isinstance(value, int | float) or isinstance(value, bool) \
                    or not least <= value <= 1e9:
                draft.faults.append(f"{key}[{number}] is {str(value)[:40]}; a number from "
                                    f"{least:g} to 1e9 is needed "
                                    f"({'GB/s' if key == 'bandwidth' else 'ns'})")
    if draft.faults:
        return
    sizes = columns["npus_count"]
    total = math.prod(sizes)
    pairs = sum(total * (npus - 1) for shape, npus in zip(columns["topology"], sizes, strict=True)
                if shape == "FullyConnected")
    if total > _MOST_NPUS or pairs > _MOST_PAIRS:
        draft.faults.append(f"{total} NPUs and {pairs} links of full connections; at most "
                            f"{_MOST_NPUS} and {_MOST_PAIRS} are read")


def _build(draft: Draft, columns: dict[str, list[Any]]) -> None:
    sizes: list[int] = columns["npus_count"]
    part = known_or_not("npu", "gpu")
    places = list(itertools.product(*(range(size) for size in reversed(sizes))))
    names = {tuple(reversed(place)): "" for place in places}
    for number, place in enumerate(names):
        names[place] = draft.add(f"h{number // sizes[0]}/gpu{number % sizes[0]}", part,
                                 forwards=True)
        draft.report.read["an NPU"] += 1
    draft.assume("the file does not name the NPUs, so they have no numbers")
    for number, shape in enumerate(columns["topology"]):
        rate, wait = columns["bandwidth"][number], columns["latency"][number]
        link = Link(f"dimension{number}", "ethernet" if number else "nvlink", 8e9 * rate, 1.0,
                    wait * 1e-9, "the file")
        groups: dict[tuple[int, ...], list[str]] = {}
        for place, name in names.items():
            groups.setdefault((*place[:number], *place[number + 1:]), []).append(name)
        for count, members in enumerate(groups.values()):
            _dimension(draft, shape, members, link, number, count)


def _dimension(draft: Draft, shape: str, members: list[str], link: Link, number: int,
               count: int) -> None:
    """Join the NPUs of one line along a dimension."""
    if len(members) < 2:
        return
    if shape == "Switch":
        name = f"{members[0].partition('/')[0]}/nvswitch" if number == 0 else f"d{number}s{count}"
        draft.add(name, known_or_not("switch-unnamed", "switch"))
        pairs = [(name, member) for member in members]
    elif shape == "Ring":
        pairs = list(zip(members, [*members[1:], members[0]], strict=True))
    else:
        pairs = list(itertools.combinations(members, 2))
    for one, other in pairs:
        if draft.join(one, other, link):
            draft.report.read[f"a link of dimension {number}"] += 1
