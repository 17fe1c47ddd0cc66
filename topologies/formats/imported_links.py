"""Links of imported machines: from what a file says of speed and width to a `Link`.

PCIe comes from the catalog by generation and width. What a file leaves open is taken as NCCL
takes it (github.com/NVIDIA/nccl, src/graph/topo.cc: an empty width is 16, an unknown speed that
of generation 3; src/graph/topo.h: links between sockets), and the report says so. Rates of xGMI:
RCCL, src/graph/topo.h. Those constants steer NCCL's search for paths; they are no measurements.
"""

from __future__ import annotations

import re

from rackwright.devices import Link, catalog
from rackwright.topologies.builders.building import nvlink_bundle
from rackwright.topologies.formats.report import Report

__all__ = ["nvlinks_of", "pcie_by_bandwidth", "pcie_link", "socket_link", "xgmi_bundle"]

_GENERATIONS = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6}  # GT/s a lane
_LANES = (1, 2, 4, 8, 16)
_PAYLOAD_LANE = {1: 0.25e9, 2: 0.5e9, 3: 8e9 * 128 / 130 / 8, 4: 16e9 * 128 / 130 / 8,
                 5: 32e9 * 128 / 130 / 8, 6: 8e9}  # bytes/s after encoding, as hwloc counts
_BY_SM = {60: "nvlink1", 70: "nvlink2", 80: "nvlink3", 90: "nvlink4", 100: "nvlink5"}
_XGMI = {"906": 24e9, "908": 24e9, "910": 36e9, "90a": 36e9, "942": 48e9}  # bytes/s, topo.h
_XGMI_DEFAULT = 24e9  # VEGA_XGMI_WIDTH
# bytes/s between sockets, topo.h
_SOCKETS = {"AuthenticAMD": ("xgmi-socket", 16e9), "GenuineIntel-207": ("upi", 40e9),
            "GenuineIntel-143": ("upi", 22e9), "GenuineIntel-85": ("upi", 10e9),
            "GenuineIntel": ("qpi", 6e9)}
_SOCKET_DEFAULT = ("socket-link", 6e9)


def pcie_link(speed: str, width: str, report: Report) -> Link:
    """A PCIe link from words such as "32.0 GT/s PCIe" and "16"."""
    found = re.match(r"\s*([0-9.]+)\s*GT/s", speed)
    generation = _GENERATIONS.get(float(found[1])) if found and found[1].count(".") < 2 else None
    if generation is None:
        report.assumed[f"PCIe speed {speed!r} is taken for 8 GT/s, as NCCL does"] += 1
        generation = 3
    lanes = int(width) if width.isdecimal() and len(width) < 4 else 0
    if lanes not in _LANES:
        report.assumed[f"PCIe width {width!r} is taken for 16 lanes, as NCCL does"] += 1
        lanes = 16
    return catalog.link(f"gen{generation}-x{lanes}")


def pcie_by_bandwidth(gbytes: float, report: Report) -> Link:
    """The PCIe link whose bandwidth after encoding is nearest to `gbytes` GB/s.

    Several are equal (gen3 x16, gen4 x8): the oldest is taken, which has the most lanes.
    """
    every = [(round(abs(gbytes * 1e9 / (lane * lanes) - 1), 2), generation, lanes)
             for generation, lane in _PAYLOAD_LANE.items() for lanes in _LANES]
    off, generation, lanes = min(every)
    if off > 0.05:  # our own limit: no generation and width of PCIe is so near another
        report.assumed[f"PCIe bandwidth {gbytes:g} GB/s is taken for generation {generation} "
                       f"x{lanes}"] += 1
    return catalog.link(f"gen{generation}-x{lanes}")


def nvlinks_of(sm: str, links: int, report: Report) -> Link:
    """`links` bonded NVLinks of a GPU of compute capability `sm`."""
    known = sorted(number for number in _BY_SM if sm.isdecimal() and number <= int(sm))
    name = _BY_SM[known[-1]] if known else "nvlink4"
    if not known:
        report.assumed[f"NVLink of compute capability {sm!r} is taken for {name}"] += 1
    return nvlink_bundle(name, links)


def xgmi_bundle(gcn: str, count: int, report: Report) -> Link:
    """`count` xGMI links between GPUs of gfx`gcn`."""
    rate = _XGMI.get(gcn, _XGMI_DEFAULT)
    report.assumed[f"an xGMI link of gfx{gcn or '?'} carries {rate / 1e9:g} GB/s (RCCL, "
                   "src/graph/topo.h), with no latency of its own"] += 1
    return Link(f"xgmi-{gcn or 'vega'}-x{count}", "xgmi", 8 * rate * count, 1.0, 0.0,
                "RCCL src/graph/topo.h, a weight of its path search")


def socket_link(vendor: str, model: str, report: Report) -> Link:
    """What joins the sockets of a host."""
    name, rate = _SOCKETS.get(f"{vendor}-{model}") or _SOCKETS.get(vendor) or _SOCKET_DEFAULT
    report.assumed[f"sockets are joined by {name} of {rate / 1e9:g} GB/s (NCCL, "
                   "src/graph/topo.h), with no latency of its own"] += 1
    return Link(name, "socket", 8 * rate, 1.0, 0.0,
                "NCCL src/graph/topo.h, a weight of its path search")
