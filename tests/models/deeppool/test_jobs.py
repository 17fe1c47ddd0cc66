"""Many jobs on one cluster: closed forms of a few jobs, and what always holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.models.deeppool.jobs import Cluster, Ended, FastJob, SlowJob, run_jobs

SPEEDS = np.array([0.3, 0.3, 0.6, 0.9])


def fast(number: int, arrival: float, samples: float) -> FastJob:
    """3 samples/s on 4 GPUs, 2 beside background work, 1 on one GPU."""
    return FastJob(number, arrival, samples, 3.0, 2.0, 1.0, SPEEDS)


def slow(number: int, arrival: float, samples: float) -> SlowJob:
    return SlowJob(number, arrival, samples, 1.0)


def run(fasts: list[FastJob], slows: list[SlowJob], gpus: int = 4, beside: bool = True,
        shared: Any = None) -> Ended:
    count = len(fasts) + len(slows)
    cluster = Cluster(gpus, range(0, gpus - 3, 4), 4, beside,
                      np.ones(gpus, bool) if shared is None else shared)
    ended = Ended(np.full(count, -1.0), np.full(count, -1.0), np.full(count, -1, np.int64))
    return run_jobs(fasts, slows, cluster, ended)


def test_a_job_alone_takes_its_samples_over_its_rate() -> None:
    found = run([fast(0, 1.0, 30.0)], [])
    assert (found.start[0], found.end[0]) == (1.0, 11.0)
    assert found.fg_gpu_time == 40.0 and found.fg_work == pytest.approx(30.0)
    assert run([], [slow(0, 2.0, 5.0)]).end[0] == 7.0


def test_background_takes_the_fastest_place_and_slows_the_foreground() -> None:
    found = run([fast(0, 0.0, 20.0)], [slow(1, 0.0, 9.0)])
    assert found.end.tolist() == pytest.approx([10.0, 10.0])   # 20 / 2, and 9 / 0.9
    assert found.shared_gpu_time == pytest.approx(10.0)


def test_free_gpus_come_first() -> None:
    found = run([fast(0, 0.0, 30.0)], [slow(1, 0.0, 5.0)], gpus=8)
    assert found.end.tolist() == pytest.approx([10.0, 5.0])    # nobody is slowed


def test_a_background_job_moves_when_the_foreground_ends() -> None:
    found = run([fast(0, 0.0, 2.0)], [slow(1, 0.0, 1.0), slow(2, 0.0, 1.0)])
    assert found.end[0] == pytest.approx(1.0)
    assert found.end[1] == pytest.approx(1.0 + 0.1)            # 0.9 in the first second
    assert found.end[2] == pytest.approx(1.0 + 0.4)            # 0.6


def test_foreground_jobs_wait_in_line() -> None:
    found = run([fast(0, 0.0, 30.0), fast(1, 1.0, 3.0), fast(2, 2.0, 3.0)], [])
    assert found.start.tolist() == pytest.approx([0.0, 10.0, 11.0])
    assert found.block.tolist() == [0, 0, 0]


def test_without_sharing_background_waits_for_free_gpus() -> None:
    found = run([fast(0, 0.0, 30.0)], [slow(1, 1.0, 1.0)], beside=False)
    assert found.start[1] == pytest.approx(10.0) and found.end[0] == pytest.approx(10.0)


def test_a_partition_keeps_background_apart() -> None:
    shared = np.array([False] * 4 + [True] * 2)
    cluster = Cluster(6, [0], 4, False, shared)
    ended = Ended(np.full(3, -1.0), np.full(3, -1.0), np.full(3, -1, np.int64))
    found = run_jobs([], [slow(one, 0.0, 1.0) for one in range(3)], cluster, ended)
    assert found.end.tolist() == pytest.approx([1.0, 1.0, 2.0])


JOB = st.tuples(st.floats(0, 50), st.floats(0.1, 40))


@given(st.lists(JOB, max_size=6), st.lists(JOB, max_size=12), st.sampled_from([4, 7, 8]),
       st.booleans())
def test_all_work_is_done_once(fasts: list[tuple[float, float]], slows: list[tuple[float, float]],
                               gpus: int, beside: bool) -> None:
    made = [fast(at, *job) for at, job in enumerate(sorted(fasts))]
    rest = [slow(len(made) + at, *job) for at, job in enumerate(sorted(slows))]
    found = run(made, rest, gpus, beside)
    every: list[FastJob | SlowJob] = [*made, *rest]
    assert all(found.end[job.number] > found.start[job.number] >= job.arrival for job in every)
    assert found.fg_work == pytest.approx(sum(job.samples for job in made))
    assert found.bg_work == pytest.approx(sum(job.samples for job in rest))
    assert found.fg_gpu_time <= gpus * found.now + 1e-9
    assert (found.gpu_busy <= found.now + 1e-9).all()
    starts = [float(found.start[job.number]) for job in made]
    assert starts == sorted(starts)
    for job in made:      # between its two speeds
        took = found.end[job.number] - found.start[job.number]
        assert job.samples / 3 - 1e-6 <= took <= job.samples / (2 if beside else 3) + 1e-6
