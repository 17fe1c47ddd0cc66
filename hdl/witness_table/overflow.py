"""How many records a witness takes before the first one that it has to reject.

Monte Carlo on the golden itself: random 64-bit key hashes, no gc, until the first rejection. With
all hashes different (two equal 64-bit hashes among a few thousand do not happen) this counts the
overflow of a set: the price of limited associativity (NSDI 2019, figure 14, shows it).

The rejected record is NOT counted. With one way this is the birthday problem, whose mean, so
counted, is sqrt(pi * slots / 2) - 1/3 to first order (Knuth's Q).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.hashing import mix64
from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError
from rackwright.hdl.witness_table.golden import (
    ACCEPT,
    STATUS_MASK,
    new_witness,
    witness_record,
    witness_start,
)

__all__ = ["conflict_counts", "records_before_conflict"]

M31 = (1 << 31) - 1
M32 = (1 << 32) - 1


@kernel
def random_key(seed, trial, record):  # type: ignore[no-untyped-def]
    """A 64-bit key hash, uniform over int64, the same whatever was drawn before."""
    stream = mix64((seed & M31) ^ ((trial & M31) << 31))
    high = (mix64(stream ^ (2 * record)) & M32) - (1 << 31)
    low = mix64(stream ^ (2 * record + 1)) & M32
    return (high << 32) + low


@kernel
def count_trials(w, seed, counts):  # type: ignore[no-untyped-def]
    """Fill `counts[trial]` with the records accepted before the first rejection."""
    for trial in range(counts.shape[0]):
        witness_start(w)
        record = 0
        while witness_record(w, random_key(seed, trial, record), 1, record) & STATUS_MASK == ACCEPT:
            record += 1
        counts[trial] = record


def conflict_counts(sets: int, ways: int, *, trials: int, seed: int) -> npt.NDArray[np.int64]:
    """Records accepted before the first rejection, shape (trials,). Raises UsageError."""
    if trials < 1:
        raise UsageError(f"trials={trials}: at least one is needed")
    counts = np.zeros(trials, np.int64)
    count_trials(new_witness(sets, ways), seed, counts)
    return counts


def records_before_conflict(sets: int, ways: int, *, trials: int = 4000, seed: int = 0) -> float:
    """Mean number of records accepted before the first rejection, over `trials` tables."""
    counts = conflict_counts(sets, ways, trials=trials, seed=seed)
    return int(counts.sum()) / trials  # nonzero: trials >= 1, checked above
