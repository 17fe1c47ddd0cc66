"""Streams of thread blocks on SMs: small cases whose times are known by hand. Times in us."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices.gpu.cycle import GpuKernel, run_streams
from rackwright.errors import UsageError

US = 1e-6


def kernel(blocks, time, memory=0.0, **options):
    options = {"gap_time": 0.0} | options
    return GpuKernel(blocks=blocks, tile_time=time * US, memory_time=memory * US, **options)


def laps(sms, *streams, **options):
    run = run_streams(sms, streams, **options)
    return [[round(end / US, 5) for end in ends] for ends in run.lap_times]


@pytest.mark.parametrize(("blocks", "waves"), [(1, 1), (4, 1), (5, 2), (8, 2), (41, 11)])
def test_a_kernel_alone_takes_its_waves(blocks, waves):
    assert laps(4, [kernel(blocks, 3)]) == [[3 * waves]]


def test_kernels_of_a_stream_follow_each_other_with_their_gaps():
    run = run_streams(4, [[kernel(4, 3, gap_time=1 * US), kernel(2, 5, gap_time=2 * US)]], laps=2)
    assert run.lap_times[0] / US == pytest.approx([11, 22])
    assert run.finish_times[0] / US == pytest.approx([15, 22])


def test_persistent_blocks_take_tile_after_tile():
    """10 tiles on 4 blocks: two walk three of them, two walk two."""
    one = kernel(4, 3, tiles=10)
    run = run_streams(4, [[one]])
    assert run.end_time / US == pytest.approx(9)
    assert run.sm_share[0] == pytest.approx(10 * 3 / (4 * 9))


def test_blocks_that_need_part_of_an_sm_share_it():
    assert laps(2, [kernel(8, 3, room=0.25, issue=0.25)]) == [[3]]
    assert laps(2, [kernel(8, 3, room=0.5, issue=0.5)]) == [[6]]


def test_blocks_that_ask_for_more_than_an_sm_issues_slow_each_other():
    assert laps(1, [kernel(4, 3, room=0.25, issue=0.5)]) == [[6]]


def test_small_kernels_of_two_streams_do_not_meet():
    assert laps(4, [kernel(2, 3)], [kernel(2, 5)]) == [[3], [5]]


def test_the_first_kernel_in_the_queue_goes_first():
    """The second waits for two SMs; it gets them when the first's blocks end."""
    assert laps(4, [kernel(3, 3)], [kernel(4, 5)]) == [[3], [8]]


def test_a_kernel_whose_blocks_do_not_fit_keeps_smaller_ones_behind_it_waiting():
    """Half of the SM is free until 9 us; the third, which needs a quarter, is behind the second."""
    first, third = ([kernel(1, time, room=room, issue=room)] for time, room in ((9, .5), (1, .25)))
    assert laps(1, first, [kernel(1, 4)], third, start_times=[0, 1 * US, 2 * US]) \
        == [[9], [13], [14]]


def test_higher_priority_gets_room_as_blocks_end_and_stops_none_that_runs():
    """The first, of 16 blocks, is in its second wave of 3 us when the second comes, of 4 blocks."""
    both = ([kernel(16, 3)], [kernel(4, 2)])
    assert laps(4, *both, start_times=[0, 4 * US], priorities=[1, 0]) == [[14], [8]]
    assert laps(4, *both, start_times=[0, 4 * US], priorities=[0, 1]) == [[12], [14]]
    assert laps(4, *both, start_times=[0, 4 * US]) == [[12], [14]]


def test_one_wave_kernels_alternate_whatever_their_priority():
    """The other stream's kernel waits already when one ends, and the next comes after its gap."""
    full = [kernel(4, 10, gap_time=1 * US)]
    equal = run_streams(4, [full, full], laps=10, loop=True)
    ranked = run_streams(4, [full, full], laps=10, loop=True, priorities=[0, 1])
    for run in (equal, ranked):
        assert run.lap_time(0) / US == pytest.approx(20) == run.lap_time(1) / US


def test_what_has_no_rank_waits_with_the_lowest():
    busy = [kernel(400, 1)]
    copy, plain = ([kernel(4, 1, ranked=ranked)] for ranked in (False, True))
    start = [0, 0.5 * US]
    assert laps(4, busy, plain, start_times=start, priorities=[1, 0])[1] == [2]
    assert laps(4, busy, copy, start_times=start, priorities=[1, 0])[1] == [101]


def test_memory_is_shared_when_it_is_short():
    """Each asks for all of it on half of the SMs: both take twice as long."""
    assert laps(4, [kernel(2, 4, memory=2)]) == [[4]]
    assert laps(4, [kernel(2, 4, memory=2)], [kernel(2, 4, memory=2)]) == [[8], [8]]


def test_a_kernel_that_asks_for_less_than_its_share_gets_it():
    """One asks for a quarter, the other for all: the second gets three quarters."""
    modest, greedy = [kernel(2, 4, memory=0.5)], [kernel(2, 3, memory=1.5)]
    assert laps(4, modest, greedy) == [[4], [4]]


def test_shares_go_by_room():
    """Both ask for all: three SMs get three quarters, one a quarter; then it has all to itself."""
    wide, narrow = [kernel(3, 3, memory=1)], [kernel(1, 3, memory=3)]
    assert laps(4, wide, narrow) == [[4], [6]]


def test_conservation():
    """What streams hold is their work, and never more than there is."""
    rng = np.random.default_rng(5)
    streams = [[kernel(int(rng.integers(1, 60)), rng.uniform(1, 9), rng.uniform(0, 0.3),
                       room=float(rng.choice([0.25, 0.5, 1.0])), issue=0.01) for _ in range(12)]
               for _ in range(3)]
    run = run_streams(8, streams, priorities=[0, 0, 1])
    for stream, share in zip(streams, run.memory_share, strict=True):
        asked = sum(one.memory_time * one.tiles for one in stream)
        assert share * run.end_time == pytest.approx(asked, rel=1e-6)
    assert run.sm_share.sum() <= 1 and run.memory_share.sum() <= 1 + 1e-9
    for stream, ends in zip(streams, run.finish_times, strict=True):
        assert (np.diff(ends) > 0).all() and len(ends) == len(stream)


def test_company_never_makes_a_stream_faster():
    rng = np.random.default_rng(8)
    for _ in range(20):
        streams = [[kernel(int(rng.integers(1, 20)), rng.uniform(1, 9), rng.uniform(0, 0.5),
                           gap_time=0.3 * US) for _ in range(5)] for _ in range(2)]
        alone = [run_streams(4, [stream]).end_time for stream in streams]
        together = [ends[-1] for ends in run_streams(4, streams).lap_times]
        assert (np.array(together) >= np.array(alone) * (1 - 1e-9)).all()


def test_a_run_may_be_cut_short():
    run = run_streams(4, [[kernel(4, 3)]], laps=100, until=7 * US)
    assert len(run.lap_times[0]) == 2 and run.end_time == pytest.approx(7 * US)
    assert run.lap_time(0, skip=5) == np.inf


@pytest.mark.parametrize(("options", "message"), [
    ({"blocks": 0}, "blocks must be 1 or more, not 0"),
    ({"tiles": 2}, "at least as many as the 3 blocks, not 2"),
    ({"room": 0}, "room must be a part of an SM, not 0"), ({"issue": 2}, "issue must be a part"),
    ({"tile_time": 0}, "tile_time must be a picosecond or more"),
    ({"memory_time": -1}, "memory_time must be 0 or more"),
    ({"gap_time": float("nan")}, "gap_time must be 0 or more"),
    ({"tiles": 4, "room": 0.5}, "uneven blocks must have an SM of their own")])
def test_kernels_that_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        GpuKernel(**({"blocks": 3, "tile_time": 1e-6} | options))


@pytest.mark.parametrize(("streams", "options", "message"), [
    ([], {}, "give at least one"), ([[]], {}, "each with at least one kernel"),
    ([[kernel(1, 1)]], {"priorities": [0, 1]}, "priorities: one for each of the 1 streams, not 2"),
    ([[kernel(1, 1)]], {"laps": 0}, "sms and laps must be 1 or more, not 4 and 0"),
    ([[kernel(1, 1)]], {"start_times": [float("nan")]}, "start_times: nan is not from 0"),
    ([[kernel(1, 1)]], {"until": -1.0}, "until: -1.0 is not from 0")])
def test_runs_that_are_refused(streams, options, message):
    with pytest.raises(UsageError, match=message):
        run_streams(4, streams, **options)
