"""Numbers of the timed replay: variants, events, jobs, faults, places of counts."""

from __future__ import annotations

__all__ = [
    "ARRIVE", "ASKS", "ASK_SYNC", "ASYNC", "BACKED", "CONFLICTS", "CURP", "DISPATCHED", "FAST",
    "FREED_ENTRIES", "GC", "GC_RPCS", "GROW_HEAP", "HEARD", "ISSUE", "J_ACK", "J_GC", "J_REQUEST",
    "J_SEND", "LOG_FULL", "MODIFY", "NEAR", "NEARBY", "NEAR_READS", "NEAR_REFUSED", "NEXT",
    "ORIGINAL", "QUEUE_FULL", "READS", "RECORD", "RECORDS", "REJECTS", "REQUESTS", "STALE_RETRIES",
    "SYNCED_ENTRIES", "SYNCS", "SYNC_ASKED", "SYNC_RPCS", "TAGGED", "UNREPLICATED", "UPDATES",
    "VARIANTS", "WAIT",
]

UNREPLICATED, ORIGINAL, ASYNC, CURP = range(4)
VARIANTS = ("unreplicated", "original", "asynchronous", "curp")
# kinds of events; also their priority
BACKED, GC, RECORD, ARRIVE, DISPATCHED, WAIT, NEXT, ASK_SYNC, ISSUE, NEAR, HEARD = range(11)
REQUESTS, ASKS, NEARBY = range(3)     # Server.stage: at the master, for a sync, at a backup
MODIFY = 3                                                           # kind: a read, then a write
J_REQUEST, J_ACK, J_SEND, J_GC = range(4)                            # jobs of the dispatch thread
GROW_HEAP = 1
QUEUE_FULL, LOG_FULL = 1, 2                                          # faults
# places in Counts.number
(UPDATES, READS, FAST, TAGGED, SYNC_ASKED, CONFLICTS, REJECTS, RECORDS, SYNCS, SYNCED_ENTRIES,
 SYNC_RPCS, GC_RPCS, FREED_ENTRIES, STALE_RETRIES, NEAR_READS, NEAR_REFUSED) = range(16)
