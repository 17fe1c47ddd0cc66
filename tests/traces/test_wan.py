"""Bandwidth traces: round trips, strict reading, the generator's law, recorded files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import topologies, traces
from rackwright.errors import TraceError, UsageError
from rackwright.traces import BandwidthTrace, generate_bandwidth

HEADER = "time_s,site,up_bytes_per_s,down_bytes_per_s"


def _made(steps: int = 4, seed: int = 0) -> BandwidthTrace:
    return generate_bandwidth({"a": 1e6, "b-1": 2e6, "c": 3e6}, steps, 0.5, seed=seed)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 20), st.integers(0, 99))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, steps: int, seed: int) -> None:
    trace = _made(steps, seed)
    path = tmp_path_factory.mktemp("wan") / "t.csv.gz"
    traces.write_bandwidth_trace(trace, path)
    back = traces.read_trace(path)
    assert isinstance(back, BandwidthTrace)
    assert back.up.tobytes() == trace.up.tobytes()
    assert back.down.tobytes() == trace.down.tobytes()
    assert (back.sites, back.name, back.source) == (trace.sites, trace.name, trace.source)
    if steps > 1:
        assert back.content_hash == trace.content_hash


@pytest.mark.parametrize(("rows", "words"), [
    ("0,a,1,1\n0,b,1,1\n1,a,1,1\n", "the last step has 1 of 2 sites"),
    ("0,a,1,1\n0,b,1,1\n1,a,1,1\n1,c,1,1\n", "every step has the same sites in order"),
    ("0,a,1,1\n1,a,1,1\n3,a,1,1\n", "steps of 1 s"),
    ("0,a,1,1\n0,a,1,1\n", "expected later than"),
    ("0,a,-1,1\n", "0 to 1e\\+12"),
    ("0,a b,1,1\n", "a name without blanks"),
    ("", "followed by no row"),
])
def test_bad_rows(tmp_path: Path, rows: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n{rows}")
    with pytest.raises(TraceError, match=words):
        traces.read_bandwidth_trace(path)


def test_the_generator_keeps_mean_and_spread() -> None:
    trace = generate_bandwidth({str(n): 1e7 for n in range(60)}, 800, spread=0.2, memory=0.9)
    assert trace.down.mean() == pytest.approx(1e7, rel=0.01)
    assert trace.down.std() == pytest.approx(2e6, rel=0.03)
    steps = np.corrcoef(trace.down[:-1].ravel(), trace.down[1:].ravel())[0, 1]
    assert steps == pytest.approx(0.9, abs=0.01)
    assert abs(np.corrcoef(trace.up.ravel(), trace.down.ravel())[0, 1]) < 0.05


def test_one_series_both_ways() -> None:
    trace = generate_bandwidth({"a": 1e7}, 50, independent=False)
    assert trace.up.tobytes() == trace.down.tobytes()


def test_a_site_keeps_its_series_when_others_join() -> None:
    alone = generate_bandwidth({"a": 1e7}, 20, seed=3)
    both = generate_bandwidth({"b": 1e6, "a": 1e7}, 20, seed=3)
    assert alone.up[:, 0].tobytes() == both.up[:, 1].tobytes()


def test_refusals() -> None:
    with pytest.raises(UsageError, match="memory"):
        generate_bandwidth({"a": 1e7}, 5, memory=1.0)
    with pytest.raises(UsageError, match="steps"):
        generate_bandwidth({}, 5)
    with pytest.raises(TraceError, match="different names"):
        BandwidthTrace(("a", "a"), 1.0, np.ones((1, 2)), np.ones((1, 2)))
    with pytest.raises(UsageError, match="at least 1"):
        _made().first(0)


def test_steady_keeps_the_means() -> None:
    trace = _made(30)
    assert len(trace.steady()) == 1
    assert trace.steady().down[0] == pytest.approx(trace.down.mean(axis=0))


def test_recorded_series_become_a_trace(real_traces: Path) -> None:
    """iperf's rates of one path a file, by the reader of `topologies`."""
    folder = real_traces / "wan_iperf"
    if not folder.is_dir():
        pytest.skip(f"no recorded bandwidths in {folder}")
    names = ("uk", "dutch", "brazil", "indonesia", "singapore")
    series = [topologies.read_bandwidth(folder / f"{name}.trace") for name in names]
    steps = min(map(len, series))
    table = np.array([each[:steps] for each in series]).T
    trace = BandwidthTrace(names, 1.0, table, table, "recorded")
    means = trace.down.mean(axis=0) * 8 / 1e6
    assert means == pytest.approx([8.0, 8.1, 7.2, 6.8, 7.0], abs=0.6)
