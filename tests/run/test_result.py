"""`Result`: what its JSON holds, byte-stable, and strict when read."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
from pathlib import Path
from types import ModuleType

import pytest

import rackwright
from rackwright.errors import InputError, MissingTool
from rackwright.result import SCHEMA, Record, Result


@pytest.fixture
def result(fake: ModuleType) -> Result:
    return rackwright.replay("fake", fake.FABRIC, fake.TRACE)


def test_the_json_reads_back_as_the_result(result: Result) -> None:
    again = Result.from_json(result.to_json())
    assert again == result
    assert again.to_json() == result.to_json()
    assert again.content_hash == result.content_hash


def test_the_json_has_exactly_the_documented_fields(result: Result) -> None:
    found = json.loads(result.to_json())
    assert set(found) == {field.name for field in dataclasses.fields(Record)}
    assert all(f"`{name}`" in (Record.__doc__ or "") for name in found)
    assert found["schema"] == SCHEMA


def test_the_json_is_canonical(result: Result) -> None:
    text = result.to_json()
    assert text.endswith("}\n") and not text.endswith("\n\n")
    found = json.loads(text)
    assert text == json.dumps(found, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def test_equal_runs_give_equal_bytes(fake: ModuleType, result: Result) -> None:
    assert rackwright.replay("fake", fake.FABRIC, fake.TRACE).to_json() == result.to_json()


def test_nothing_of_the_host_is_in_the_json(result: Result) -> None:
    text = result.to_json()
    assert str(Path.cwd()) not in text and sys.executable not in text
    assert "wall" not in text and "spans" not in text


def test_every_input_is_hashed(result: Result, fake: ModuleType) -> None:
    assert result.inputs.trace_hash == fake.TRACE.content_hash
    assert result.inputs.topology_hash == fake.FABRIC.content_hash
    assert result.inputs.parts == {"box": "b" * 64}
    assert result.kernels == {"fake": "k" * 64}
    assert result.code == rackwright.__version__


def test_a_result_is_frozen(result: Result) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.seed = 1  # type: ignore[misc]


def test_a_result_can_go_to_another_process(result: Result) -> None:
    assert pickle.loads(pickle.dumps(result)) == result


def test_wall_time_does_not_count(result: Result) -> None:
    assert dataclasses.replace(result, wall_time=99.0) == result


def test_a_file_that_is_not_json_says_so() -> None:
    with pytest.raises(InputError, match=r"^x/result.json: not JSON: .*line 1"):
        Result.from_json("{", place="x/result.json")


@pytest.mark.parametrize("text", ["[]", "{}", '"x"', "3"])
def test_other_json_is_no_result(text: str) -> None:
    with pytest.raises(InputError, match="not a result"):
        Result.from_json(text)


def test_another_schema_is_refused(result: Result) -> None:
    newer = result.to_json().replace(f'"schema": {SCHEMA}', '"schema": 99')
    with pytest.raises(InputError, match="schema 99; this version reads schema 1"):
        Result.from_json(newer)


@pytest.mark.parametrize(("name", "value", "message"), [
    ("metrics", {"x": "fast"}, r"metrics\.x"), ("seed", "zero", "seed"),
    ("bottleneck", {}, "bottleneck"), ("inputs", None, "inputs"), ("extra", 1, "extra"),
    ("metrics", {"x": float("nan")}, r"metrics\.x")])
def test_a_wrong_field_is_named(result: Result, name: str, value: object, message: str) -> None:
    found = {**json.loads(result.to_json()), name: value}
    with pytest.raises(InputError, match=f"not a result: {message}"):
        Result.from_json(json.dumps(found))


def test_a_missing_field_is_named(result: Result) -> None:
    found = json.loads(result.to_json())
    del found["options"]
    with pytest.raises(InputError, match="options"):
        Result.from_json(json.dumps(found))


def test_parquet_without_its_library_says_what_to_install(
        result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingTool, match="pip install pyarrow"):
        result.to_parquet(tmp_path / "x.parquet")


def test_parquet_holds_the_metrics_and_the_record(result: Result, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    result.to_parquet(tmp_path / "x.parquet")
    found = parquet.read_table(tmp_path / "x.parquet")
    assert found.to_pylist() == [dict(result.metrics)]
    assert json.loads(found.schema.metadata[b"rackwright"]) == result.record()


def test_a_notebook_gets_a_table_without_markup_from_names(result: Result) -> None:
    odd = dataclasses.replace(result, bottleneck=dataclasses.replace(
        result.bottleneck, text="<b>box & co</b>"))
    html = odd._repr_html_()
    assert "500 req/s" in html and "&lt;b&gt;box &amp; co" in html and "<b>" not in html
