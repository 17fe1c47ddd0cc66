"""Programs that may hang: run in a process group of their own, under a limit of time.

`run_limited` ends the whole group, simulator included, when the limit passes, on Ctrl-C and on
any error. The group also ends by itself when its parent dies, if the child calls
`die_with_parent`. POSIX only (process groups).

The limit is one of processor time where the system counts it (Linux), so that a machine that is
busy with other things fails nothing; what sleeps is ended after `PATIENCE` times as long.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rackwright.errors import Interrupted, MissingTool, Stalled

__all__ = ["Icarus", "end_all", "find_icarus", "run_limited"]

BUILD_FAILED = 3     # exit status of rackwright.hdl.simulate: the RTL does not compile
NO_LIBPYTHON = 4     # exit status of rackwright.hdl.simulate: no shared libpython
_RUNNING: dict[subprocess.Popen[bytes], int] = {}   # child -> the thread that waits for it
VERSION_LIMIT = 60.0  # s for a program to say its version: our choice, far above what it takes
PATIENCE = 4.0       # limits on the clock, for a group that has not used its processor time: ours
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Icarus:
    """The installed Icarus Verilog."""

    version: str  # "Icarus Verilog 11.0"


def find_icarus() -> Icarus:
    """Icarus Verilog on PATH. Raises MissingTool, saying what to install."""
    missing = [name for name in ("iverilog", "vvp") if shutil.which(name) is None]
    if missing:
        raise MissingTool(
            f"{' and '.join(missing)} not found on PATH: the HDL blocks are simulated with Icarus "
            "Verilog. Install it: sudo apt-get install iverilog (Debian, Ubuntu), "
            "brew install icarus-verilog (macOS)")
    match = re.search(r"Icarus Verilog version (\S+)", first_words(["iverilog", "-V"]))
    return Icarus(f"Icarus Verilog {match[1] if match else '(unknown version)'}")


def first_words(command: Sequence[str]) -> str:
    """What a program says when it is asked for its version; nothing if it does not answer."""
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=VERSION_LIMIT, stdin=subprocess.DEVNULL).stdout
    return ""


def run_limited(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None, log: Path,
                limit: float, what: str) -> int:
    """Run `command` with its output in `log`; its exit status. `limit` is in seconds, see above.

    Raises Stalled when the limit passes and Interrupted on Ctrl-C; the group is dead by then.
    """
    with open(log, "wb") as output:
        # a Ctrl-C between the fork and the `try` would leave the group behind: hold it back
        # (in another thread than the main one nothing is ever raised)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.PIPE,
                                     stdout=output, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        except BaseException:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            raise
        try:
            _RUNNING[child] = threading.get_ident()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return _wait(child, limit)
        except subprocess.TimeoutExpired:
            raise Stalled(
                f"{what} did not end within {limit:g} s and was killed; the last it said:\n"
                f"{tail(log)}\nIf it is only slow, allow it more time (--timeout)") from None
        except KeyboardInterrupt:
            raise Interrupted(f"{what} was interrupted") from None
        finally:
            _end(child)


def _wait(child: subprocess.Popen[bytes], limit: float) -> int:
    """The exit status. Raises TimeoutExpired when the group has used up its time."""
    started = time.monotonic()
    left = limit
    while True:
        try:
            return child.wait(max(left, 0.1))   # not to look at every process all the time
        except subprocess.TimeoutExpired:
            used = _processor_time(child.pid)
            left = min(limit - used, started + PATIENCE * limit - time.monotonic())
            if left <= 0:
                raise


def _processor_time(session: int) -> float:
    """Seconds that the processes of a session, and those they waited for, have used; without a
    system that says, more than any limit."""
    total, found = 0, False
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):    # gone meanwhile
            fields = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == session:
                found = True
                total += sum(map(int, fields[11:15]))
    return total / _TICKS if found else float("inf")   # nonzero: ticks a second, 100 on Linux


def end_all(threads: Collection[int]) -> None:
    """Kill the groups of the children that these threads (their idents) wait for."""
    for child, thread in tuple(_RUNNING.items()):
        if thread in threads and child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the group of a child that still runs; reap it."""
    _RUNNING.pop(child, None)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.stdin is not None:
        child.stdin.close()


def die_with_parent() -> None:
    """In a child of `run_limited`: end the group when the parent is gone (stdin closes)."""
    def watch() -> None:
        while os.read(0, 4096):  # not through sys.stdin, whose lock would block the exit
            pass
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    kept = text.rstrip().splitlines()[-lines:] or ["(nothing)"]
    return "\n".join(re.sub(r"^ {30,}", "    ", f"  {line}") for line in kept)
