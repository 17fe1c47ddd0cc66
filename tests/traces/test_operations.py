"""Operation traces: the class, our CSV, YCSB's logs, the generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright import traces
from rackwright.errors import TraceError, UnknownName, UsageError
from rackwright.traces import OperationTrace, generate_operations, read_operations, read_ycsb
from rackwright.traces.operations import OPERATIONS
from rackwright.traces.operations_generate import WORKLOADS, gray_zipf

YCSB = """READ usertable user42 [ <all fields>]
UPDATE usertable user7 [ field3=abcdef ]
SCAN usertable user42 17 [ <all fields>]
INSERT usertable user99 [ field0=a b, field1=c ]
"""


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


rows = st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 4), st.integers(0, 2**28 - 200),
                          st.integers(0, 2**24), st.integers(1, 100)), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory,
                    given_rows: list[tuple[float, int, int, int, int]]) -> None:
    times, kinds, keys, sizes, objects = (np.array(column) for column in
                                          zip(*sorted(given_rows), strict=True))
    trace = OperationTrace(times.astype(np.float64), kinds, keys, sizes,
                           np.where(kinds == 0, 1, objects), name="mine", source="made here")
    path = traces.write_operations(trace, tmp_path_factory.mktemp("t") / "x.csv.gz")
    back = read_operations(path)
    assert back.content_hash == trace.content_hash
    assert (back.name, back.source) == ("mine", "made here")
    assert traces.read_trace(path).content_hash == trace.content_hash


@pytest.mark.parametrize(("row", "message"), [
    ("0,fetch,1,10,1", "a.csv:2: column operation: 'fetch'.*one of read, update"),
    ("0,read,-1,10,1", "a.csv:2: column key: '-1'"),
    ("0,read,1,10,0", "a.csv:2: column objects: '0'"),
    ("0,read,1,10,2", "a.csv:2: objects 2; expected 1; a read of more is a scan"),
    ("0,read,1,10", "a.csv:2: 4 fields"),
    ("0,scan,268435455,0,2", "a.csv:2: objects 2; expected an operation that ends below"),
    ("0,update,268435455,0,2", "a.csv:2: objects 2; expected an operation that ends below"),
    ("x,read,1,10,1", "a.csv:2: column arrival_time_s: 'x'")])
def test_bad_rows(tmp_path: Path, row: str, message: str) -> None:
    header = "arrival_time_s,operation,key,value_bytes,objects\n"
    with pytest.raises(TraceError, match=message):
        read_operations(write(tmp_path, f"{header}{row}\n"))


def test_times_never_go_back(tmp_path: Path) -> None:
    text = "arrival_time_s,operation,key,value_bytes,objects\n2,read,1,0,1\n1,read,1,0,1\n"
    with pytest.raises(TraceError, match="a.csv:3: arrival_time 1.0; expected no earlier"):
        read_operations(write(tmp_path, text))


def test_ycsb(tmp_path: Path) -> None:
    path = write(tmp_path, YCSB, "run.log")
    trace = read_operations(path)
    assert [OPERATIONS[kind] for kind in trace.operation] == ["read", "update", "scan", "insert"]
    assert trace.key.tolist() == [0, 1, 0, 2]         # user42 < user7 < user99
    assert trace.objects.tolist() == [1, 1, 17, 1]
    assert trace.nbytes.tolist() == [0, len("field3=abcdef"), 0, len("field0=a b, field1=c")]
    assert trace.rate_per_s is None
    assert read_ycsb(path, 2).key.tolist() == [0, 1]
    assert traces.read_trace(path).content_hash == trace.content_hash


@pytest.mark.parametrize("line", ["DELETE usertable user1", "[OVERALL], RunTime(ms), 100",
                                  "SCAN usertable user1 [ <all fields>]",
                                  "READ usertable user1 5 [ <all fields>]", ""])
def test_bad_ycsb(tmp_path: Path, line: str) -> None:
    with pytest.raises(TraceError, match="run.log:2: .*no operation of YCSB"):
        read_ycsb(write(tmp_path, f"READ usertable user42 [ ]\n{line}\n", "run.log"))


@pytest.mark.parametrize("workload", WORKLOADS)
def test_workloads(workload: str) -> None:
    trace = generate_operations(workload, 20_000, keys=1000, seed=1)
    first, share, other, _ = WORKLOADS[workload]
    shares = np.bincount(trace.operation, minlength=5) / len(trace)
    assert shares[first] == pytest.approx(share, abs=0.015)
    assert sum(shares[kind] for kind in {first, other}) == pytest.approx(1)
    assert (trace.objects[trace.operation != 4] == 1).all()
    if workload == "e":
        assert trace.objects.max() == 100
        assert trace.objects[trace.operation == 4].mean() == pytest.approx(50.5, abs=1)
    if workload == "d":     # the latest ones are the hottest
        assert np.median(trace.key[trace.operation == 0]) > 1000


@pytest.mark.parametrize("theta", [0.0, 0.5, 0.8, 0.99])
def test_gray_against_zipf(theta: float) -> None:
    """Exact for the two hottest keys, near for the head, a distribution over all keys."""
    keys, draws = 1000, (np.arange(2_000_000) + 0.5) / 2_000_000
    counts = np.bincount(gray_zipf(draws, keys, theta), minlength=keys) / len(draws)
    exact = traces.zipf_shares(keys, theta)
    assert len(counts) == keys and counts.sum() == pytest.approx(1)
    assert counts[:2] == pytest.approx(exact[:2], rel=1e-3)
    assert np.cumsum(counts)[9::90] == pytest.approx(np.cumsum(exact)[9::90], abs=0.02)


def test_scrambling_spreads_the_hot_keys() -> None:
    plain, spread = (generate_operations("c", 20_000, keys=1000, scrambled=mixed, seed=2)
                     for mixed in (False, True))
    hottest = np.bincount(spread.key).argmax()
    assert np.bincount(plain.key).argmax() == 0 != hottest
    assert plain.summary()["hottest_share"] == pytest.approx(spread.summary()["hottest_share"],
                                                             abs=0.01)


def test_updates_of_several_keys() -> None:
    plain = generate_operations("f", 2000, keys=50, seed=3)
    several = generate_operations("f", 2000, keys=50, seed=3, update_objects=4)
    changed = several.operation == OPERATIONS.index("modify")
    assert (several.objects == np.where(changed, 4, 1)).all()
    assert (several.key[~changed] == plain.key[~changed]).all()
    assert (several.key[changed] == np.minimum(plain.key[changed], 46)).all()
    assert several.source.endswith("values 100 B, updates of 4 keys; seed 3")
    with pytest.raises(UsageError, match="update_objects = 51: expected 1 to"):
        generate_operations("a", 10, keys=50, update_objects=51)


def test_streams_are_apart() -> None:
    closed = generate_operations("a", 500, keys=100, seed=3)
    timed = generate_operations("a", 500, keys=100, rate_per_s=1000.0, seed=3)
    assert closed.key.tolist() == timed.key.tolist()
    assert closed.operation.tolist() == timed.operation.tolist()
    assert timed.rate_per_s == pytest.approx(1000, rel=0.15)
    assert closed.first(3).key.tolist() == closed.key[:3].tolist()


def test_arguments() -> None:
    with pytest.raises(UnknownName, match="workload 'g'"):
        generate_operations("g", 10)
    for bad in ({"operations": 0}, {"theta": 1.0}, {"keys": 0}, {"seed": -1},
                {"rate_per_s": 0.0}, {"value_bytes": -1}):
        with pytest.raises(UsageError):
            generate_operations(**{"workload": "a", "operations": 10, **bad})  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="without operations"):
        OperationTrace(*(np.zeros(0) if at == 0 else np.zeros(0, np.int64) for at in range(5)))  # type: ignore[arg-type]


def test_packaged() -> None:
    sample = traces.sample("operations_ycsb_a")
    assert isinstance(sample, OperationTrace)
    assert len(sample) == 10_000
    assert sample.rate_per_s == pytest.approx(250_000, rel=0.05)
