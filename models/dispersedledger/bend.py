"""What Byzantine nodes do to their messages on the way out; honest transitions have no part in it.

A liar spoils the chunks that it returns, a two-faced node votes at random and differently for
everybody. Silence and slowness are the network's; equivocation, garbled chunks, chunks for k nodes
only and copied transactions are a proposer's (`epochs`). Kernels over `Core`.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.dispersedledger.world import (
    AGREE,
    GOT,
    LIES,
    READY,
    RETURN,
    TERM,
    TWO_FACED,
    VIABLE,
)
from rackwright.models.protocols.network import draw

__all__ = ["bent"]


@kernel
def bent(w, dice, source, kind, value, flip):  # type: ignore[no-untyped-def]
    """(value, bits flipped) of a message as it leaves `source`."""
    role = w.role[source]
    if role == LIES and kind == RETURN:
        return value, 1 + draw(dice, 255)
    if role == TWO_FACED and kind in (VIABLE, AGREE, TERM, GOT, READY):
        return draw(dice, 2), flip
    return value, flip
