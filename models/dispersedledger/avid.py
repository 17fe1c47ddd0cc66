"""AVID-M: verifiable dispersal of a block and its retrieval, transition by transition.

A proposer cuts its block into N chunks by Reed-Solomon, any k = N - 2f of which give it back,
builds a Merkle tree over them and sends each node its chunk with its proof. The votes (GotChunk,
Ready) are those of the hardware block `vote_counter`. A client that has k valid chunks under one
root decodes, builds the tree again and compares the root: a proposer whose chunks are no codeword
is found by every client, whichever chunks it used (BAD_UPLOADER).

Kernels over `World`; what is to be sent goes to the outbox. Who drives them decides when it
arrives.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.hdl.rs_encode.golden import rs_decode, rs_encode
from rackwright.hdl.sha256_merkle.golden import (
    leaf_hash,
    merkle_check,
    merkle_prove,
    merkle_root,
)
from rackwright.hdl.vote_counter.golden import COMPLETE_NOW, SEND_READY, votes_add
from rackwright.models.dispersedledger.world import (
    ASKED,
    BAD,
    CANCEL,
    COMPLETE,
    EVERYBODY,
    GOOD,
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

__all__ = ["chunk_is_valid", "decode", "hear_chunk", "hear_request", "hear_return", "hear_vote",
           "make_parcels", "send", "want"]


@kernel
def send(w, source, target, kind, a, b, c, d):  # type: ignore[no-untyped-def]
    """Put a message into the outbox."""
    row = w.outbox.rows[w.outbox.size[0]]
    row[0], row[1], row[2], row[3], row[4], row[5], row[6] = source, target, kind, a, b, c, d
    w.outbox.size[0] += 1


@kernel
def make_parcels(w, instance, version, garbled):  # type: ignore[no-untyped-def]
    """Chunks, root and proofs from the data rows in ``parcels[instance, version]``.

    `garbled`: a chunk that is spoilt before the tree is built (a proposer that lies), or -1.
    """
    n, made, s = w.plan.nodes, w.dispersal, w.scratch
    chunks = made.parcels[instance, version]
    rs_encode(s.code, chunks)
    if garbled >= 0:
        chunks[garbled, 0] ^= 1
    for i in range(n):
        leaf_hash(s.hasher, chunks[i], s.leaves[i])
    for i in range(n):
        for j in range(n):
            for byte in range(32):
                s.copies[j, byte] = s.leaves[j, byte]
        made.proof_length[i] = merkle_prove(s.hasher, s.copies, n, i,
                                            made.proofs[instance, version, i])
    for byte in range(32):
        made.roots[instance, version, byte] = s.copies[0, byte]


@kernel
def chunk_is_valid(w, instance, version, chunk, flip):  # type: ignore[no-untyped-def]
    """True if a chunk, with `flip` applied to its first byte, leads to its root by its proof."""
    made, s = w.dispersal, w.scratch
    content = made.parcels[instance, version, chunk]
    content[0] ^= flip
    leaf_hash(s.hasher, content, s.found)
    content[0] ^= flip
    return merkle_check(s.hasher, s.found, w.plan.nodes, chunk,
                        made.proofs[instance, version, chunk], made.proof_length[chunk],
                        made.roots[instance, version]) == 1


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
    """Ask every node for its chunk, once."""
    if w.dispersal.table[node, instance, ASKED] == 0:
        w.dispersal.table[node, instance, ASKED] = 1
        send(w, node, EVERYBODY, REQUEST, instance, 0, 0, 0)


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
def hear_return(w, node, instance, version, chunk):  # type: ignore[no-untyped-def]
    """A valid chunk from a server: 1 when the k-th of one root is there, so decode."""
    d = w.dispersal
    d.table[node, instance, RECEIVED] += 1
    known = d.table[node, instance, RETURNED + version]
    if d.table[node, instance, VERDICT] != UNKNOWN or (known >> chunk) & 1:
        return 0
    count = 0
    for i in range(w.plan.nodes):
        count += (d.table[node, instance, RETURNED + version] >> i) & 1
    d.table[node, instance, RETURNED + version] |= 1 << chunk
    for byte in range(w.plan.length):
        d.held[node, instance, version, chunk, byte] = d.parcels[instance, version, chunk, byte]
    d.order[node, instance, version, count] = chunk
    return 1 if count + 1 == w.plan.needed else 0


@kernel
def decode(w, node, instance, version):  # type: ignore[no-untyped-def]
    """Rebuild the block from the first k chunks, encode again, compare roots; tell the servers."""
    d, s, plan = w.dispersal, w.scratch, w.plan
    for j in range(plan.needed):
        chunk = d.order[node, instance, version, j]
        s.rows[j] = chunk
        for byte in range(plan.length):
            s.chunks[chunk, byte] = d.held[node, instance, version, chunk, byte]
    rs_decode(s.code, s.chunks, s.rows, s.weights)
    for i in range(plan.nodes):
        leaf_hash(s.hasher, s.chunks[i], s.copies[i])
    merkle_root(s.hasher, s.copies, plan.nodes)
    verdict = GOOD
    for byte in range(32):
        if s.copies[0, byte] != d.roots[instance, version, byte]:
            verdict = BAD
    d.table[node, instance, VERDICT] = verdict
    for i in range(plan.needed):
        for byte in range(plan.length):
            d.block[node, instance, i * plan.length + byte] = s.chunks[i, byte]
    send(w, node, EVERYBODY, CANCEL, instance, 0, 0, 0)
