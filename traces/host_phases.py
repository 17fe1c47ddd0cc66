"""Seeded traces of what hosts do beside accelerators and drives, as jobs of operators.

`generate_training`: one job whose stages are steps of a training run: samples read from storage
(``io``), prepared on cores (``filter``), computed (``accel``), gradients reduced in a ring over
the accelerators' hosts (``net``), and from time to time a checkpoint written (``io``).
`generate_transfers`: disaggregated storage alone, reads and writes of Poisson arrivals.

**Every size is a stand-in of ours** unless the caller has measured it; the schema is that of
query traces (`queries`). Leaves out: steps that differ, stragglers, prefetching across steps (the
replay's option `overlap` lets the operators of one stage run together). Units: seconds, bytes.
"""

from __future__ import annotations

import math

import numpy as np

from rackwright.errors import UsageError
from rackwright.traces.queries import MAX_STAGE, Operator, QueryTrace

__all__ = ["generate_training", "generate_transfers"]


def generate_training(steps: int = 50, sample_bytes: int = 256_000_000,
                      prepare_core_seconds: float = 8.0, step_accelerator_seconds: float = 4.0,
                      gradient_bytes: int = 2_800_000_000, checkpoint_every: int = 25,
                      checkpoint_bytes: int = 16_800_000_000, name: str = "training"
                      ) -> QueryTrace:
    """One run of `steps` steps; all amounts are of one step and the whole cluster.

    `gradient_bytes`: what every accelerator's host holds and the ring reduces (1.4e9 parameters
    in 16 bits; checkpoints: 12 bytes each). `checkpoint_every` 0: none. Raises UsageError.
    """
    if not 1 <= steps <= MAX_STAGE + 1:
        raise UsageError(f"steps = {steps}: expected 1 to {MAX_STAGE + 1}")
    for what, value in (("sample_bytes", sample_bytes), ("gradient_bytes", gradient_bytes),
                        ("checkpoint_bytes", checkpoint_bytes),
                        ("checkpoint_every", checkpoint_every),
                        ("prepare_core_seconds", prepare_core_seconds),
                        ("step_accelerator_seconds", step_accelerator_seconds)):
        if not 0 <= value < math.inf:
            raise UsageError(f"{what} = {value}: expected a finite number from 0")
    rows = []
    for step in range(steps):
        rows += [Operator(step, "read_samples", "io", 0, 0, sample_bytes, 0, 0.0),
                 Operator(step, "prepare", "filter", 0, 0, sample_bytes, sample_bytes,
                          prepare_core_seconds),
                 Operator(step, "step", "accel", 0, 0, sample_bytes, 0,
                          step_accelerator_seconds),
                 Operator(step, "all_reduce", "net", 0, 0, 0, gradient_bytes, 0.0)]
        if checkpoint_every and (step + 1) % checkpoint_every == 0:
            rows.append(Operator(step, "checkpoint", "io", 0, 0, 0, checkpoint_bytes, 0.0))
    return QueryTrace.of([("training", 0.0, rows)], name,
                         f"generate_training: {steps} steps; {sample_bytes} B of samples, "
                         f"{float(prepare_core_seconds)!r} core-s, "
                         f"{float(step_accelerator_seconds)!r} accelerator-s, {gradient_bytes} B "
                         f"of gradients a step; {checkpoint_bytes} B every {checkpoint_every} "
                         "steps (stand-ins)")


def generate_transfers(rate_per_s: float, transfers: int, nbytes: int = 64_000_000,
                       read_share: float = 0.7, seed: int = 0, name: str = "storage"
                       ) -> QueryTrace:
    """`transfers` reads and writes of `nbytes` each, Poisson at `rate_per_s`. Raises UsageError."""
    if not 0 < rate_per_s < math.inf:
        raise UsageError(f"rate_per_s = {rate_per_s}: expected a finite rate above 0")
    if transfers < 1 or nbytes < 1:
        raise UsageError(f"{transfers} transfers of {nbytes} bytes: expected 1 or more of both")
    if not 0 <= read_share <= 1:
        raise UsageError(f"read_share = {read_share}: expected 0 to 1")
    if seed < 0:
        raise UsageError(f"seed = {seed}: expected a whole number from 0")
    arrivals, kinds = (np.random.default_rng(child)
                       for child in np.random.SeedSequence(seed).spawn(2))
    times = np.cumsum(arrivals.standard_exponential(transfers) / rate_per_s)
    reads = kinds.random(transfers) < read_share
    jobs = [("read" if read else "write", time,
             [Operator(0, "read" if read else "write", "io", 0, 0, nbytes if read else 0,
                       0 if read else nbytes, 0.0)])
            for time, read in zip(times.tolist(), reads.tolist(), strict=True)]
    return QueryTrace.of(jobs, name, f"generate_transfers: {transfers} transfers of {nbytes} B, "
                         f"Poisson {float(rate_per_s)!r}/s, {float(read_share)!r} of them reads "
                         f"(stand-ins); seed {seed}")
