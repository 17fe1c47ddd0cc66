"""The CURP client: what it has heard about its update, and what it does next.

One update at a time for each client. It is done in one round trip when the master has answered and
all f witnesses have accepted; in two when the master's answer says that it synced first. When all
have answered otherwise, the client asks the master to sync (NSDI 2019, section 3.2.1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["FINISHED", "MUST_SYNC", "WAITING", "Clients", "client_begin", "client_decide",
           "client_hears_master", "client_hears_witness", "new_clients"]

WAITING, FINISHED, MUST_SYNC = 0, 1, 2

Ints = npt.NDArray[np.int64]


class Clients(NamedTuple):
    """One entry a client; `witnesses` are bit masks."""

    rpc: Ints          # of the update under way
    needed: Ints       # witnesses that must accept
    answered: Ints     # witnesses that have answered
    accepted: Ints     # of them, accepted
    replied: Ints      # 1: the master has answered
    synced: Ints       # 1: after a sync
    result: Ints


def new_clients(count: int) -> Clients:
    return Clients(*(np.zeros(count, np.int64) for _ in range(7)))


@kernel
def client_begin(cs, c, rpc, needed):  # type: ignore[no-untyped-def]
    """A new request, or a new attempt with a new list of witnesses."""
    cs.rpc[c] = rpc
    cs.needed[c] = needed
    cs.answered[c] = 0
    cs.accepted[c] = 0
    cs.replied[c] = 0
    cs.synced[c] = 0


@kernel
def client_hears_witness(cs, c, which, accepted):  # type: ignore[no-untyped-def]
    cs.answered[c] |= 1 << which
    if accepted:
        cs.accepted[c] |= 1 << which


@kernel
def client_hears_master(cs, c, result, synced):  # type: ignore[no-untyped-def]
    cs.replied[c] = 1
    cs.result[c] = result
    if synced:
        cs.synced[c] = 1


@kernel
def client_decide(cs, c):  # type: ignore[no-untyped-def]
    """WAITING for answers, FINISHED, or MUST_SYNC."""
    if cs.replied[c] == 0:
        return WAITING
    if cs.synced[c] == 1 or cs.accepted[c] == cs.needed[c]:
        return FINISHED
    if cs.answered[c] == cs.needed[c]:
        return MUST_SYNC
    return WAITING
