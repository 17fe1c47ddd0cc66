"""Ctrl-C in a process of its own: exit code 130, what was done is printed and written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rackwright import run

FAKES = Path(__file__).parents[1] / "fakes"


def test_ctrl_c_ends_a_replay_with_what_it_has(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(FAKES / "fake_command.py"), "replay", "fake", "--set", "fault=sleep",
         "--out", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(FAKES), "FAKE_SLEEPING": str(tmp_path / "asleep")})
    while not (tmp_path / "asleep").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)  # the replay itself would take 30 s
    assert process.returncode == 130
    assert "fake *" in out and "500 req/s" in out
    assert err.splitlines()[-1] == "rackwright: interrupted after 1 request"
    assert not run.load(tmp_path).complete
