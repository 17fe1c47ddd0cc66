"""Job traces: columns, files, the generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import TraceError, UsageError
from rackwright.traces import JobTrace, generate_jobs, read_jobs, read_trace, sample, write_jobs

HEADER = "arrival_time_s,model,kind,global_batch,samples"
RATES = {"vgg16": 1000.0, "inception_v3": 1500.0}


def trace(**columns: object) -> JobTrace:
    found = {"arrival_time": np.array([0.5, 0.5, 2.0]), "model": ("a", "b-1", "a"),
             "foreground": np.array([1, 0, 0]), "global_batch": np.array([32, 8, 16]),
             "samples": np.array([640, 1, 99])} | columns
    return JobTrace(**found)  # type: ignore[arg-type]


NAMES = st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters=",#"), min_size=1,
                max_size=9)
ROWS = st.lists(st.tuples(st.floats(0, 1e6), NAMES, st.booleans(), st.integers(1, 1 << 20),
                          st.integers(1, 1 << 52)), min_size=1, max_size=9)


@given(ROWS)
def test_a_written_trace_is_read_back(tmp_path_factory: pytest.TempPathFactory,
                                      rows: list[tuple[float, str, bool, int, int]]) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    made = trace(arrival_time=np.array([row[0] for row in rows]),
                 model=tuple(row[1] for row in rows),
                 foreground=np.array([int(row[2]) for row in rows]),
                 global_batch=np.array([row[3] for row in rows]),
                 samples=np.array([row[4] for row in rows]))
    path = write_jobs(made, tmp_path_factory.mktemp("jobs") / "made.csv")
    found = read_jobs(path)
    assert found.content_hash == made.content_hash and found.model == made.model
    assert write_jobs(found, path.with_name("again.csv")).read_bytes() == path.read_bytes()
    assert isinstance(read_trace(path), JobTrace)


@pytest.mark.parametrize(("row", "words"), [
    ("1.0,a,fg,32", "4 fields"),
    ("-1,a,fg,32,1", "arrival_time_s: '-1'"),
    ("1.0,,fg,32,1", "model: '': no name; expected a name without blanks"),
    ("1.0,a b,fg,32,1", "model: 'a b'"),
    ("1.0,a,slow,32,1", "kind: 'slow': no kind of job; expected fg or bg"),
    ("1.0,a,fg,0,1", "global_batch: '0': out of range; expected samples, 1 to 1048576"),
    ("1.0,a,fg,1,0.5", "samples: '0.5': not a whole number")])
def test_a_bad_row_is_one_error_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(f"# name: bad\n{HEADER}\n0.0,a,bg,8,10\n{row}\n")
    with pytest.raises(TraceError) as problem:
        read_jobs(path)
    assert str(problem.value).startswith(f"{path}:4:") and words in str(problem.value)


def test_times_never_go_back(tmp_path: Path) -> None:
    path = tmp_path / "back.csv"
    path.write_text(f"{HEADER}\n1.0,a,bg,8,10\n0.5,a,bg,8,10\n")
    with pytest.raises(TraceError, match=r"back\.csv:3: arrival_time .*never go back"):
        read_jobs(path)


def test_another_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(TraceError, match="unknown header"):
        read_jobs(path)


@pytest.mark.parametrize(("columns", "words"), [
    ({"foreground": np.array([1, 0, 2])}, "row 2: foreground"),
    ({"samples": np.array([1, 0, 2])}, "row 1: samples"),
    ({"model": ("a", "b", "c d")}, "row 2: model 'c d'"),
    ({"model": ("a",)}, "1 values of model for 3 jobs"),
    ({"arrival_time": np.array([])}, "no jobs"),
    ({"name": ""}, "name of a trace is empty"),
    ({"source": "two\nlines"}, "not one line")])
def test_wrong_columns_are_named(columns: dict[str, object], words: str) -> None:
    with pytest.raises(TraceError, match=words):
        trace(**columns)


def test_the_first_jobs_and_the_summary() -> None:
    made = trace()
    assert len(made.first(2)) == 2 and len(made.first(9)) == 3
    assert made.first(2).content_hash != made.content_hash
    assert made.summary()["foreground"] == 1 and made.summary()["models"] == ["a", "b-1"]
    assert repr(made) == "<JobTrace 'jobs': 1 foreground and 2 background jobs, 1.5 s>"
    with pytest.raises(UsageError, match="the first 0 jobs"):
        made.first(0)


def test_generated_jobs_depend_on_the_seed_alone() -> None:
    one, same, other = (generate_jobs(2.0, 50, RATES, seed=seed) for seed in (1, 1, 2))
    assert one.content_hash == same.content_hash != other.content_hash
    assert set(one.model) == set(RATES)
    more = generate_jobs(2.0, 80, RATES, seed=1)
    assert np.array_equal(more.arrival_time[:50], one.arrival_time)


def test_generated_jobs_follow_what_was_asked_for() -> None:
    made = generate_jobs(4.0, 4000, RATES, foreground_share=0.3, mean_time=20.0, seed=3)
    assert made.foreground.mean() == pytest.approx(0.3, abs=0.03)
    assert made.span_time == pytest.approx(1000, rel=0.06)
    seconds = made.samples / np.array([RATES[model] for model in made.model])
    assert seconds.mean() == pytest.approx(20.0, rel=0.06)
    assert set(made.global_batch[made.foreground == 1].tolist()) == {16, 32}


@pytest.mark.parametrize(("settings", "words"), [
    ({"rate_per_s": 0.0}, "must be positive"), ({"count": 0}, "0 jobs"),
    ({"foreground_share": 1.5}, "foreground_share is 1.5"), ({"rates": {}}, "no model"),
    ({"rates": {"a": -1.0}}, "a trains -1.0 samples/s"), ({"mean_time": float("inf")}, "inf s")])
def test_what_cannot_be_generated(settings: dict[str, object], words: str) -> None:
    wanted = {"rate_per_s": 1.0, "count": 5, "rates": RATES} | settings
    with pytest.raises(UsageError, match=words):
        generate_jobs(**wanted)  # type: ignore[arg-type]


def test_the_packaged_jobs_name_packaged_profiles() -> None:
    made = sample("jobs_mixed")
    assert isinstance(made, JobTrace)
    assert all(len(sample(f"profile_{model}")) > 5 for model in set(made.model))
