"""Costs of the software: presets, and what the options change about them.

Two presets. `ramcloud` is fitted to the NSDI 2019 numbers on the reference fabric
`star:hosts=16,link=infiniband-edr,switch=quantum-hdr` (a stand-in for ConnectX-2 over two levels of
SX6036: their latencies are not known, only the sums below are fitted). `redis` is TCP on 10 Gb/s,
its reference `star:hosts=8,link=ethernet-10g-dac`.

Sizes of messages are those of the structures in the public code (RAMCloud, branch
witnessBenchmark): 4 B common to all, a write request 76 B with its header, a record 46 B around a
copy of the request, gc 32 B and 24 B an entry.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.models.curp.options import CurpOptions

__all__ = ["ENTRIES", "FITTED", "Costs", "Sizes", "costs", "sizes"]

ENTRIES = 50    # the batch at which the costs of a write to a backup and of a gc were fitted


@dataclass(frozen=True)
class Costs:
    """Seconds, one a cost; those of `backup_rpc` and `gc_rpc` at ENTRIES entries."""

    client_time: float
    send_time: float
    dispatch_time: float
    write_time: float
    read_time: float
    backup_rpc_time: float
    gc_rpc_time: float
    backup_time: float
    record_time: float


@dataclass(frozen=True)
class Sizes:
    """Bytes of messages, without keys and values."""

    request: int
    read: int
    answer: int
    record: int
    record_answer: int
    gc: int
    gc_entry: int
    entry: int
    rpc: int


_RAMCLOUD = Costs(
    client_time=1.7796e-6, send_time=0.3e-6, dispatch_time=1.1416e-6, write_time=1.2e-6,
    read_time=0.1e-6, backup_rpc_time=1.58e-6, gc_rpc_time=2.29e-6, backup_time=5.2148e-6,
    record_time=0.772e-6)
_REDIS = Costs(
    client_time=14.769e-6, send_time=3.0e-6, dispatch_time=8.0e-6, write_time=0.0, read_time=0.0,
    backup_rpc_time=2.5e-6, gc_rpc_time=5.0e-6, backup_time=75e-6, record_time=5.0e-6)
_PRESETS = {"ramcloud": _RAMCLOUD, "redis": _REDIS}
# preset -> cost -> (kind, basis): what the report says about where a cost comes from
FITTED: dict[str, dict[str, tuple[str, str]]] = {
    "ramcloud": {
        "client_time": ("fitted", "curp-1: 6.1 us, unreplicated"),
        "send_time": ("fitted", "curp-3: 0.3 us a replica"),
        "dispatch_time": ("fitted", "curp-5: 728,000 writes/s"),
        "write_time": ("assumed", "decides only how the 6.1 us divide"),
        "read_time": ("assumed", "1.1 us below a write: 5 us against 6.1 us"),
        "backup_rpc_time": ("fitted", "curp-6: 6 % a replica"),
        "gc_rpc_time": ("fitted", "curp-7: 10 % against asynchronous"),
        "backup_time": ("fitted", "curp-2: 14 us, original"),
        "record_time": ("fitted", "curp-10: 1,270,000 records/s with a gc every 50"),
    },
    "redis": {
        "client_time": ("fitted", "curp-19: 25 us without a witness"),
        "send_time": ("fitted", "curp-19: 3 us more with a witness"),
        "dispatch_time": ("assumed", "two system calls of 2.5 us and 3 us of work"),
        "backup_rpc_time": ("assumed", "one system call: write to the log file"),
        "gc_rpc_time": ("assumed", "two system calls of 2.5 us"),
        "backup_time": ("assumed", "fsync of NVMe: the middle of 50 to 100 us"),
        "record_time": ("assumed", "two system calls of 2.5 us"),
    },
}
FITTED["redis"] |= {name: ("assumed", "none: part of the event loop")
                    for name in ("write_time", "read_time")}


def costs(options: CurpOptions) -> Costs:
    """The preset's costs, with those that the options set."""
    preset = _PRESETS[options.preset]
    chosen = {name: getattr(options, name) for name in Costs.__dataclass_fields__}
    return Costs(**{name: getattr(preset, name) if value is None else value
                    for name, value in chosen.items()})


def sizes(options: CurpOptions) -> Sizes:
    """Bytes of messages; a request and a log entry hold the key."""
    key = options.key_bytes
    return Sizes(request=76 + key, read=76 + key, answer=28, record=46, record_answer=5, gc=32,
                 gc_entry=24, entry=28 + key, rpc=32)
