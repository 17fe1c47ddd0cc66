"""One node of the ledger hears a message: the same transitions whatever network carries it.

`take` applies a message to a node, `settle` what follows from it; what the node wants to send is in
the outbox. They know no network and no time; `drive` calls them, in fault schedules and in timed
replays. Kernels over `World`.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.dispersedledger.agreement import advance_agreement, hear_opinion, hear_term
from rackwright.models.dispersedledger.avid import (
    hear_chunk,
    hear_request,
    hear_return,
    hear_vote,
    want,
)
from rackwright.models.dispersedledger.coding import chunk_is_valid
from rackwright.models.dispersedledger.epochs import (
    advance_node,
    close_epoch,
    give_input,
    in_window,
    propose,
)
from rackwright.models.dispersedledger.world import (
    AGREE,
    CANCEL,
    CHUNK,
    EPOCH,
    GOT,
    READY,
    REQUEST,
    RETURN,
    SHUT,
    TERM,
    UNKNOWN,
    VERDICT,
    VIABLE,
    WAITING,
)

__all__ = ["START", "settle", "take"]

START = 0       # a kind: the node begins


@kernel
def take(w, m, node, source, kind, instance, b, c, d):  # type: ignore[no-untyped-def]
    """Apply a message; proposals and agreements are advanced by `settle`."""
    if kind == CHUNK or kind == RETURN:
        # a chunk belongs to the node it is for, and comes from the proposer or from its keeper
        owner = node if kind == CHUNK else source
        if c != owner or (kind == CHUNK and source != instance % w.plan.nodes):  # nonzero: nodes
            return
        if (kind == CHUNK or w.dispersal.table[node, instance, VERDICT] == UNKNOWN) and \
                not chunk_is_valid(w, m, instance, b, c, d):
            return
        if kind == CHUNK:
            hear_chunk(w, node, instance, b)
        else:
            hear_return(w, m, node, instance, b, c)
    elif kind == GOT or kind == READY:
        if hear_vote(w, node, source, kind, instance, b) == 1:
            give_input(w, node, instance, 1)
            if w.plan.eager == 1 and in_window(w, node, instance):
                want(w, node, instance)
    elif kind == REQUEST:
        hear_request(w, node, source, instance)
    elif kind == CANCEL:
        w.dispersal.table[node, instance, WAITING] &= ~(1 << source)
    elif kind == VIABLE or kind == AGREE:
        hear_opinion(w, node, source, kind, instance, b, c)
    elif kind == TERM:
        hear_term(w, node, source, instance, b, c)


@kernel
def settle(w, m, node, low, high):  # type: ignore[no-untyped-def]
    """Advance the agreements `low` .. `high` - 1, then whatever follows from them."""
    n = w.plan.nodes
    while True:
        for instance in range(low, high):
            advance_agreement(w, node, instance)
        epoch = w.ledger.node[node, EPOCH]
        if close_epoch(w, node, epoch) == 0:
            epoch = advance_node(w, node)
            if epoch < 0 or w.ledger.node[node, SHUT] == 1:
                return
            propose(w, m, node, epoch)
        low = epoch * n
        high = low + n
