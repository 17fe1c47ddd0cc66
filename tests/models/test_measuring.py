"""What the measuring scripts share, on a PyTorch made up for it: a clock instead of a GPU."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from rackwright.models.measuring import (
    Script,
    measure_cases,
    replay_times,
    script,
    summary,
    write_table,
)

HEAD = "# device: made up\n# software: PyTorch 1.2, CUDA 3.4\nmodel,time_us\n"


class Event:
    """Notes the clock."""

    def __init__(self, clock: list[float]) -> None:
        self.clock, self.at = clock, 0.0

    def record(self) -> None:
        self.at = self.clock[0]

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, other: Event) -> float:
        return other.at - self.at


@pytest.fixture
def clock() -> list[float]:
    """Milliseconds."""
    return [0.0]


@pytest.fixture
def torch(clock: list[float]) -> Any:
    cuda = SimpleNamespace(
        Event=lambda enable_timing: Event(clock), synchronize=lambda: None,
        empty_cache=lambda: None, get_device_name=lambda number: "made up")
    return SimpleNamespace(cuda=cuda, __version__="1.2", version=SimpleNamespace(cuda="3.4"))


@pytest.mark.parametrize(("took_ms", "count"), [(1.0, 20), (70.0, 8), (200.0, 5)])
def test_short_work_is_repeated_more_often(torch: Any, clock: list[float], took_ms: float,
                                           count: int) -> None:
    def work() -> None:
        clock[0] += took_ms
    times = replay_times(torch, work, warm=3, seconds=0.5, most=20)
    assert times == pytest.approx([took_ms * 1e3] * count)
    assert clock[0] == pytest.approx((count + 3) * took_ms)


def test_the_spread_leaves_out_a_tenth_at_both_ends() -> None:
    times = [5.0] * 8 + [100.0, 0.1]
    assert summary(times) == {"time_us": 5.0, "spread": 0.0, "samples": 10}
    assert summary([1.0, 3.0]) == {"time_us": 2.0, "spread": 1.0, "samples": 2}


class Case(NamedTuple):
    model: str
    fails: bool = False


def measured(told: Script, cases: list[Case]) -> list[str]:
    """Measure `cases`, each as long as its model's name; the models that were built."""
    built: list[str] = []

    def build(model: str) -> str:
        built.append(model)
        return model

    def measure(model: str, case: Case) -> dict[str, Any]:
        if case.fails:
            raise RuntimeError("out of memory")
        return {"model": model, "time_us": len(model)}
    measure_cases(told, cases, build, measure, ("model", "time_us"), "made.csv.gz")
    return built


def test_a_model_is_built_once_and_what_fails_is_left_out(
        torch: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [Case("a"), Case("a", fails=True), Case("a"), Case("bb")]
    assert measured(Script(torch, tmp_path, 1e9), cases) == ["a", "bb"]
    assert gzip.decompress((tmp_path / "made.csv.gz").read_bytes()).decode() \
        == HEAD + "a,1\na,1\nbb,2\n"
    assert "fails=True): out of memory" in capsys.readouterr().out


def test_nothing_begins_behind_the_budget(torch: Any, tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(Script(torch, tmp_path, -1.0), [Case("a")]) == []
    assert not list(tmp_path.iterdir())
    assert "stopped before Case(model='a'" in capsys.readouterr().out


def test_equal_rows_give_equal_bytes(torch: Any, tmp_path: Path) -> None:
    rows = [{"model": "a", "time_us": 1.5}]
    for name in ("one", "two"):
        write_table(rows, ("model", "time_us"), tmp_path / name, torch)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert gzip.decompress((tmp_path / "one").read_bytes()).decode() == HEAD + "a,1.5\n"


def test_the_folder_is_there_before_anything_is_measured(
        torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(sys, "argv", ["measure.py", "--out", str(tmp_path / "new" / "folder")])
    assert script(budget=3.0) == Script(torch, tmp_path / "new" / "folder", 3.0)
    assert (tmp_path / "new" / "folder").is_dir()
