"""Running studies: what a table holds, what is shared, what fails, and where it runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rackwright import study
from rackwright.errors import InputError, MissingTool, ReplayError, UsageError
from rackwright.study.running import Shard

Write = Callable[..., Path]
SMALL = """
name = "small"
baselines = ["slow"]
reference = { workers = 1 }
[base]
system = "toy"
[[axis]]
path = "options.workers"
values = [1, 2, 4]
[derived]
gain = "throughput.ratio"
over_one = "throughput.change"
both = "gain * over_one + links"
"""


def test_a_row_has_metrics_of_all_and_what_is_derived(toy: object, write: Write) -> None:
    rows = study.run(write(SMALL)).rows
    assert [row.axes for row in rows] == [{"workers": 1}, {"workers": 2}, {"workers": 4}]
    row = rows[1]
    assert row.metrics["throughput_requests_per_s"] == pytest.approx(200 / 1.5)
    assert row.metrics["slow.throughput_requests_per_s"] == pytest.approx(100 / 1.5)
    assert row.derived == {"gain": pytest.approx(2), "over_one": pytest.approx(2),
                           "both": pytest.approx(8)}
    assert row.bottleneck["resource"] == "box/cpu" and len(row.hash) == 64 and not row.error


def test_no_value_has_its_reason(toy: object, write: Write) -> None:
    row = study.run(write(SMALL.replace("throughput.ratio", "latency_mean.ratio")
                          + "[base.options]\nload = 0.0\n")).rows[0]
    assert "gain" not in row.derived and "nothing waited" in row.undefined["gain"]


def test_a_failing_point_does_not_stop_the_rest(toy: object, write: Write, tmp_path: Path
                                                ) -> None:
    path = write('name = "f"\n[base]\nsystem = "toy"\n[[axis]]\npath = "options.fault"\n'
                 'values = ["none", "stall", "bug"]\n')
    out = tmp_path / "out"
    found = study.run(path, out)
    assert [row.error for row in found.rows] == [
        "", "nothing can progress: request 3 waits for box",
        "ZeroDivisionError: division by zero"]
    assert found.exit_code == 0 and len(found.failed) == 2
    assert len(list((out / "store").glob("??/*.json"))) == 2  # a fault of code is tried again
    assert study.run(path, out, resume=True).to_json() == found.to_json()


def test_a_point_that_cannot_be_prepared_is_a_row(toy: object, write: Write) -> None:
    found = study.run(write('name = "p"\nbaselines = ["slow"]\n[base]\nsystem = "toy"\n[[axis]]\n'
                            'path = "fail"\nvalues = ["none", "h99"]\n'))
    assert not found.rows[0].error and "h99" in found.rows[1].error
    assert found.rows[1].hash == "" and ",h99," in found.to_csv()


def test_all_points_failing_is_a_failure(toy: object, write: Write) -> None:
    found = study.run(write('name = "p"\n[base]\nsystem = "toy"\noptions = { fault = "stall" }\n'))
    assert found.exit_code == 1


@pytest.mark.parametrize(("expect", "code"), [
    ('that = "workers >= 1"', 0), ('that = "workers > 1"', 1),
    ('that = "workers > 1"\nat = "any"', 0), ('that = "workers > 2"\nat = "one"', 0),
    ('that = "workers > 1"\nat = "one"', 1), ('that = "gain == 2"\nwhere = "workers > 1"', 0),
    ('that = "gain == 2"\nwhere = "workers > 9"', 1), ('that = "latency_mean < \\"1s\\""', 0)])
def test_expectations_set_the_exit_code(toy: object, write: Write, expect: str, code: int) -> None:
    assert study.run(write(f"{SMALL}[[expect]]\n{expect}\n")).exit_code == code


def test_an_unknown_metric_is_told_after_the_first_point(toy: object, write: Write, tmp_path: Path
                                                         ) -> None:
    path = write(SMALL + '[[expect]]\nthat = "thruput > 1"\n')
    with pytest.raises(InputError, match="'thruput'; did you mean 'throughput'.*--resume"):
        study.run(path, tmp_path)
    assert len(list((tmp_path / "store").glob("??/*.json"))) == 2  # not six


def test_equal_inputs_are_replayed_once(toy: object, write: Write, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    path = write('name = "t"\nbaselines = ["single"]\n[base]\nsystem = "toy"\n[[axis]]\n'
                 'path = "options.line"\nvalues = ["100Gbps", "1e11bps", "200Gbps"]\n')
    found = study.run(path, tmp_path / "out")
    assert len((tmp_path / "log").read_text().splitlines()) == 4
    assert found.rows[0].hash == found.rows[1].hash != found.rows[2].hash
    study.run(path, tmp_path / "out", resume=True)
    assert len((tmp_path / "log").read_text().splitlines()) == 4


def test_what_is_kept_is_not_used_unasked(toy: object, write: Write, tmp_path: Path) -> None:
    study.run(write(SMALL), tmp_path)
    with pytest.raises(UsageError, match="holds 6 of the 6 replays.*--resume"):
        study.run(write(SMALL), tmp_path)
    other = write(SMALL.replace("1, 2, 4", "1, 2, 8").replace('"toy"\n', '"toy"\nseed = 7\n'))
    assert len(study.run(other, tmp_path).rows) == 3  # nothing of it was there


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"\xff", None])
def test_a_damaged_entry_is_replayed_again(toy: object, write: Write, tmp_path: Path,
                                           damage: bytes | None) -> None:
    found = study.run(write(SMALL), tmp_path)
    entry = sorted((tmp_path / "store").glob("??/*.json"))[0]
    whole = entry.read_bytes()
    entry.write_bytes(whole.replace(b"0", b"1", 5) if damage is None else damage)
    assert study.run(write(SMALL), tmp_path, resume=True).to_json() == found.to_json()
    assert entry.read_bytes() == whole


class Backwards(ThreadPoolExecutor):
    """Holds everything back until all is there, then works from the last one on."""

    def __init__(self, count: int) -> None:
        super().__init__(1)
        self._held: list[Any] = []
        self._count, self._go = count, threading.Event()

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        from concurrent.futures import Future

        future: Future[Any] = Future()
        self._held.append((future, function, args))
        if len(self._held) == self._count:
            for future_, held, arguments in reversed(self._held):
                super().submit(lambda f, h, a: f.set_result(h(*a)), future_, held, arguments)
        return future


def test_neither_executor_nor_order_change_a_byte(toy: object, write: Write, tmp_path: Path
                                                  ) -> None:
    path = write(SMALL)
    plain = study.run(path)
    with ThreadPoolExecutor(3) as threads, Backwards(6) as backwards:
        others = [study.run(path, executor=threads), study.run(path, executor=backwards)]
    for other in others:
        assert (other.to_json(), other.to_csv()) == (plain.to_json(), plain.to_csv())


class Lost(ThreadPoolExecutor):
    """Does one replay; what comes later is cancelled, as by a cluster that went away."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        future = super().submit(function, *args, **kwargs)
        future.result()
        if hasattr(self, "used"):
            from concurrent.futures import Future

            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
        self.used = True
        return future


def test_a_cluster_that_goes_away_is_one_error(toy: object, write: Write, tmp_path: Path) -> None:
    with Lost(1) as executor, pytest.raises(ReplayError, match="executor is gone.*--resume"):
        study.run(write(SMALL), tmp_path, executor=executor)
    assert len(study.run(write(SMALL), tmp_path, resume=True).rows) == 3


def test_the_key_follows_what_decides_the_result(toy: Any, write: Write,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    def key(text: str = SMALL) -> str:
        return study.run(write(text)).rows[0].hash

    base = key()
    for text in (SMALL.replace('"toy"\n', '"toy"\nseed = 1\n'),
                 SMALL.replace('"toy"\n', '"toy"\ntopology = "star:hosts=3"\n'),
                 SMALL + "[base.options]\nload = 0.25\n"):
        assert key(text) != base
    assert key(SMALL.replace("small", "renamed")) == base
    monkeypatch.setattr(toy.TRACE, "content_hash", "8" * 64)
    assert key() != base
    monkeypatch.undo()


def test_progress_counts_and_estimates(toy: object, write: Write) -> None:
    told: list[tuple[float, float, str]] = []
    study.run(write(SMALL), progress=lambda *said: told.append(said))
    assert [done for done, _, _ in told] == [0, 1, 2, 3, 4, 5, 6]
    assert told[1][2].startswith("1 of 6 replays, ") and told[1][2].endswith(" left")
    assert told[6][2] == "6 of 6 replays"


def test_csv_and_json_say_the_same(toy: object, write: Write) -> None:
    found = study.run(write(SMALL))
    head, *lines = found.to_csv().splitlines()
    record = json.loads(found.to_json())
    for line, point in zip(lines, record["points"], strict=True):
        cells = dict(zip(head.split(","), line.split(","), strict=True))
        assert cells["hash"] == point["hash"]
        for name, value in (point["metrics"] | point["derived"]).items():
            assert float(cells[name]) == value
    assert record["inputs"][0]["topology"] == "star:hosts=2"


def test_without_pyarrow_parquet_is_refused(toy: object, write: Write, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = study.run(write(SMALL))
    with pytest.raises(MissingTool, match="pip install pyarrow"):
        found.to_parquet(tmp_path / "x.parquet")
    assert not any(path.suffix == ".parquet" for path in study.save(found, tmp_path))


def test_with_pyarrow_the_table_is_typed(toy: object, write: Write, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    found = study.run(write(SMALL))
    found.to_parquet(tmp_path / "x.parquet")
    table = parquet.read_table(tmp_path / "x.parquet")
    assert table["workers"].to_pylist() == [1, 2, 4]
    assert arrow.table(found)["gain"].to_pylist() == [row.derived["gain"] for row in found.rows]


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1", "a/b", "1/0", "-1/3"])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="1/4"):
        Shard.read(text)


@pytest.mark.slow
def test_a_process_that_dies_fails_its_point_only(started: Any, write: Write, tmp_path: Path
                                                  ) -> None:
    path = write('name = "k"\n[base]\nsystem = "toy"\n[[axis]]\npath = "options.fault"\n'
                 'values = ["none", "kill"]\n[[axis]]\npath = "options.workers"\n'
                 'values = [1, 2, 3]\n')
    # the parent warms up with the first point, which is harmless
    process = started("study", "run", path, "--jobs", 2, "--json", "--quiet")
    output, errors = process.communicate(timeout=120)
    points = json.loads(output)["points"]
    assert [bool(point["error"]) for point in points] == [False] * 3 + [True] * 3
    assert "ended from outside" in points[4]["error"] and process.returncode == 0, errors
