"""Wide-area networks by region: sites, and the time of light between them.

Every site is an endpoint named as its region (`us-east-1`) behind one access link to its gateway
`gw-us-east-1`; gateways are joined pairwise with the one-way time of the pair. A site's bandwidth
is that of its access link; the backbone never limits. Times are those of light in fibre between
the regions' cities (`fibre`, with its fitted detour), or half of a measured round-trip matrix.

Cities and coordinates: Amazon's list of regions, places to a hundredth of a degree (public
geography; a region's data centres stand up to some 50 km off). Leaves out: time-varying routes,
loss, cross traffic; a trace of bandwidth goes to `topologies.faults`.
"""

from __future__ import annotations

import csv
import itertools
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.devices.unknown import UnknownPart
from rackwright.errors import InputError, UnknownName, UsageError
from rackwright.topologies.builders.building import add_link, device_part, new_graph
from rackwright.topologies.builders.fibre import fibre_time
from rackwright.units import parse_rate_bps

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["REGIONS", "read_round_trips", "wan"]

REGIONS = {
    "af-south-1": (-33.93, 18.42), "ap-east-1": (22.32, 114.17), "ap-northeast-1": (35.68, 139.69),
    "ap-northeast-2": (37.57, 126.98), "ap-northeast-3": (34.69, 135.50),
    "ap-south-1": (19.08, 72.88), "ap-southeast-1": (1.35, 103.82),
    "ap-southeast-2": (-33.87, 151.21), "ca-central-1": (45.50, -73.57),
    "eu-central-1": (50.11, 8.68), "eu-north-1": (59.33, 18.07), "eu-south-1": (45.46, 9.19),
    "eu-west-1": (53.35, -6.26), "eu-west-2": (51.51, -0.13), "eu-west-3": (48.86, 2.35),
    "me-south-1": (26.23, 50.59), "sa-east-1": (-23.55, -46.63), "us-east-1": (39.04, -77.49),
    "us-east-2": (39.96, -83.00), "us-west-1": (37.34, -121.89), "us-west-2": (45.84, -119.70)}
"""Region -> (latitude, longitude) in degrees."""
_BACKBONE_BPS = 1e15  # never the limit; our own choice
_MOST_RTT = 10.0      # s; a longer one is a slip of units


def wan(regions: str | Sequence[str] = "us-east-1,us-west-2,eu-west-1,ap-northeast-1",
        rate: str | float = "1Gbps", device: str | Device = "connectx-6",
        round_trips: str | os.PathLike[str] | None = None) -> nx.DiGraph[Any]:
    """Sites in `regions` (names separated by commas, or a list; "all" for every one known).

    `rate`: of a site's access, each direction, "1Gbps" or bits/s. `round_trips`: a CSV of measured
    round-trip times in ms (`read_round_trips`), which replaces the times of light and may name
    regions of its own. Raises UnknownName, UsageError, UnitError, InputError.

    >>> graph = wan("us-east-1,eu-west-1")
    >>> 0.02 < graph.edges["gw-us-east-1", "gw-eu-west-1"]["link"].latency_time < 0.06
    True
    """
    measured = read_round_trips(round_trips) if round_trips is not None else None
    known = tuple(measured) if measured is not None else tuple(REGIONS)
    names = _names(regions, known)
    rate_bps = parse_rate_bps(rate) if isinstance(rate, str) else float(rate)
    graph = new_graph(f"WAN of {len(names)} regions")
    part = device_part(device)
    gateway: Any = UnknownPart(name="wan-gateway", kind="switch")
    access = Link("access", "ethernet", rate_bps, 1.0, 0.0, "the access rate of a site")
    for name in names:
        place = REGIONS.get(name)
        graph.add_node(name, device=part, **({"latitude": place[0], "longitude": place[1]}
                                             if place else {}))
        graph.add_node(f"gw-{name}", device=gateway)
        add_link(graph, name, f"gw-{name}", access)
    for one, other in itertools.combinations(names, 2):
        for tail, head in ((one, other), (other, one)):
            time = measured[tail][head] / 2 if measured is not None else \
                fibre_time(REGIONS[tail], REGIONS[head])
            graph.add_edge(f"gw-{tail}", f"gw-{head}", link=Link(
                f"wan-{tail}-{head}", "wan", _BACKBONE_BPS, 1.0, time,
                str(round_trips) if measured is not None else "light in fibre, fitted detour"))
    return graph


def read_round_trips(path: str | os.PathLike[str]) -> dict[str, dict[str, float]]:
    """A matrix of round-trip times: CSV with a head ``region,<names>`` and a row a region, in ms.

    Returns seconds by source and target. Raises InputError with the line.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"cannot be read: {problem}", place=path) from None
    names = [name.strip() for name in rows[0][1:]] if rows else []
    if len(names) < 2 or len(set(names)) != len(names) or len(rows) != len(names) + 1:
        raise InputError(f"{len(rows)} rows and {len(names)} names; a head with different names "
                         "and one row for each is needed", place=path, line=1)
    found: dict[str, dict[str, float]] = {}
    for line, row in enumerate(rows[1:], 2):
        if row[0].strip() not in names or len(row) != len(names) + 1:
            raise InputError(f"{len(row)} cells, the first {row[0]!r}; a name of the head and "
                             f"{len(names)} times are needed", place=path, line=line)
        found[row[0].strip()] = {name: _milliseconds(word, path, line)
                                 for name, word in zip(names, row[1:], strict=True)}
    if len(found) != len(names):
        raise InputError("a region has two rows", place=path)
    return {name: found[name] for name in names}


def _milliseconds(word: str, path: object, line: int) -> float:
    try:
        seconds = float(word) / 1e3
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _MOST_RTT:
        raise InputError(f"{word!r} is no round-trip time; 0 to {_MOST_RTT * 1e3:g} ms",
                         place=path, line=line)
    return seconds


def _names(regions: str | Sequence[str], known: tuple[str, ...]) -> list[str]:
    if isinstance(regions, str):
        regions = known if regions.strip() == "all" else \
            [name.strip() for name in regions.replace("+", ",").split(",") if name.strip()]
    for name in regions:
        if name not in known:
            raise UnknownName("region", name, known)
    if len(set(regions)) != len(regions) or len(regions) < 2:
        raise UsageError(f"regions are {', '.join(regions)}; two or more different ones are "
                         "needed")
    return list(regions)
