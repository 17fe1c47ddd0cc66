"""State of the message-level protocol: everything that N nodes know, as arrays.

An *instance* is one dispersal with its binary agreement: epoch * N + proposer. A dispersal has at
most two *versions*: an honest proposer makes one, an equivocating one two. A version stands for its
Merkle root: messages name it where a real one carries 32 bytes, and every chunk that arrives is
checked against that root. Blocks are small and their bytes are real: the vector V, a number of
transactions, transactions of two bytes.

Left out: signatures and authentication (a message's sender is known), memory that is freed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.hdl.rs_encode.golden import Code, new_code
from rackwright.hdl.sha256_merkle.golden import Hasher, new_hasher
from rackwright.hdl.vote_counter.golden import Votes, new_votes

__all__ = ["Agreement", "Dispersal", "Ledger", "Outbox", "Plan", "Scratch", "World", "new_world"]

VERSIONS = 2
ROUNDS = 24          # of one agreement; the deterministic coin needs few under random schedules
TRANSACTIONS = 2     # of a block
HB, HB_LINK, DL_COUPLED, DL = range(4)
VARIANTS = ("hb", "hb_link", "dl_coupled", "dl")

# kinds of messages; a: instance, b: version or value, c: chunk or round, d: bits that a liar flips
CHUNK, GOT, READY, REQUEST, RETURN, CANCEL, VIABLE, AGREE, TERM = range(1, 10)
EVERYBODY = -1

# what a node does; the last two are correct
(SILENT, EQUIVOCATES, GARBLES, LIES, TWO_FACED, HALF, COPIES, SLOW, CORRECT) = range(9)
ROLES = ("silent", "equivocates", "garbles", "lies", "two_faced", "half", "copies", "slow",
         "correct")

UNKNOWN, GOOD, BAD = 0, 1, 2     # what retrieving a block gave; BAD is BAD_UPLOADER

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


class Plan(NamedTuple):
    """Sizes and rules of a run."""

    nodes: int
    faults: int
    needed: int       # k = N - 2f chunks rebuild a block
    epochs: int
    length: int       # bytes of a chunk
    variant: int
    coin_seed: int    # 0: the deterministic coin 1, 0, 1, 0 ...; else a common coin


# columns of `Dispersal.table`
VOTED = 0            # and 1: senders of a GotChunk and of a Ready, as bits; one vote each
STORED = 2           # 1 + version of the node's own chunk, 0 none
COMPLETE = 3         # 1 + version, 0 not yet
WAITING = 4          # who asked before Complete, as bits
ASKED = 5            # 1 once the node wants the block
RECEIVED = 6         # valid chunks that arrived, also in vain
VERDICT = 7          # UNKNOWN, GOOD, BAD
RETURNED = 8         # and 9: chunks of each version that arrived, as bits
# of `Agreement.table`
ROUND, ESTIMATE, DECIDED, GIVEN = range(4)   # -1 before there is any
# of `Agreement.rounds`: for value 0 and, one further, for value 1
VIABLES = 0          # senders, as bits
RELAYED = 2          # 1: the node said so itself
AGREED = 4           # senders, as bits
SAID = 6             # 1 once the node sent its Agreement
# of `Ledger.node`
EPOCH = 0            # being dispersed; -1 before the first
OUTPUT = 1           # next to be output
NEXT = 2             # number of the node's next transaction
LENGTH = 3           # of its log
# of `Ledger.own`
PROPOSED = 0         # first transaction of the node's block in an epoch, -1 empty
LOST = 1             # 1 while a lost block waits to be proposed again
# of `Ledger.log`
DELIVERED = 0        # by instance: 1 + place in the log
LOG = 1              # by place: instance


class Dispersal(NamedTuple):
    """AVID-M. The vote counter's slot is (node * instances + instance) * VERSIONS + version."""

    table: Ints        # (N, instances, 10)
    parcels: Bytes     # (instances, VERSIONS, N, length): what the proposer made
    proofs: Bytes      # (instances, VERSIONS, N, levels, 32)
    proof_length: Ints  # (N,)
    roots: Bytes       # (instances, VERSIONS, 32)
    votes: Votes
    order: Ints        # (N, instances, VERSIONS, k): the first k chunks, by arrival
    held: Bytes        # (N, instances, VERSIONS, N, length)
    block: Bytes       # (N, instances, k * length)


class Agreement(NamedTuple):
    """Binary agreement."""

    table: Ints        # (N, instances, 4)
    rounds: Ints       # (N, instances, ROUNDS, 7)
    terms: Ints        # (N, instances, N, 2): round (-1 none) and value of the sender's Term


class Ledger(NamedTuple):
    """Epochs and output of each node."""

    node: Ints         # (N, 4)
    own: Ints          # (N, epochs, 2)
    log: Ints          # (N, instances, 2)
    linked: Ints       # (N, epochs, N): E_j of each epoch that was output


class Outbox(NamedTuple):
    """What a transition wants sent: rows of (source, target, kind, a, b, c, d)."""

    rows: Ints
    size: Ints         # (1,)


class Scratch(NamedTuple):
    hasher: Hasher
    code: Code
    leaves: Bytes      # (N, 32)
    copies: Bytes      # (N, 32)
    found: Bytes       # (32,)
    chunks: Bytes      # (N, length)
    rows: Ints         # (k,)
    weights: Ints      # (k,)
    vector: Ints       # (N,)


class World(NamedTuple):
    plan: Plan
    role: Ints         # (N,)
    dispersal: Dispersal
    agreement: Agreement
    ledger: Ledger
    outbox: Outbox
    scratch: Scratch
    overrun: Ints      # (1,): agreements that ran out of rounds


def new_world(nodes: int, epochs: int = 3, variant: int = DL, coin_seed: int = 0) -> World:
    """A world for `nodes` nodes of which (nodes - 1) // 3 may fail. Raises UsageError."""
    if not 4 <= nodes <= 16 or not 1 <= epochs <= 32 or not HB <= variant <= DL:
        raise UsageError(f"nodes={nodes}, epochs={epochs}, variant={variant}: 4 to 16 nodes, 1 to "
                         "32 epochs and a variant of 0 to 3 are needed")
    faults = (nodes - 1) // 3
    needed = nodes - 2 * faults
    length = -(-(nodes + 1 + 2 * TRANSACTIONS) // needed)
    plan = Plan(nodes, faults, needed, epochs, length, variant, coin_seed)
    levels = max(1, (nodes - 1).bit_length())
    return World(plan, _ints(nodes), _dispersal(plan, levels), _agreement(plan), _ledger(plan),
                 Outbox(_ints(16 * nodes * epochs + 64, 7), _ints(1)),
                 Scratch(new_hasher(), new_code(needed, nodes), _bytes(nodes, 32),
                         _bytes(nodes, 32), _bytes(32), _bytes(nodes, length), _ints(needed),
                         _ints(needed), _ints(nodes)), _ints(1))


def _ints(*shape: int) -> Ints:
    return np.zeros(shape, np.int64)


def _bytes(*shape: int) -> Bytes:
    return np.zeros(shape, np.uint8)


def _dispersal(plan: Plan, levels: int) -> Dispersal:
    n, count, length = plan.nodes, plan.nodes * plan.epochs, plan.length
    return Dispersal(
        _ints(n, count, RETURNED + VERSIONS), _bytes(count, VERSIONS, n, length),
        _bytes(count, VERSIONS, n, levels, 32), _ints(n), _bytes(count, VERSIONS, 32),
        new_votes(n, plan.faults, n * count * VERSIONS), _ints(n, count, VERSIONS, plan.needed),
        _bytes(n, count, VERSIONS, n, length), _bytes(n, count, plan.needed * length))


def _agreement(plan: Plan) -> Agreement:
    n, count = plan.nodes, plan.nodes * plan.epochs
    return Agreement(_ints(n, count, 4), _ints(n, count, ROUNDS, 7), _ints(n, count, n, 2))


def _ledger(plan: Plan) -> Ledger:
    n, epochs, count = plan.nodes, plan.epochs, plan.nodes * plan.epochs
    return Ledger(_ints(n, 4), _ints(n, epochs, 2), _ints(n, count, 2), _ints(n, epochs, n))
