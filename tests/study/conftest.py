"""Toy systems called "toy" and "ishigami" (`fakes/`), study files in a folder, and a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rackwright.models import registry
from rackwright.study import code_hash

FAKES = Path(__file__).parent / "fakes"
collect_ignore = ["fakes"]  # no tests in there

GRID = """
name = "grid"
question = "How many workers?"
baselines = ["slow"]

[base]
system = "toy"

[[axis]]
path = "options.workers"
values = [1, 2, 3, 4, 5, 6, 7, 8]

[[axis]]
path = "options.load"
range = { start = 0.5, stop = 4.0, steps = 8 }

[derived]
gain = "throughput.ratio"

[[expect]]
that = "gain >= 2"
"""


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the toy system, registered."""
    monkeypatch.syspath_prepend(str(FAKES))
    monkeypatch.setitem(registry._SYSTEMS, "toy", "study_system")
    import study_system

    monkeypatch.setattr(code_hash, "_package", study_system.package_hash)
    code_hash.code_hash.cache_clear()
    return study_system


@pytest.fixture
def ishigami(toy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the system whose sensitivities are known, registered."""
    monkeypatch.setitem(registry._SYSTEMS, "ishigami", "ishigami_system")
    import ishigami_system

    return ishigami_system


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a study file and gives its path."""
    def written(text: str = GRID, name: str = "study.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``rackwright`` with the toy in a process group of its own; ended after the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*args: object, seconds: float = 0.0) -> subprocess.Popen[str]:
        environment: dict[str, Any] = {
            **os.environ, "FAKE_SECONDS": str(seconds), "FAKE_LOG": str(tmp_path / "log"),
            "COVERAGE_PROCESS_START": ""}
        process = subprocess.Popen(
            [sys.executable, str(FAKES / "study_command.py"), *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            start_new_session=True)
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
