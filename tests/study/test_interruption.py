"""A study that is killed, or stopped by Ctrl-C, and resumed has the bytes of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import study

Started = Callable[..., "subprocess.Popen[str]"]
FILES = ("results.csv", "study.json", "report.html")
REPLAYS = 128  # 64 points and a baseline


def contents(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


def kept(folder: Path) -> int:
    return len(list((folder / "store").glob("??/*.json")))


def stopped(process: subprocess.Popen[str], folder: Path, how: signal.Signals, least: int) -> int:
    """Send the signal once `least` results are kept; how many were kept in the end."""
    deadline = time.monotonic() + 60
    while kept(folder) < least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, how)
    process.wait(timeout=30)
    return kept(folder)


@pytest.fixture
def whole(toy: object, write: Callable[..., Path], tmp_path: Path) -> list[bytes]:
    """The files of a run that nothing interrupts, in this process."""
    study.save(study.run(write(), tmp_path / "whole"), tmp_path / "whole", tmp_path)
    return contents(tmp_path / "whole")


@pytest.mark.parametrize(("jobs", "kills"), [
    (1, (20,)), pytest.param(2, (10, 60), marks=pytest.mark.slow)])
def test_killed_and_resumed(started: Started, whole: list[bytes], tmp_path: Path, jobs: int,
                            kills: tuple[int, ...]) -> None:
    out, before = tmp_path / "out", 0
    command = ("study", "run", tmp_path / "study.toml", "--out", out, "--jobs", jobs, "--quiet",
               "--resume")
    for least in kills:
        process = started(*command, seconds=0.01)
        before = stopped(process, out, signal.SIGKILL, least)
        assert least <= before < REPLAYS
        assert not (out / "results.csv").exists()
        assert ended(process.pid)
    replays = len((tmp_path / "log").read_text().splitlines())
    process = started(*command)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert contents(out) == whole
    after = len((tmp_path / "log").read_text().splitlines())
    assert after - replays == REPLAYS - before  # nothing that was kept ran again
    assert not list((out / "store").glob("??/.*.tmp"))


def ended(group: int) -> bool:
    """Whether all workers of a killed parent end."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ctrl_c_and_resumed(started: Started, whole: list[bytes], tmp_path: Path, jobs: int
                            ) -> None:
    out = tmp_path / "out"
    command = ("study", "run", tmp_path / "study.toml", "--out", out, "--jobs", jobs, "--quiet")
    process = started(*command, seconds=0.03)
    before = stopped(process, out, signal.SIGINT, 20)  # to the parent alone
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"interrupted: {before} of {REPLAYS} replays are done; --resume" in errors
    assert "Traceback" not in errors
    assert "workers" in output  # the table so far
    process = started(*command, "--resume")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert contents(out) == whole


def test_shards_join_to_the_same_bytes(whole: list[bytes], tmp_path: Path) -> None:
    file, parts = tmp_path / "study.toml", []
    for number in (3, 1, 2):
        parts.append(tmp_path / f"part{number}")
        found = study.run(file, parts[-1], shard=study.Shard(number, 3))
        assert [row.number % 3 for row in found.rows] == [number - 1] * len(found.rows)
    assert sum(map(kept, parts)) == REPLAYS
    assert study.merge(tmp_path / "joined", parts) == REPLAYS
    study.save(study.run(file, tmp_path / "joined", resume=True), tmp_path / "joined", tmp_path)
    assert contents(tmp_path / "joined") == whole
