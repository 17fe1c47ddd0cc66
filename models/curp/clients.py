"""The CURP client: what it has heard about its update, and what it does next.

One update at a time for each client. It is done in one round trip when the master has answered and
enough witnesses have accepted: all f, or a superquorum of the consensus variant's 2f + 1; in two
when the master's answer says that it synced first. When so many have refused that there cannot be
enough, the client asks the master to sync (NSDI 2019, section 3.2.1 and appendix).
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
    asked: Ints        # witnesses that were asked
    enough: Ints       # how many of them must accept
    answered: Ints     # witnesses that have answered
    accepted: Ints     # of them, accepted
    replied: Ints      # 1: the master has answered
    synced: Ints       # 1: after a sync
    result: Ints


def new_clients(count: int) -> Clients:
    return Clients(*(np.zeros(count, np.int64) for _ in range(8)))


@kernel
def client_begin(cs, c, rpc, asked, enough):  # type: ignore[no-untyped-def]
    """A new request, or a new attempt with a new list of witnesses."""
    cs.rpc[c] = rpc
    cs.asked[c] = asked
    cs.enough[c] = enough
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
    if cs.synced[c] == 1 or ones(cs.accepted[c]) >= cs.enough[c]:
        return FINISHED
    if ones(cs.asked[c] & ~(cs.answered[c] & ~cs.accepted[c])) < cs.enough[c]:
        return MUST_SYNC
    return WAITING


@kernel
def ones(bits):  # type: ignore[no-untyped-def]
    """How many bits are set."""
    count = 0
    while bits != 0:
        bits &= bits - 1
        count += 1
    return count
