"""Options of the CURP replay and of its baselines.

Times that are left out come from the preset (`costs.py`), which names what they were fitted on.
"""

from __future__ import annotations

from typing import Literal

from rackwright.models.options import Bytes, Frequency, Options, Time, option

__all__ = ["CurpOptions", "Variant"]

Variant = Literal["curp", "unreplicated", "original", "asynchronous"]


class CurpOptions(Options):
    """What can be varied about a replay."""

    variant: Variant = option(
        "curp", "the system; unreplicated; original: every update waits for the backups; "
                "asynchronous: answered before the backups have it and without witnesses, unsafe")
    group: Literal["primary", "consensus"] = option(
        "primary", "a master with f backups and f witnesses, which must all have an update; or "
                   "2f + 1 replicas with a witness each, of which a majority must have it, or a "
                   "superquorum of the witnesses")
    reads: Literal["master", "backup"] = option(
        "master", "where clients read: at the master; or at the nearest backup if the witness "
                  "beside it holds no update of the key (curp only; baselines read at the master)")
    preset: Literal["ramcloud", "redis"] = option(
        "ramcloud", "costs of the software: kernel bypass, dispatch thread and workers; or an "
                    "event loop over TCP whose backup is the master's own disk")
    replicas: int = option(3, "f, failures that it survives: backups, and as many witnesses",
                           unit="servers", ge=0, le=8)
    batch: int = option(50, "unsynced updates that start a sync", unit="updates", ge=1, le=4096)
    hot_key: bool = option(
        False, "sync at once after a key was updated that had been updated not long before (the "
               "public code's heuristic)")
    hot_key_bytes: Bytes = option("2MB", "log between the two, for hot_key (the public code: "
                                         "40,000 bytes x batch of 50)", gt=0)
    witness: Literal["host", "nic"] = option(
        "host", "what serves the witness table: a server's software, or the block witness_table in "
                "its NIC")
    nic_clock: Frequency = option("250MHz", "clock of the NIC's block; no block was placed", gt=0)
    witness_sets: int = option(1024, "sets of a witness, a power of two", unit="sets", ge=2,
                               le=65_536)
    witness_ways: int = option(4, "ways of a set", unit="ways", ge=1, le=8)
    witness_place: Literal["backups", "own"] = option(
        "backups", "witnesses on the machines of the backups, or on machines of their own")
    load: Literal["closed", "paced", "trace"] = option(
        "closed", "clients go on at once; at fixed gaps, catching up when late; or operations "
                  "arrive as the trace says and wait for a client")
    clients: int = option(10, "clients, one operation at a time each", unit="clients", ge=1,
                          le=512)
    rate: float = option(250_000.0, "operations that all clients together start, for paced",
                         unit="1/s", gt=0)
    workers: int = option(3, "worker threads of the master", unit="threads", ge=1, le=64)
    jitter: Time = option(
        "0s", "what a message takes longer than its links need: mean of an exponential law", ge=0)
    key_bytes: int = option(30, "length of a key", unit="B", ge=1, le=65_536)
    client_time: Time | None = option(
        None, "client software of an operation, both ends; none: the preset's", ge=0)
    send_time: Time | None = option(
        None, "client software for one more request at the same time; none: the preset's", ge=0)
    dispatch_time: Time | None = option(
        None, "dispatch thread: a request and its answer; none: the preset's", ge=0)
    write_time: Time | None = option(None, "a worker executes an update; none: the preset's", ge=0)
    read_time: Time | None = option(None, "a worker executes a read; none: the preset's", ge=0)
    backup_rpc_time: Time | None = option(
        None, "dispatch thread: a write of 50 updates to a backup with its answer; none: the "
              "preset's", ge=0)
    gc_rpc_time: Time | None = option(
        None, "dispatch thread: a gc of 50 entries; none: the preset's", ge=0)
    rpc_fixed_share: float = option(
        0.2, "of the two above, what does not depend on the number of entries", unit="1", ge=0,
        le=1)
    backup_time: Time | None = option(
        None, "a backup takes a write (redis: the disk); none: the preset's", ge=0)
    record_time: Time | None = option(
        None, "a witness in software is occupied by a record, or a gc; none: the preset's", ge=0)
    timeline_spans: int = option(20_000, "syncs kept for the timeline", unit="spans", ge=0,
                                 le=5_000_000)


