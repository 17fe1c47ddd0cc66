"""AVID-M: verifiable dispersal of a block and its retrieval, transition by transition.

A proposer cuts its block into N chunks, any k = N - 2f of which give it back, and sends each node
its chunk with its proof (`coding`). The votes (GotChunk, Ready) are those of the hardware block
`vote_counter`. A client that has k valid chunks under one root decodes.

Kernels over `World`; what is to be sent goes to the outbox. Who drives them decides when it
arrives.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.hdl.vote_counter.golden import COMPLETE_NOW, SEND_READY, votes_add
from rackwright.models.dispersedledger.coding import decode, hold_chunk
from rackwright.models.dispersedledger.world import (
    ASKED,
    CANCEL,
    COMPLETE,
    EVERYBODY,
    GOT,
    READY,
    RECEIVED,
    REQUEST,
    RETURN,
    RETURNED,
    STORED,
    UNKNOWN,
    VERDICT,
    VERSIONS,
    VOTED,
    WAITING,
)

__all__ = ["hear_chunk", "hear_request", "hear_return", "hear_vote", "send", "want"]


@kernel
def send(w, source, target, kind, a, b, c, d):  # type: ignore[no-untyped-def]
    """Put a message into the outbox."""
    row = w.outbox.rows[w.outbox.size[0]]
    row[0], row[1], row[2], row[3], row[4], row[5], row[6] = source, target, kind, a, b, c, d
    w.outbox.size[0] += 1


@kernel
def hear_chunk(w, node, instance, version):  # type: ignore[no-untyped-def]
    """A valid chunk from the proposer: the first one is kept and voted for."""
    if w.dispersal.table[node, instance, STORED] == 0:
        w.dispersal.table[node, instance, STORED] = version + 1
        send(w, node, EVERYBODY, GOT, instance, version, 0, 0)
        if w.dispersal.table[node, instance, COMPLETE] == version + 1:
            answer_waiting(w, node, instance)


@kernel
def hear_vote(w, node, sender, kind, instance, version):  # type: ignore[no-untyped-def]
    """GotChunk or Ready: 1 if it completes the dispersal at the node.

    A sender has one vote of each kind in an instance, whatever root it names.
    """
    d = w.dispersal
    if (d.table[node, instance, VOTED + kind - GOT] >> sender) & 1 == 1:
        return 0
    d.table[node, instance, VOTED + kind - GOT] |= 1 << sender
    if kind == GOT and w.plan.eager == 1 and d.table[node, instance, ASKED] == 1 and \
            d.table[node, instance, VERDICT] == UNKNOWN:
        send(w, node, sender, REQUEST, instance, 0, 0, 0)
    slot = (node * d.table.shape[1] + instance) * VERSIONS + version
    flags = votes_add(d.votes, slot, kind - GOT + 1, sender)
    if flags & SEND_READY:
        send(w, node, EVERYBODY, READY, instance, version, 0, 0)
    if flags & COMPLETE_NOW and d.table[node, instance, COMPLETE] == 0:
        d.table[node, instance, COMPLETE] = version + 1
        if d.table[node, instance, STORED] == version + 1:
            answer_waiting(w, node, instance)
        return 1
    return 0


@kernel
def answer_waiting(w, node, instance):  # type: ignore[no-untyped-def]
    """Serve those who asked too early."""
    waiting = w.dispersal.table[node, instance, WAITING]
    for client in range(w.plan.nodes):
        if (waiting >> client) & 1 == 1:
            version = w.dispersal.table[node, instance, STORED] - 1
            send(w, node, client, RETURN, instance, version, node, 0)
    w.dispersal.table[node, instance, WAITING] = 0


@kernel
def want(w, node, instance):  # type: ignore[no-untyped-def]
    """Ask every node for its chunk, once; an eager node asks those who have said they have it."""
    d = w.dispersal
    if d.table[node, instance, ASKED] == 0:
        d.table[node, instance, ASKED] = 1
        if w.plan.eager == 0:
            send(w, node, EVERYBODY, REQUEST, instance, 0, 0, 0)
            return
        for server in range(w.plan.nodes):
            if (d.table[node, instance, VOTED] >> server) & 1 == 1:
                send(w, node, server, REQUEST, instance, 0, 0, 0)


@kernel
def hear_request(w, node, client, instance):  # type: ignore[no-untyped-def]
    """Return the own chunk after Complete; before, remember who asked."""
    d = w.dispersal
    done = d.table[node, instance, COMPLETE]
    if done != 0 and d.table[node, instance, STORED] == done:
        send(w, node, client, RETURN, instance, done - 1, node, 0)
    else:
        d.table[node, instance, WAITING] |= 1 << client


@kernel
def hear_return(w, m, node, instance, version, chunk):  # type: ignore[no-untyped-def]
    """A valid chunk from a server: with the k-th of one root decode, and tell the servers."""
    d = w.dispersal
    d.table[node, instance, RECEIVED] += 1
    known = d.table[node, instance, RETURNED + version]
    if d.table[node, instance, VERDICT] != UNKNOWN or (known >> chunk) & 1:
        return
    count = 0
    for i in range(w.plan.nodes):
        count += (known >> i) & 1
    d.table[node, instance, RETURNED + version] = known | (1 << chunk)
    hold_chunk(w, m, node, instance, version, chunk, count)
    if count + 1 == w.plan.needed:
        d.table[node, instance, VERDICT] = decode(w, m, node, instance, version)
        send(w, node, EVERYBODY, CANCEL, instance, 0, 0, 0)
