"""What a block is: bytes, chunks and a Merkle tree, or a size and marks in a symbolic world.

A proposer writes its block, cuts it into N chunks by Reed-Solomon, any k of which give it back, and
builds a Merkle tree over them. A client decodes, builds the tree again and compares the root: a
proposer whose chunks are no codeword is found by every client, whichever chunks it used
(BAD_UPLOADER). A symbolic world keeps V and whether a version is garbled; a chunk is valid unless a
liar touched it, and decoding a garbled version fails.

Kernels over `World`; `m` is its matter, or None in a symbolic world: the compiler then leaves out
what bytes need. Left out of a symbolic world: transactions, and what coding and hashing cost
(`costs`).
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
from rackwright.models.dispersedledger.world import (
    ASKED,
    BAD,
    COMPLETE,
    GARBLED,
    GOOD,
    TRANSACTIONS,
    VECTOR,
    VERDICT,
)

__all__ = ["chunk_is_valid", "decode", "hold_chunk", "keep_own", "make_version"]


@kernel
def first_incomplete(w, node, proposer, epoch):  # type: ignore[no-untyped-def]
    """V[proposer]: capped at `epoch`, the current one."""
    for before in range(epoch):
        if w.dispersal.table[node, before * w.plan.nodes + proposer, COMPLETE] == 0:
            return before
    return epoch


@kernel
def put_byte(w, m, instance, version, place, value):  # type: ignore[no-untyped-def]
    length = w.plan.length
    m.parcels[instance, version, place // length, place % length] = value  # nonzero: >= 1


@kernel
def write_block(w, m, node, epoch, version, first):  # type: ignore[no-untyped-def]
    """The data rows of the block: V, a count, transactions `first`, `first` + 1 (-1: none)."""
    n, instance = w.plan.nodes, epoch * w.plan.nodes + node
    for place in range(w.plan.needed * w.plan.length):
        put_byte(w, m, instance, version, place, 0)
    for j in range(n):
        put_byte(w, m, instance, version, j, w.dispersal.content[instance, VECTOR + j])
    if first < 0:
        return
    put_byte(w, m, instance, version, n, TRANSACTIONS)
    for t in range(TRANSACTIONS):
        put_byte(w, m, instance, version, n + 1 + 2 * t, 16 * version + node)
        put_byte(w, m, instance, version, n + 2 + 2 * t, first + t)


@kernel
def make_parcels(w, m, instance, version, garbled):  # type: ignore[no-untyped-def]
    """Chunks, root and proofs from the data rows in ``parcels[instance, version]``.

    `garbled`: a chunk that is spoilt before the tree is built (a proposer that lies), or -1.
    """
    n, leaves, copies = w.plan.nodes, m.hashes[0], m.hashes[1]
    chunks = m.parcels[instance, version]
    rs_encode(m.code, chunks)
    if garbled >= 0:
        chunks[garbled, 0] ^= 1
    for i in range(n):
        leaf_hash(m.hasher, chunks[i], leaves[i])
    for i in range(n):
        for j in range(n):
            for byte in range(32):
                copies[j, byte] = leaves[j, byte]
        m.proof_length[i] = merkle_prove(m.hasher, copies, n, i,
                                            m.proofs[instance, version, i])
    for byte in range(32):
        m.roots[instance, version, byte] = copies[0, byte]


@kernel
def make_version(w, m, node, epoch, version, first, garbled):  # type: ignore[no-untyped-def]
    """The block of `node` in an epoch, coded; `first`, `garbled`: as above."""
    instance = epoch * w.plan.nodes + node
    w.dispersal.content[instance, GARBLED + version] = 1 if garbled >= 0 else 0
    for j in range(w.plan.nodes):
        w.dispersal.content[instance, VECTOR + j] = first_incomplete(w, node, j, epoch)
    if m is not None:
        write_block(w, m, node, epoch, version, first)
        make_parcels(w, m, instance, version, garbled)


@kernel
def keep_own(w, m, node, instance):  # type: ignore[no-untyped-def]
    """A proposer has its block and need not ask for it."""
    d, length = w.dispersal, w.plan.length
    d.table[node, instance, ASKED] = 1
    d.table[node, instance, VERDICT] = GOOD
    for j in range(w.plan.nodes):
        d.claims[node, instance, j] = d.content[instance, VECTOR + j]
    if m is not None:
        for i in range(w.plan.needed):
            for byte in range(length):
                m.block[node, instance, i * length + byte] = m.parcels[instance, 0, i, byte]


@kernel
def chunk_is_valid(w, m, instance, version, chunk, flip):  # type: ignore[no-untyped-def]
    """True if a chunk, with `flip` applied to its first byte, leads to its root by its proof."""
    if m is None:
        return flip == 0
    content = m.parcels[instance, version, chunk]
    content[0] ^= flip
    leaf_hash(m.hasher, content, m.found)
    content[0] ^= flip
    return merkle_check(m.hasher, m.found, w.plan.nodes, chunk,
                        m.proofs[instance, version, chunk], m.proof_length[chunk],
                        m.roots[instance, version]) == 1


@kernel
def hold_chunk(w, m, node, instance, version, chunk, count):  # type: ignore[no-untyped-def]
    """Put away a valid chunk, the `count`-th (from 0) under its root."""
    if m is not None:
        for byte in range(w.plan.length):
            m.held[node, instance, version, chunk, byte] = m.parcels[instance, version, chunk, byte]
        m.order[node, instance, version, count] = chunk


@kernel
def rebuild(w, m, node, instance, version):  # type: ignore[no-untyped-def]
    """The block from the first k chunks; GOOD if it gives the root that was voted for."""
    n, needed, length, copies = w.plan.nodes, w.plan.needed, w.plan.length, m.hashes[1]
    for j in range(needed):
        chunk = m.order[node, instance, version, j]
        m.rows[j] = chunk
        for byte in range(length):
            m.chunks[chunk, byte] = m.held[node, instance, version, chunk, byte]
    rs_decode(m.code, m.chunks, m.rows, m.weights)
    for i in range(n):
        leaf_hash(m.hasher, m.chunks[i], copies[i])
    merkle_root(m.hasher, copies, n)
    for i in range(needed):
        for byte in range(length):
            m.block[node, instance, i * length + byte] = m.chunks[i, byte]
    for byte in range(32):
        if copies[0, byte] != m.roots[instance, version, byte]:
            return BAD
    return GOOD


@kernel
def decode(w, m, node, instance, version):  # type: ignore[no-untyped-def]
    """Rebuild a block, encode again, compare roots: GOOD or BAD."""
    d = w.dispersal
    if m is None:
        for j in range(w.plan.nodes):
            d.claims[node, instance, j] = d.content[instance, VECTOR + j]
        return BAD if d.content[instance, GARBLED + version] == 1 else GOOD
    verdict = rebuild(w, m, node, instance, version)
    for j in range(w.plan.nodes):
        d.claims[node, instance, j] = m.block[node, instance, j]
    return verdict
