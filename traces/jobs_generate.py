"""Seeded generator of job traces: Poisson arrivals of trainings, a mix of models.

Every job is foreground with `foreground_share`, of a model drawn evenly, and lasts a time drawn
from an exponential distribution. **All of it is a stand-in of ours**: no public trace of such
clusters was found. Arrivals, kinds, models and durations draw from streams of their own.
What it leaves out: daily cycles, retries, users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rackwright.errors import UsageError
from rackwright.traces.jobs import JobTrace

__all__ = ["generate_jobs"]


def generate_jobs(rate_per_s: float, count: int, rates: Mapping[str, float],
                  foreground_share: float = 0.25, mean_time: float = 60.0,
                  foreground_batches: Sequence[int] = (16, 32),
                  background_batches: Sequence[int] = (8, 16, 32), seed: int = 0,
                  name: str = "poisson_jobs") -> JobTrace:
    """`count` jobs at `rate_per_s`.

    `rates`: model -> samples/s on one GPU, so that a job of `mean_time` seconds has as many samples
    as one GPU trains in it. Batches are drawn evenly. Raises UsageError.
    """
    _check(rate_per_s, count, rates, foreground_share, mean_time)
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]
    arrivals, kinds, models, lengths, batches = streams
    names = sorted(rates)
    model = [names[at] for at in models.integers(0, len(names), count)]
    fast = (kinds.random(count) < foreground_share).astype(np.int64)
    time = lengths.exponential(mean_time, count)
    drawn = batches.random(count)
    batch = [_pick(foreground_batches if one else background_batches, at)
             for one, at in zip(fast.tolist(), drawn.tolist(), strict=True)]
    samples = [max(round(float(each) * rates[one]), 1)
               for each, one in zip(time, model, strict=True)]
    source = (f"generate_jobs: Poisson {float(rate_per_s)!r} jobs/s, {count} jobs of "
              f"{', '.join(names)}; foreground {foreground_share!r}; mean {mean_time!r} s of one "
              f"GPU; seed {seed}; all stand-ins")
    return JobTrace(np.cumsum(arrivals.exponential(1 / rate_per_s, count)), tuple(model), fast,
                    np.array(batch, np.int64), np.array(samples, np.int64), name, source)


def _pick(choices: Sequence[int], drawn: float) -> int:
    return choices[min(int(drawn * len(choices)), len(choices) - 1)]


def _check(rate: float, count: int, rates: Mapping[str, float], share: float, mean: float) -> None:
    if not 0 < rate < float("inf") or not 0 < mean < float("inf"):
        raise UsageError(f"jobs at {rate!r}/s of {mean!r} s: both must be positive numbers")
    if count < 1:
        raise UsageError(f"{count} jobs; at least 1 is needed")
    if not 0 <= share <= 1:
        raise UsageError(f"foreground_share is {share!r}; it must be 0 to 1")
    if not rates:
        raise UsageError("no model; give samples/s on one GPU for at least one")
    for model, samples in rates.items():
        if not 0 < samples < float("inf"):
            raise UsageError(f"{model} trains {samples!r} samples/s; it must be a positive number")
