"""Golden of the token dispatcher: a queue an expert, served in turn by credit, as kernels.

Each part of a token goes into the queue of its expert. `dispatch_serve` takes from the next queue
(after the one served last, round robin) that has a part and a credit. Who waits for room and how
long is for the RTL and its measured cycles; the order of parts in a queue, and of queues while
nothing comes in, is settled here.

Source: section 3.2 of arXiv 2505.08944 (AEP's dispatcher and its queues). Left out: activations,
joining the experts' answers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["Dispatch", "dispatch_credit", "dispatch_push", "dispatch_serve", "new_dispatch"]

MOST_CREDITS = 255


class Dispatch(NamedTuple):
    """The queues; `new_dispatch` makes it."""

    token: npt.NDArray[np.int64]   # shape (experts, depth), a ring each
    part: npt.NDArray[np.int64]    # shape (experts, depth)
    head: npt.NDArray[np.int64]    # shape (experts,)
    length: npt.NDArray[np.int64]  # shape (experts,)
    credit: npt.NDArray[np.int64]  # shape (experts,)
    served: npt.NDArray[np.int64]  # shape (1,): the expert served last


def new_dispatch(experts: int, depth: int) -> Dispatch:
    """Empty queues without credit; expert 0 is the first in turn. Raises UsageError."""
    if experts < 1 or depth < 1:
        raise UsageError(f"token dispatch with experts={experts}, depth={depth}: both must be at "
                         "least 1")
    shape = (experts, depth)
    return Dispatch(np.zeros(shape, np.int64), np.zeros(shape, np.int64),
                    np.zeros(experts, np.int64), np.zeros(experts, np.int64),
                    np.zeros(experts, np.int64), np.array([experts - 1], np.int64))


@kernel
def dispatch_push(d, expert, token, part):  # type: ignore[no-untyped-def]
    """Put a part into its queue; 0 if the queue is full, else 1."""
    if d.length[expert] == d.token.shape[1]:
        return 0
    # nonzero: a queue holds at least one part
    place = (d.head[expert] + d.length[expert]) % d.token.shape[1]
    d.token[expert, place] = token
    d.part[expert, place] = part
    d.length[expert] += 1
    return 1


@kernel
def dispatch_credit(d, expert, credits):  # type: ignore[no-untyped-def]
    """Let an expert take so many parts more."""
    d.credit[expert] = min(d.credit[expert] + credits, 255)


@kernel
def dispatch_serve(d, out):  # type: ignore[no-untyped-def]
    """Take the next part: the expert, or -1 if none can be taken.

    `out`, int64 of shape (3,), gets token, part and how many parts are left in that queue.
    """
    experts = d.head.size
    for step in range(1, experts + 1):
        # nonzero: there is at least one expert
        expert = (d.served[0] + step) % experts
        if d.length[expert] > 0 and d.credit[expert] > 0:
            place = d.head[expert]
            out[0] = d.token[expert, place]
            out[1] = d.part[expert, place]
            # nonzero: a queue holds at least one part
            d.head[expert] = (place + 1) % d.token.shape[1]
            d.length[expert] -= 1
            d.credit[expert] -= 1
            out[2] = d.length[expert]
            d.served[0] = expert
            return expert
    return -1
