"""The --out folder: the same bytes for the same run, whole files only, checked when read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from rackwright import run
from rackwright.errors import InputError
from rackwright.replays import Replays


@pytest.fixture
def replays(fake: ModuleType) -> Replays:
    return run.replay_baselines("fake", fake.FABRIC, fake.TRACE)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_holds_the_listed_files(replays: Replays, tmp_path: Path) -> None:
    run.save(replays, tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == [
        "baseline-pair.json", "baseline-slow.json", "result.json", "run.json",
        "timeline.json.gz"]


def test_a_folder_reads_back(replays: Replays, tmp_path: Path) -> None:
    run.save(replays, tmp_path)
    again = run.load(tmp_path)
    assert again.record() == replays.record()
    assert run.load(tmp_path / "result.json").result == replays.result


def test_only_run_json_varies(replays: Replays, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run.save(replays, tmp_path / name, {"command": [name]})
    for name in names(tmp_path / "a"):
        same = (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert same == (name != "run.json")


def test_run_json_says_what_ran_where(replays: Replays, tmp_path: Path) -> None:
    run.save(replays, tmp_path, {"command": ["replay", "fake"]})
    found = json.loads((tmp_path / "run.json").read_text())
    assert found["command"] == ["replay", "fake"]
    assert {"numpy", "numba", "rackwright"} <= set(found["versions"])
    assert set(found["wall_time_s"]) == {"fake", "slow", "pair"}
    assert found["complete"] is True


def test_files_of_an_earlier_run_go_away(replays: Replays, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    run.save(replays, tmp_path)
    run.save(replays.result, tmp_path)
    assert names(tmp_path) == ["notes.txt", "result.json", "run.json", "timeline.json.gz"]


def test_a_failed_write_leaves_the_earlier_run_whole(
        replays: Replays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.save(replays.result, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "pair" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        run.save(replays, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_a_mix_of_two_runs_is_refused(replays: Replays, tmp_path: Path) -> None:
    run.save(replays, tmp_path)
    path = tmp_path / "baseline-slow.json"
    path.write_text(path.read_text().replace("0.004s", "0.005s"))
    with pytest.raises(InputError, match=r"baseline-slow\.json: is not the file"):
        run.load(tmp_path)


def test_a_folder_cut_short_is_refused(replays: Replays, tmp_path: Path) -> None:
    run.save(replays, tmp_path)
    (tmp_path / "run.json").unlink()
    with pytest.raises(InputError, match=r"no run\.json here"):
        run.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}', '{"files": {}}'])
def test_a_damaged_run_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json"):
        run.load(tmp_path)


def test_a_place_that_is_a_file_is_refused(replays: Replays, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(InputError, match="cannot write results here"):
        run.save(replays, tmp_path / "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_is_closed_is_refused(replays: Replays, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        run.save(replays, tmp_path)


def test_an_interrupted_run_reads_back_as_one(replays: Replays, tmp_path: Path) -> None:
    run.save(Replays(replays.result, {}, ("slow",)), tmp_path)
    assert run.load(tmp_path).missing == ("slow",)
