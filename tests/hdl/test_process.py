"""Processes that hang: the whole group ends, on the limit, on Ctrl-C, and with the parent."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rackwright.errors import Stalled, UsageError
from rackwright.hdl.jobs import in_turn
from rackwright.hdl.process import run_limited, tail

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
GRANDCHILD = "sleep 100 & echo $!; wait"


def runs(pid: int) -> bool:
    """False when the process is gone or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid: int) -> bool:
    """Wait, at most some 20 s, for the process to end; a kill takes a moment."""
    for _ in range(2000):
        if not runs(pid):
            return True
        time.sleep(0.01)
    return False


def await_line(file: Path) -> str:
    while not file.exists() or not file.read_text().endswith("\n"):
        time.sleep(0.01)
    return file.read_text()


def test_output_and_status(tmp_path: Path) -> None:
    status = run_limited(["sh", "-c", "echo out; echo err >&2; exit 3"], cwd=tmp_path, env=None,
                         log=tmp_path / "log", limit=30.0, what="it")
    assert status == 3
    assert tail(tmp_path / "log") == "  out\n  err"


def test_limit_kills_the_grandchildren(tmp_path: Path) -> None:
    with pytest.raises(Stalled, match="it did not end within 0.5 s") as caught:
        run_limited(["sh", "-c", GRANDCHILD], cwd=tmp_path, env=None, log=tmp_path / "log",
                    limit=0.5, what="it")
    pid = int((tmp_path / "log").read_text())
    assert str(pid) in str(caught.value)  # the message ends with what was said last
    assert ends(pid)


def test_what_spins_is_ended_by_its_processor_time(tmp_path: Path) -> None:
    """It is other work on the machine that may take longer on the clock."""
    with pytest.raises(Stalled, match="it did not end within 0.2 s"):
        run_limited(["sh", "-c", "(while :; do :; done) & wait"], cwd=tmp_path, env=None,
                    log=tmp_path / "log", limit=0.2, what="it")
    assert run_limited(["sleep", "0.6"], cwd=tmp_path, env=None, log=tmp_path / "log", limit=0.3,
                       what="a sleep of less than four limits") == 0


PARENT = """
import sys
from pathlib import Path
from rackwright.hdl.process import run_limited
run_limited({command!r}, cwd=Path({folder!r}), env=None, log=Path({folder!r}, "log"), limit=90.0,
            what="it")
"""


def start_parent(command: list[str], folder: Path) -> subprocess.Popen[str]:
    text = PARENT.format(command=command, folder=str(folder))
    return subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE, text=True)


def test_ctrl_c_kills_the_group(tmp_path: Path) -> None:
    parent = start_parent(["sh", "-c", GRANDCHILD], tmp_path)
    pid = int(await_line(tmp_path / "log"))
    parent.send_signal(signal.SIGINT)
    _, said = parent.communicate(timeout=30)
    assert "Interrupted: it was interrupted" in said
    assert ends(pid)


def test_group_ends_with_its_parent(tmp_path: Path) -> None:
    child = ("import os, time; from rackwright.hdl.process import die_with_parent; "
             "die_with_parent(); print(os.getpid(), flush=True); time.sleep(100)")
    parent = start_parent([sys.executable, "-c", child], tmp_path)
    pid = int(await_line(tmp_path / "log"))
    parent.kill()
    parent.communicate(timeout=30)
    assert ends(pid)


def test_jobs_keep_the_order_and_an_error_ends_the_rest(tmp_path: Path) -> None:
    assert list(in_turn(lambda one: one * one, range(5), 2)) == [0, 1, 4, 9, 16]

    def sleep_or_fail(one: int) -> int:
        if one == 0:
            time.sleep(0.3)
            raise UsageError("no")
        return run_limited(["sleep", "60"], cwd=tmp_path, env=None, log=tmp_path / f"log{one}",
                           limit=90.0, what="a sleep")

    start = time.monotonic()
    with pytest.raises(UsageError, match="no"):
        list(in_turn(sleep_or_fail, range(2), 2))
    assert time.monotonic() - start < 30     # the sleep was killed
