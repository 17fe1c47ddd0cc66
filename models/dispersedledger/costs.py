"""What coding, hashing and votes cost a host or the blocks of its NIC, epoch by epoch.

A site encodes its own block and builds its tree; of every block it checks its chunk, and on
retrieval it checks k chunks, decodes, encodes again and builds the tree. Bytes coded count as those
of the block, bytes hashed as all chunks plus 64 for a node of the tree. Published runs leave the
hashing out. Host rates are options (assumed); the NIC's come from the measured cycles of
`rs_encode`, `sha256_merkle` and `vote_counter` at an assumed clock.

Left out: moving the bytes to and from the NIC, and memory bandwidth. Units: seconds of one core or
one set of blocks.
"""

from __future__ import annotations

from typing import NamedTuple

from rackwright.hdl.timing import timing
from rackwright.models.dispersedledger.options import DispersedLedgerOptions

__all__ = ["CLOCK_HZ", "Costs", "costs_of"]

CLOCK_HZ = 250e6     # assumed: what such blocks reach on the FPGAs of NICs


class Costs(NamedTuple):
    """An epoch at one site: seconds of each kind of work, by where it is done."""

    encode_time: float
    hash_time: float
    vote_time: float
    host_time: float      # of these, on the host
    critical_time: float  # in front of the votes of a block: its own coding and trees


def costs_of(options: DispersedLedgerOptions, nodes: int, block: float) -> Costs:
    """Costs of an epoch of `nodes` blocks of `block` bytes."""
    needed = nodes - 2 * ((nodes - 1) // 3)
    chunks = nodes * block / needed + 64.0 * nodes        # a tree's leaves and inner nodes
    levels = (nodes - 1).bit_length()
    proof = block / needed + 64.0 * levels
    coded = block * (1 + 2 * nodes)                       # own; decode and encode of every block
    hashed = chunks + nodes * proof + nodes * (needed * proof + chunks)
    votes = 4.0 * nodes * nodes                           # GotChunk, Ready, Viable, Agreement
    encode, digest, vote = _rates(options)
    times = {"encode": coded / encode, "hash": hashed / digest, "votes": votes * vote}
    host = sum(time for name, time in times.items() if options.offload not in (name, "all"))
    critical = block / encode + (chunks + nodes * proof) / digest + votes / 2 * vote
    return Costs(times["encode"], times["hash"], times["votes"], host, critical)


def _rates(options: DispersedLedgerOptions) -> tuple[float, float, float]:
    """(bytes/s encoded, bytes/s hashed, seconds a vote)."""
    encode, digest = options.host_encode_bandwidth, options.host_hash_bandwidth
    vote = options.host_vote_time
    if options.offload in ("encode", "all"):
        coder = timing("rs_encode", "16-6")
        encode = options.nic_lanes * coder.parameters["K"] / coder.interval_time("encode", CLOCK_HZ)
    if options.offload in ("hash", "all"):
        hasher = timing("sha256_merkle", "128")
        digest = options.nic_lanes * 1024 / hasher.interval_time("leaf_1024", CLOCK_HZ)
    if options.offload in ("votes", "all"):
        vote = timing("vote_counter", "128").interval_time("vote", CLOCK_HZ)
    return float(encode), float(digest), float(vote)
