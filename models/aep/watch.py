"""What a replay notes beside its sums: batch sizes, and how much waits at each GPU over time.

Batches are counted by size, exactly. Queues are looked at when the counters are copied, 129 times
over the span of the arrivals (`rackwright.models.serving.snapshots`), before what happens then.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.models.serving.snapshots import SNAPSHOTS

__all__ = ["Watch", "new_watch", "watch_batch", "watch_queues"]

Ints = npt.NDArray[np.int64]


class Watch(NamedTuple):
    batches: Ints       # (3, most + 1): steps of attention, experts, sampler by tokens in them
    queued: Ints        # (SNAPSHOTS + 1, 2, gpus): tokens (parts) that wait; [1]: for the sampler
    taken: Ints         # (1,) rows of `queued` that are filled


def new_watch(most: int, gpus: int) -> Watch:
    """For batches of up to `most` tokens or parts."""
    return Watch(np.zeros((3, most + 1), np.int64), np.zeros((SNAPSHOTS + 1, 2, gpus), np.int64),
                 np.zeros(1, np.int64))


@kernel
def watch_batch(watch, label, size):  # type: ignore[no-untyped-def]
    watch.batches[label, size] += 1


@kernel
def watch_queues(watch, snapshots, block_length):  # type: ignore[no-untyped-def]
    """Sum up the queues of every GPU for the snapshots taken since the last call."""
    at = watch.taken[0]
    while at < snapshots.taken[0]:
        for gpu in range(block_length.shape[0]):
            last = block_length.shape[1] - 1
            waiting = 0
            for block in range(last):
                waiting += block_length[gpu, block]
            watch.queued[at, 0, gpu] = waiting
            watch.queued[at, 1, gpu] = block_length[gpu, last]
        at += 1
    watch.taken[0] = at
