"""Lovelock-style clusters of headless smart NICs (after arXiv 2309.12665)."""

from __future__ import annotations

from rackwright.models.lovelock.clusters import headless as _headless
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.workload import replay
from rackwright.models.registry import Model
from rackwright.traces.queries_file import read_queries

__all__ = ["MODEL", "LovelockOptions", "replay"]

MODEL = Model(
    name="lovelock",
    title="Lovelock-style: clusters hosted by headless smart NICs (analytics)",
    options=LovelockOptions,
    replay=replay,
    read_trace=read_queries,
    baselines={
        "servers": {"cluster": "servers"},
        "server_nic": {"cluster": "server_nic"},
        "offload": {"offload": "both"},
        "no_split": {"split_traffic": False},
    },
    headline=("slowdown", "cost_advantage", "energy_advantage", "phi_break_even",
              "latency_mean_s", "latency_p99_s"),
    sample_topology="lovelock:accelerators=0,storage=8,compute=8",
    sample_trace="queries_tpch",
    check=_headless,
    captions={
        "lovelock": "pods of headless NICs; prices, powers, servers and core speeds are stand-ins: "
                    "read advantages as bands, not as one number",
        "servers": "one server in place of phi NICs, the same drives and switch",
        "server_nic": "such servers with the smart NIC in the slot: what the host itself costs",
        "offload": "hash partition and filter-sum in hardware blocks of the NIC",
        "no_split": "as if phi NICs exchanged no more than one server",
    },
)
