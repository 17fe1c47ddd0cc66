"""A session goes on where the last one stopped, and keeps what it has."""

from __future__ import annotations

import pytest

from rackwright.calibrate import left, plan, read_folder, run, session
from rackwright.errors import InputError, Interrupted, ReplayError

POINTS = plan(["expert", "launch"])


def test_everything_is_measured_once(tmp_path, bench):
    done = run(POINTS, tmp_path, bench)
    assert (done.measured, done.skipped, done.left) == (len(POINTS), 0, 0)
    there = [row.point for rows in read_folder(tmp_path).values() for row in rows]
    assert sorted(map(str, there)) == sorted(map(str, POINTS))
    assert run(POINTS, tmp_path, bench).measured == 0
    assert bench.asked == POINTS


def test_a_budget_stops_and_the_next_call_goes_on(tmp_path, bench):
    ticks = iter(range(1000))
    first = run(POINTS, tmp_path, bench, budget=10, clock=lambda: next(ticks))
    assert 0 < first.measured < len(POINTS) and first.left == len(POINTS) - first.measured
    second = run(POINTS, tmp_path, bench)
    assert second.measured == first.left and bench.asked == POINTS


def test_stopping_keeps_what_is_done(tmp_path, bench):
    bench.fails = lambda point: KeyboardInterrupt() if len(bench.asked) == 4 else None
    with pytest.raises(Interrupted, match="after 3 points, which are kept") as stop:
        run(POINTS, tmp_path, bench)
    assert stop.value.partial.measured == 3
    assert left(POINTS, tmp_path) == POINTS[3:]


def test_a_point_that_cannot_be_measured_is_skipped_with_the_reason(tmp_path, bench):
    bench.fails = lambda point: (RuntimeError("no kernel,\nlong story")
                                 if point == POINTS[2] else None)
    done = run(POINTS, tmp_path, bench)
    assert (done.measured, done.skipped) == (len(POINTS) - 1, 1)
    assert (tmp_path / "skipped.csv").read_text().splitlines() == [
        "table,point,reason",
        f'{POINTS[2].table},{" ".join(map(str, POINTS[2].values))},"RuntimeError: no kernel,"']
    assert left(POINTS, tmp_path) == []


def test_a_machine_that_fails_throughout(tmp_path, bench, monkeypatch):
    monkeypatch.setattr(session, "MOST_FAILURES", 5)
    bench.fails = lambda point: RuntimeError("device lost")
    with pytest.raises(ReplayError, match="5 points failed one after the other.*device lost"):
        run(POINTS, tmp_path, bench)


def test_a_damaged_table_is_an_error_before_measuring(tmp_path, bench):
    run(POINTS[:4], tmp_path, bench)
    name = POINTS[0].table
    with (tmp_path / f"{name}.csv").open("a") as file:
        file.write("fit,1")
    with pytest.raises(InputError, match=f"{name}.csv:"):
        run(POINTS, tmp_path, bench)
    assert len(bench.asked) == 4


def test_a_folder_of_another_plan(tmp_path, bench):
    run(POINTS, tmp_path, bench)
    path = tmp_path / "expert.csv"
    path.write_text(path.read_text().replace("held", "fit"))
    with pytest.raises(InputError, match="is in set 'fit' there and in 'held' in this plan"):
        left(POINTS, tmp_path)


def test_progress_counts_points(tmp_path, bench):
    seen = []
    run(POINTS[:3], tmp_path, bench, report=lambda *args: seen.append(args[:2]))
    assert seen == [(1, 3), (2, 3), (3, 3)]
