"""Seeded generator of operation traces: YCSB's core workloads, keys by Zipf's law.

Workloads (Cooper et al., SoCC 2010): A 50 % reads, 50 % updates; B 95/5; C reads; D 95 % reads of
the latest records, 5 % inserts; E 95 % scans of up to 100 records, 5 % inserts; F 50 % reads, 50 %
read-modify-writes; `writes`: updates only. Key i is drawn by the method of Gray et al. (SIGMOD
1994), as YCSB does: exact for the two hottest keys, approximate for the others, and the chance of
the hottest is 1 / zeta(n, theta). Keys are ranks (0 the hottest) unless `scrambled`, which spreads
them by a hash, as YCSB's scrambled generator, whose collisions it has too; YCSB then draws from
10**10 ranks, we from `keys`. Updates may touch several neighbouring keys, as YCSB's never do.

What it leaves out: bursts, keys that cool down, missing keys, deletes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rackwright.errors import UnknownName, UsageError
from rackwright.traces.operations import (
    INSERT,
    KEY_LIMIT,
    MAX_OBJECTS,
    MAX_VALUE,
    MODIFY,
    READ,
    SCAN,
    UPDATE,
    OperationTrace,
)

__all__ = ["WORKLOADS", "generate_operations", "gray_zipf"]

# workload -> (first kind and its share, the other kind, which keys)
WORKLOADS: dict[str, tuple[int, float, int, str]] = {
    "a": (READ, 0.5, UPDATE, "zipf"), "b": (READ, 0.95, UPDATE, "zipf"),
    "c": (READ, 1.0, UPDATE, "zipf"), "d": (READ, 0.95, INSERT, "latest"),
    "e": (SCAN, 0.95, INSERT, "zipf"), "f": (READ, 0.5, MODIFY, "zipf"),
    "writes": (UPDATE, 1.0, UPDATE, "zipf"), "reads": (READ, 1.0, UPDATE, "zipf")}
_MOST = 20_000_000
_LONGEST_SCAN = 100    # YCSB's workload E: uniform from 1

Ints = npt.NDArray[np.int64]


def gray_zipf(draws: npt.NDArray[np.float64], keys: int, theta: float) -> Ints:
    """Ranks 0 .. `keys` - 1 from `draws` in [0, 1); theta 0 is uniform. Raises UsageError."""
    if not 1 <= keys <= KEY_LIMIT:
        raise UsageError(f"keys = {keys}: expected 1 to {KEY_LIMIT}")
    if not 0 <= theta < 1:
        raise UsageError(f"theta = {theta}: expected 0 (uniform) to below 1; the method of Gray et "
                         "al. divides by 1 - theta")
    if theta == 0 or keys < 3:
        return np.minimum((draws * keys).astype(np.int64), keys - 1)
    zeta = float((np.arange(1, keys + 1, dtype=np.float64) ** -theta).sum())
    second = 1 + 0.5 ** theta
    eta = (1 - (2 / keys) ** (1 - theta)) / (1 - second / zeta)
    rank = (keys * (eta * draws - eta + 1) ** (1 / (1 - theta))).astype(np.int64)
    scaled = draws * zeta
    rank = np.where(scaled < 1, 0, np.where(scaled < second, 1, rank))
    return np.minimum(rank, keys - 1)


def generate_operations(
    workload: str,
    operations: int,
    keys: int = 1_000_000,
    theta: float = 0.99,
    rate_per_s: float | None = None,
    value_bytes: int = 100,
    scrambled: bool = False,
    seed: int = 0,
    name: str = "",
    update_objects: int = 1,
) -> OperationTrace:
    """`operations` operations of a YCSB workload ("a" .. "f", "writes", "reads").

    `rate_per_s`: Poisson arrivals; without it all arrive at 0, for closed loops. Kinds, keys,
    lengths of scans and arrivals draw from streams of their own. `update_objects`: keys that an
    update or a read-modify-write touches, from the drawn one on. The trace's `source` states every
    parameter. Raises UnknownName and UsageError.
    """
    if workload not in WORKLOADS:
        raise UnknownName("workload", workload, WORKLOADS)
    _check(operations, rate_per_s, value_bytes, seed)
    if not 1 <= update_objects <= min(keys, MAX_OBJECTS):
        raise UsageError(f"update_objects = {update_objects}: expected 1 to {MAX_OBJECTS}, and no "
                         f"more than the {keys} keys")
    first, share, other, law = WORKLOADS[workload]
    kinds, drawn, lengths, arrivals = (np.random.default_rng(child)
                                       for child in np.random.SeedSequence(seed).spawn(4))
    kind = np.where(kinds.random(operations) < share, first, other)
    key = gray_zipf(drawn.random(operations), keys, theta)
    if scrambled:
        key = _scrambled(key, keys)
    inserted = np.cumsum(kind == INSERT)
    if law == "latest":
        key = np.maximum(keys + inserted - 1 - key, 0)
    key = np.where(kind == INSERT, keys + inserted - 1, key)
    length = lengths.integers(1, _LONGEST_SCAN, operations, endpoint=True)
    objects = np.where(kind == SCAN, length, 1)
    several = (kind == UPDATE) | (kind == MODIFY)
    objects = np.where(several, update_objects, objects)
    key = np.where((kind == SCAN) | several, np.maximum(np.minimum(key, keys - objects), 0), key)
    times = np.zeros(operations) if rate_per_s is None \
        else np.cumsum(arrivals.standard_exponential(operations) / rate_per_s)
    more = "" if update_objects == 1 else f", updates of {update_objects} keys"
    pace = "no times" if rate_per_s is None else f"Poisson {float(rate_per_s)!r}/s"
    return OperationTrace(
        times, kind, key, np.full(operations, value_bytes), objects, name or f"ycsb_{workload}",
        f"generate_operations: YCSB {workload}, {operations} operations, {pace}; {keys} keys, "
        f"Zipf {float(theta)!r} (Gray), {'scrambled' if scrambled else 'ranks'}, values "
        f"{value_bytes} B{more}; seed {seed}")


def _check(operations: int, rate_per_s: float | None, value_bytes: int, seed: int) -> None:
    if not 1 <= operations <= _MOST:
        raise UsageError(f"operations = {operations}: expected 1 to {_MOST}")
    if rate_per_s is not None and not 0 < rate_per_s < math.inf:
        raise UsageError(f"rate_per_s = {rate_per_s}: expected a finite rate above 0")
    if not 0 <= value_bytes <= MAX_VALUE:
        raise UsageError(f"value_bytes = {value_bytes}: expected 0 to {MAX_VALUE}")
    if seed < 0:
        raise UsageError(f"seed = {seed}: expected a whole number from 0")


def _scrambled(rank: Ints, keys: int) -> Ints:
    """An FNV hash (1a) of the eight bytes of each rank, modulo `keys`."""
    hashed = np.full(len(rank), 0xCBF29CE484222325, np.uint64)
    left = rank.astype(np.uint64)
    for _ in range(8):
        hashed = (hashed ^ (left & np.uint64(255))) * np.uint64(0x100000001B3)
        left >>= np.uint64(8)
    return np.asarray(hashed % np.uint64(keys)).astype(np.int64)
