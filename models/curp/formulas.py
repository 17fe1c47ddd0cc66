"""Closed forms about CURP that no replay uses: memory, quorums, reuse of keys.

Sources: NSDI 2019, its appendix on consensus, and the structures of the public RAMCloud code.
"""

from __future__ import annotations

import numpy as np

from rackwright.errors import UsageError
from rackwright.traces import zipf_shares

__all__ = ["recovery_threshold", "reuse_chance", "superquorum", "witness_bytes"]

SLOT_BYTES = 2048     # a request's body
TAG_BYTES = 24        # key hash, client and RPC
SET_BYTES = 4         # occupancy of a set


def witness_bytes(sets: int = 1024, ways: int = 4) -> int:
    """Bytes of one witness.

    >>> witness_bytes()
    8491008
    """
    return sets * (SET_BYTES + ways * (TAG_BYTES + SLOT_BYTES))


def superquorum(f: int) -> int:
    """Accepts, of 2f + 1 witnesses, with which a replica group may answer in one round trip.

    >>> [superquorum(f) for f in (1, 2, 3)]
    [3, 4, 6]
    """
    return f + -(-_failures(f) // 2) + 1


def recovery_threshold(f: int) -> int:
    """Of f + 1 witnesses read in a recovery, how many must hold an operation to replay it."""
    return -(-_failures(f) // 2) + 1


def reuse_chance(theta: float, window: int, keys: int = 1_000_000) -> float:
    """Chance that a Zipf-drawn key is among the `window` ones before it: sum p (1 - (1 - p)^w)."""
    shares = zipf_shares(keys, theta)
    return float((shares * -np.expm1(window * np.log1p(-shares))).sum())


def _failures(f: int) -> int:
    if f < 0:
        raise UsageError(f"f = {f}: 0 failures or more")
    return f
