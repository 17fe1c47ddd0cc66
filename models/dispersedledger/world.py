"""State of the message-level protocol: everything that N nodes know, as arrays.

An *instance* is one dispersal with its binary agreement: epoch * N + proposer. A dispersal has at
most two *versions*: an honest proposer makes one, an equivocating one two. A version stands for its
Merkle root: messages name it where a real one carries 32 bytes, and every chunk that arrives is
checked against that root. Blocks are small and their bytes are real: the vector V, a number of
transactions, transactions of two bytes.

In a *symbolic* world blocks have sizes and no bytes: a version is sound or garbled, a chunk spoilt
or not, and V lies in a table. It is what timed replays need; the transitions are the same, `coding`
alone knows the difference.

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

__all__ = ["Agreement", "Core", "Dispersal", "Ledger", "Matter", "Outbox", "Plan", "World",
           "new_world", "symbolic_world"]

VERSIONS = 2
ROUNDS = 24          # of one agreement; the deterministic coin needs few under random schedules
FEW_ROUNDS = 8       # of a symbolic world, whose messages come nearly in order
WINDOW = 10          # epochs past the one to be output whose blocks an eager node asks for
TRANSACTIONS = 2     # of a block
MOST_NODES = 61      # senders are bits of an int64
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
Words = npt.NDArray[np.uint16]


class Plan(NamedTuple):
    """Sizes and rules of a run."""

    nodes: int
    faults: int
    needed: int       # k = N - 2f chunks rebuild a block
    epochs: int
    length: int       # bytes of a chunk; 0 in a symbolic world
    variant: int
    coin_seed: int    # 0: the deterministic coin 1, 0, 1, 0 ...; else a common coin
    eager: int        # 1: ask for a block once it is complete, keep one's own; 0: once agreed on


# columns of `Dispersal.table`
VOTED = 0            # and 1: senders of a GotChunk and of a Ready, as bits; one vote each
STORED = 2           # 1 + version of the node's own chunk, 0 none
COMPLETE = 3         # 1 + version, 0 not yet
WAITING = 4          # who asked before Complete, as bits
ASKED = 5            # 1 once the node wants the block
RECEIVED = 6         # valid chunks that arrived, also in vain
VERDICT = 7          # UNKNOWN, GOOD, BAD
RETURNED = 8         # and 9: chunks of each version that arrived, as bits
# of `Dispersal.content`
GARBLED = 0          # and 1: of each version, 1 if its chunks are no codeword
VECTOR = 2           # and on: V as proposed
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
SHUT = 4             # 1 while the node has no reason to propose
# of `Ledger.own`
PROPOSED = 0         # first transaction of the node's block in an epoch, -1 empty
LOST = 1             # 1 while a lost block waits to be proposed again
# of `Ledger.log`
DELIVERED = 0        # by instance: 1 + place in the log
LOG = 1              # by place: instance


class Dispersal(NamedTuple):
    """AVID-M. The vote counter's slot is (node * instances + instance) * VERSIONS + version."""

    table: Ints        # (N, instances, 10)
    votes: Votes
    content: Ints      # (instances, VERSIONS + N): of blocks as they were proposed
    claims: Words      # (N, instances, N): V of the blocks that the node has


class Agreement(NamedTuple):
    """Binary agreement."""

    table: Ints        # (N, instances, 4)
    rounds: Ints       # (N, instances, ROUNDS, 7)
    terms: Ints        # (N, instances, N, 2): round (-1 none) and value of the sender's Term


class Ledger(NamedTuple):
    """Epochs and output of each node."""

    node: Ints         # (N, 5)
    own: Ints          # (N, epochs, 2)
    log: Ints          # (N, instances, 2)
    linked: Ints       # (N, epochs, N): E_j of each epoch that was output
    vector: Ints       # (N,): scratch


class Outbox(NamedTuple):
    """What a transition wants sent: rows of (source, target, kind, a, b, c, d)."""

    rows: Ints
    size: Ints         # (1,)


class Core(NamedTuple):
    """What transitions work on; few arrays, since the compiler's time grows with their number."""

    plan: Plan
    role: Ints         # (N,)
    dispersal: Dispersal
    agreement: Agreement
    ledger: Ledger
    outbox: Outbox
    overrun: Ints      # (1,): agreements that ran out of rounds


class Matter(NamedTuple):
    """Bytes, and room to work them: only `coding` looks inside."""

    parcels: Bytes     # (instances, VERSIONS, N, length): what the proposer made
    proofs: Bytes      # (instances, VERSIONS, N, levels, 32)
    proof_length: Ints  # (N,)
    roots: Bytes       # (instances, VERSIONS, 32)
    order: Ints        # (N, instances, VERSIONS, k): the first k chunks, by arrival
    held: Bytes        # (N, instances, VERSIONS, N, length)
    block: Bytes       # (N, instances, k * length)
    hasher: Hasher
    code: Code
    hashes: Bytes      # (2, N, 32)
    found: Bytes       # (32,)
    chunks: Bytes      # (N, length)
    rows: Ints         # (k,)
    weights: Ints      # (k,)


class World(NamedTuple):
    """A run's state; kernels take its two parts."""

    core: Core
    matter: Matter | None    # None: symbolic

    @property
    def plan(self) -> Plan:
        return self.core.plan

    @property
    def role(self) -> Ints:
        return self.core.role

    @property
    def dispersal(self) -> Dispersal:
        return self.core.dispersal

    @property
    def agreement(self) -> Agreement:
        return self.core.agreement

    @property
    def ledger(self) -> Ledger:
        return self.core.ledger


def new_world(nodes: int, epochs: int = 3, variant: int = DL, coin_seed: int = 0,
              eager: bool = False) -> World:
    """A world for `nodes` nodes of which (nodes - 1) // 3 may fail. Raises UsageError."""
    if not 4 <= nodes <= 16 or not 1 <= epochs <= 32 or not HB <= variant <= DL:
        raise UsageError(f"nodes={nodes}, epochs={epochs}, variant={variant}: 4 to 16 nodes, 1 to "
                         "32 epochs and a variant of 0 to 3 are needed")
    faults = (nodes - 1) // 3
    needed = nodes - 2 * faults
    length = -(-(nodes + 1 + 2 * TRANSACTIONS) // needed)
    return _world(Plan(nodes, faults, needed, epochs, length, variant, coin_seed, int(eager)),
                  ROUNDS)


def symbolic_world(nodes: int, epochs: int, variant: int) -> World:
    """An eager world whose blocks have no bytes. Raises UsageError."""
    if not 4 <= nodes <= MOST_NODES or epochs < 1 or not HB <= variant <= DL:
        raise UsageError(f"nodes={nodes}, epochs={epochs}, variant={variant}: 4 to {MOST_NODES} "
                         "nodes, at least an epoch and a variant of 0 to 3 are needed")
    faults = (nodes - 1) // 3
    return _world(Plan(nodes, faults, nodes - 2 * faults, epochs, 0, variant, 0, 1), FEW_ROUNDS)


def _world(plan: Plan, rounds: int) -> World:
    n, count = plan.nodes, plan.nodes * plan.epochs
    dispersal = Dispersal(
        _ints(n, count, RETURNED + VERSIONS), new_votes(n, plan.faults, n * count * VERSIONS),
        _ints(count, VERSIONS + n), np.zeros((n, count, n), np.uint16))
    agreement = Agreement(_ints(n, count, 4), _ints(n, count, rounds, 7), _ints(n, count, n, 2))
    ledger = Ledger(_ints(n, 5), _ints(n, plan.epochs, 2), _ints(n, count, 2),
                    _ints(n, plan.epochs, n), _ints(n))
    outbox = Outbox(_ints(_outbox_rows(plan), 7), _ints(1))
    core = Core(plan, _ints(n), dispersal, agreement, ledger, outbox, _ints(1))
    return World(core, _matter(plan) if plan.length else None)


def _outbox_rows(plan: Plan) -> int:
    """More than one message can lead to: all agreements advanced, a window of blocks asked for."""
    return (16 * min(plan.epochs, 2 * WINDOW) + WINDOW * plan.nodes) * plan.nodes + 64


def _ints(*shape: int) -> Ints:
    return np.zeros(shape, np.int64)


def _bytes(*shape: int) -> Bytes:
    return np.zeros(shape, np.uint8)


def _matter(plan: Plan) -> Matter:
    n, length, needed = plan.nodes, plan.length, plan.needed
    count = n * plan.epochs
    levels = max(1, (n - 1).bit_length())
    return Matter(
        _bytes(count, VERSIONS, n, length), _bytes(count, VERSIONS, n, levels, 32), _ints(n),
        _bytes(count, VERSIONS, 32), _ints(n, count, VERSIONS, needed),
        _bytes(n, count, VERSIONS, n, length), _bytes(n, count, needed * length), new_hasher(),
        new_code(needed, n), _bytes(2, n, 32), _bytes(32), _bytes(n, length), _ints(needed),
        _ints(needed))
