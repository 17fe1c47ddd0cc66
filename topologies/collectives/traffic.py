"""Other traffic on a fabric: flows that last as long as a collective does, and what they leave.

A background flow follows the fabric's route between two nodes and asks for a bandwidth, without
end; it gets what max-min sharing with the collective's flows gives it, at most what it asks for.
The closed form takes the rates at which all flows of the algorithm are under way at once and
subtracts the background's from the links that the algorithm uses.

Leaves out: traffic that starts or ends while the collective runs, and traffic that backs off.
Units: bytes/s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Floats
from rackwright.errors import UsageError
from rackwright.topologies.fabric import Fabric

__all__ = ["Background", "Change", "Changes", "Traffic", "background_rates", "checked_changes",
           "checked_traffic", "left_over", "on_the_way", "with_caps"]

Traffic = Sequence[tuple[str, str, float]]
"""(source, target, bytes/s that it asks for); math.inf: all that it can get"""


Changes = Sequence[tuple[int, int, float]]
"""Rows (time in ps, link, bytes/s) as `capacity_changes` gives them"""


class Change(NamedTuple):
    """A link's bandwidth from a time on."""

    time_ps: int
    link: int
    bandwidth: float


class Background(NamedTuple):
    """A flow over `path` that asks for `bandwidth`, infinity for all."""

    path: tuple[int, ...]
    bandwidth: float


def checked_traffic(fabric: Fabric, traffic: Traffic) -> tuple[Background, ...]:
    """With their routes. Raises UsageError, UnknownName, and TopologyError without a path."""
    found = []
    for entry in _entries(traffic):
        if not isinstance(entry, tuple | list) or len(entry) != 3:
            raise UsageError(f"traffic has {entry!r}; each entry is (source, target, bytes/s), "
                             "math.inf for all that it can get")
        source, target, bandwidth = entry
        if not isinstance(bandwidth, int | float | np.number) or isinstance(bandwidth, bool) \
                or not bandwidth > 0:
            raise UsageError(f"traffic {source} -> {target} asks for {bandwidth!r}; bytes/s above "
                             "0 are needed, math.inf for all that it can get")
        path = fabric.route(source, target)
        if not path:
            raise UsageError(f"traffic {source} -> {target} crosses no link; two nodes are needed")
        found.append(Background(path, float(bandwidth)))
    return tuple(found)


def checked_changes(fabric: Fabric, changes: Changes) -> tuple[Change, ...]:
    """In order of time; raises UsageError."""
    found, links = [], len(fabric.link_names)
    for row in changes:
        if not isinstance(row, tuple | list) or len(row) != 3:
            raise UsageError(f"changes has {row!r}; each row is (ps, link, bytes/s), as "
                             "topologies.capacity_changes gives them")
        time, link, bandwidth = row
        if not (0 <= time and 0 <= link < links and 0 <= bandwidth < float("inf")):
            raise UsageError(f"changes has {tuple(row)!r}; a time of 0 ps or more, a link from 0 "
                             f"to {links - 1} and a bandwidth of 0 or more are needed")
        found.append(Change(int(time), int(link), float(bandwidth)))
    return tuple(sorted(found, key=lambda change: change.time_ps))


def _entries(traffic: Any) -> Iterable[Any]:
    if isinstance(traffic, str) or not isinstance(traffic, Iterable):
        raise UsageError(f"traffic is {traffic!r}; give a list of (source, target, bytes/s)")
    return traffic


def on_the_way(traffic: Sequence[Background], links: npt.NDArray[np.int64]
               ) -> Sequence[Background]:
    """All of it when any crosses one of `links`, as the rest may hold that up; else none."""
    if not traffic:
        return ()
    used = set(links.tolist())
    return () if all(used.isdisjoint(one.path) for one in traffic) else traffic


def with_caps(bandwidth: Floats, traffic: Sequence[Background]
              ) -> tuple[Floats, list[tuple[int, ...]]]:
    """Links and the background's paths, each of which ends in a link of its own that is as wide
    as what it asks for; so nothing else need know of that."""
    capped = [one.bandwidth for one in traffic if np.isfinite(one.bandwidth)]
    own = iter(range(len(bandwidth), len(bandwidth) + len(capped)))
    return np.concatenate([bandwidth, capped]), [
        (*one.path, next(own)) if np.isfinite(one.bandwidth) else one.path for one in traffic]


def left_over(offsets: npt.NDArray[np.int64], links: npt.NDArray[np.int64], weight: Floats,
              bandwidth: Floats, traffic: Sequence[Background]) -> Floats:
    """Bandwidth of every link less the background's part of those that the flows cross.

    Flow i crosses ``links[offsets[i]:offsets[i + 1]]``. `bandwidth` itself without traffic.
    """
    if not on_the_way(traffic, links):
        return bandwidth
    used = set(links.tolist())
    paths = [tuple(links[first:last].tolist())
             for first, last in zip(offsets[:-1], offsets[1:], strict=True)]
    left = bandwidth.copy()
    for one, rate in zip(traffic, background_rates(paths, weight, bandwidth, traffic),
                         strict=True):
        for link in one.path:
            left[link] -= rate if link in used else 0.0
    return left


def background_rates(paths: Sequence[tuple[int, ...]], weight: Floats, bandwidth: Floats,
                     traffic: Sequence[Background]) -> Floats:
    """bytes/s of each background flow beside flows over `paths`, by progressive filling.

    Every round fixes the flows of the link (or the bandwidth asked for) that fills up first.
    """
    every = [*paths, *(one.path for one in traffic)]
    most = np.concatenate([np.full(len(paths), np.inf), [one.bandwidth for one in traffic]])
    heavy = np.concatenate([weight, np.ones(len(traffic))])
    flow = np.repeat(np.arange(len(every)), [len(path) for path in every])
    link = np.array([link for path in every for link in path], np.int64)
    rate, live = np.zeros(len(every)), np.array([len(path) > 0 for path in every])
    room = bandwidth.astype(np.float64).copy()
    while live.any():
        asked = np.bincount(link, heavy[flow] * live[flow], len(room))
        level = np.divide(room, asked, out=np.full(len(room), np.inf), where=asked > 0)
        own = np.minimum(np.full(len(every), np.inf), most / heavy)
        np.minimum.at(own, flow, level[link])
        lowest = own[live].min()
        fixed = live & (own <= lowest * (1 + 1e-12))
        rate[fixed] = lowest * heavy[fixed]
        room -= np.bincount(link, rate[flow] * fixed[flow], len(room))
        room, live = np.maximum(room, 0.0), live & ~fixed
    return rate[len(paths):]
