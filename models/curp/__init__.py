"""CURP: consistent unordered replication in one round trip (NSDI 2019, arXiv 1710.09921)."""

from __future__ import annotations

from rackwright.models.curp.options import CurpOptions
from rackwright.models.curp.workload import replay
from rackwright.models.registry import Model
from rackwright.traces.operations_file import read_operations

__all__ = ["MODEL", "CurpOptions", "replay"]

MODEL = Model(
    name="curp",
    title="CURP: updates replicated without order, in one round trip (key-value store)",
    options=CurpOptions,
    replay=replay,
    read_trace=read_operations,
    baselines={name: {"variant": name} for name in ("unreplicated", "original", "asynchronous")},
    headline=("throughput_ops_per_s", "latency_write_p50_s", "latency_write_p99_s",
              "latency_read_p50_s", "fast_path_share", "conflict_share"),
    sample_topology="star:hosts=16,link=infiniband-edr,switch=quantum-hdr",
    sample_trace="operations_ycsb_a",
    captions={
        "curp": "one round trip unless operations conflict; costs fitted to RAMCloud's numbers",
        "unreplicated": "no backups, no witnesses: what a crash loses is lost",
        "original": "every update waits for the backups; workers and hold time are fitted",
        "asynchronous": "answered before the backups have it: not consistent"},
)
