"""Results as CSV, Arrow and Parquet: every metric, all digits, types whatever the values."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import io
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rackwright import run
from rackwright.errors import InputError, MissingTool
from rackwright.replays import Replays
from rackwright.result import Result


@pytest.fixture
def replays(fake: ModuleType) -> Replays:
    found = run.replay_baselines("fake", fake.FABRIC, fake.TRACE)
    odd = dataclasses.replace(found.baselines["slow"], metrics={"own_s": 1 / 3})
    return Replays(found.result, {**found.baselines, "slow": odd})


def test_a_csv_has_a_row_a_replay(replays: Replays) -> None:
    rows = list(csv.DictReader(io.StringIO(replays.to_csv())))
    assert [row["baseline"] for row in rows] == ["", "slow", "pair"]
    for row, found in zip(rows, replays, strict=True):
        assert {name: float(row[name]) for name in found.metrics} == dict(found.metrics)
        assert row["hash"] == found.content_hash and row["complete"] == "true"
    assert rows[0]["own_s"] == "" and rows[1]["own_s"] == repr(1 / 3)


def test_one_result_is_one_row(replays: Replays) -> None:
    assert replays.result.to_csv().splitlines()[1] == Replays(
        replays.result).to_csv().splitlines()[1]


def test_without_pyarrow_it_says_what_to_install(replays: Replays, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", absent)
    for use in (lambda: replays.to_parquet(tmp_path / "a"), replays.result.__arrow_c_stream__,
                lambda: replays.result.to_parquet(tmp_path / "a")):
        with pytest.raises(MissingTool, match="pip install pyarrow"):
            use()


def test_arrow_has_the_same_types_with_and_without_values(replays: Replays) -> None:
    arrow = pytest.importorskip("pyarrow")
    whole, alone = arrow.table(replays), arrow.table(replays.result)
    for name in alone.column_names:
        assert whole.schema.field(name).type == alone.schema.field(name).type
    assert whole.column("own_s").to_pylist() == [None, 1 / 3, None]
    assert whole.column("baseline").to_pylist() == [None, "slow", "pair"]


def test_parquet_holds_the_record(replays: Replays, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    replays.result.to_parquet(tmp_path / "r.parquet")
    read = parquet.read_table(tmp_path / "r.parquet")
    assert read.num_rows == 1
    assert Result.from_json(read.schema.metadata[b"rackwright"]) == replays.result
    with pytest.raises(InputError, match="cannot write"):
        replays.to_parquet(tmp_path / "nowhere" / "r.parquet")
