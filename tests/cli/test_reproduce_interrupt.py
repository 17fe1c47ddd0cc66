"""Ctrl-C in a process of its own: exit code 130, and the rows that are done are printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FAKES = Path(__file__).parents[1] / "reproduce" / "fakes"
ROW = """
[[row]]
id = "{}"
figure = "Fig 1"
claim = "x"
configuration = "y"
published = {}
tolerance = 0.1
unit = "1"
kind = "predicted"
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_prints_what_is_done(tmp_path: Path, jobs: str) -> None:
    rows = ROW.format("quick", 10.0) + ROW.format("slow", 1.0)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "targets.toml").write_text(
            f'system = "{name}"\npaper = "none"\n{rows}')
    process = subprocess.Popen(
        [sys.executable, str(FAKES / "fake_command.py"), str(tmp_path),
         "reproduce", "--jobs", jobs],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(FAKES), "FAKE_SLEEPING": str(tmp_path / "asleep")})
    while not (tmp_path / "asleep").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.2)  # the row before may still be on its way to the parent
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells the processes of the rows as well
    out, err = process.communicate(timeout=20)  # the rows themselves would take 30 s
    assert process.returncode == 130
    assert "quick: x" in out and "slow: x" not in out
    assert "interrupted: " in err.splitlines()[-1] and "rows are done" in err.splitlines()[-1]
    assert "Traceback" not in err
