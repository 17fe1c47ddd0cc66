"""A profile for nvml-mock (NVIDIA/k8s-test-infra), which lets nvidia-smi and DCGM see this host.

Written are keys of that project's types (``pkg/gpu/mocknvml/engine/config_types.go``; it requires
`version` and `system.driver_version`, and refuses devices that share an index or UUID), and the
`infiniband` table of its profiles, whose rate is in Gbit/s; that of NVLink is in MB/s. Leaves out:
everything that changes with load, thresholds of temperature, clocks of memory.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from rackwright.devices import Gpu, Link
from rackwright.errors import TopologyError
from rackwright.topologies.builders.building import nvlink_count
from rackwright.topologies.formats.report import Report
from rackwright.topologies.names import host_part, natural_key
from rackwright.topologies.parts import family_of

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["to_nvml_mock"]


def to_nvml_mock(graph: nx.DiGraph[Any]) -> tuple[str, Report]:
    """YAML text for the first host with GPUs, and what it leaves out. Raises TopologyError."""
    import yaml

    report = Report("nvml-mock profile")
    gpus = [node for node in sorted(graph.nodes, key=natural_key)
            if family_of(graph.nodes[node]["device"]) == "gpu"]
    if not gpus:
        raise TopologyError("this topology cannot be written as an nvml-mock profile",
                            ["it has no GPU"])
    host = host_part(gpus[0])
    mine = [gpu for gpu in gpus if host_part(gpu) == host]
    others = len({host_part(gpu) for gpu in gpus}) - 1
    if others:
        report.dropped[f"{others} other hosts; a profile is one host's"] += 1
    profile = {"version": "1.0",
               "system": {"driver_version": "580.0", "cuda_version": "13.0",
                          "cuda_version_major": 13, "cuda_version_minor": 0},
               "device_defaults": _defaults(graph, mine[0]),
               "devices": [_device(graph, gpu, number) for number, gpu in enumerate(mine)]}
    report.assumed["driver and CUDA versions are placeholders"] += 1
    links = _nvlinks(graph, mine[0])
    if links:
        profile["nvlink"] = links
    rates = [graph.nodes[node]["device"].rate_bps for node in graph.nodes
             if host_part(node) == host
             and family_of(graph.nodes[node]["device"]) in ("nic", "smart-nic")
             and getattr(graph.nodes[node]["device"], "rate_bps", None)]
    if rates:
        profile["infiniband"] = {"enabled": True, "rate_gbps": round(max(rates) / 1e9),
                                 "hcas_per_gpu": max(1, len(rates) // len(mine))}
    return yaml.safe_dump(profile, sort_keys=False), report


def _defaults(graph: nx.DiGraph[Any], gpu: str) -> dict[str, Any]:
    part = graph.nodes[gpu]["device"]
    found: dict[str, Any] = {"name": getattr(part, "title", "") or part.name}
    if isinstance(part, Gpu):
        found["memory"] = {"total_bytes": int(part.memory_nbytes)}
        limit = round(part.tdp_watts * 1e3)
        found["power"] = {"management_supported": True, "default_limit_mw": limit,
                          "enforced_limit_mw": limit, "max_limit_mw": limit,
                          "current_draw_mw": round(part.idle_watts * 1e3)}
        found["clocks"] = {"graphics_max": round(part.clock_hz / 1e6)}
    link = _link_of(graph, gpu, "pcie")
    words = re.fullmatch(r"gen(\d)-x(\d+)", link.name) if link else None
    if words:
        generation, width = int(words[1]), int(words[2])
        found["pcie"] = {"max_link_gen": generation, "current_link_gen": generation,
                         "max_link_width": width, "current_link_width": width}
    return found


def _device(graph: nx.DiGraph[Any], gpu: str, number: int) -> dict[str, Any]:
    bus = graph.nodes[gpu].get("busid") or f"0000:{0x10 + number:02x}:00.0"
    return {"index": number, "minor_number": number,
            "uuid": f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, gpu)}",
            "pci": {"bus_id": str(bus)}}


def _nvlinks(graph: nx.DiGraph[Any], gpu: str) -> dict[str, Any]:
    link = _link_of(graph, gpu, "nvlink")
    stem = re.match(r"nvlink(\d)", link.name) if link else None
    count = nvlink_count(stem[0]) if stem else 0
    if link is None or stem is None or not count:
        return {}
    return {"version": int(stem[1]), "links_per_gpu": count,
            "bandwidth_per_link_mbps": round(link.rate_bps / 8 / count / 1e6)}


def _link_of(graph: nx.DiGraph[Any], node: str, kind: str) -> Link | None:
    """The first link of a kind that leaves `node`."""
    links = (data["link"] for _, _, data in graph.out_edges(node, data=True))
    return next((link for link in links if link.kind == kind), None)
