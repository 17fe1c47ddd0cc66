"""Progress: a bar on a terminal, sparse lines elsewhere, nothing when quiet."""

from __future__ import annotations

import io
import sys

import pytest

from rackwright.cli import progress as module
from rackwright.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_quiet_means_nothing() -> None:
    with progress(quiet=True) as report:
        assert report is None


def test_a_pipe_gets_a_line_now_and_then(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, 1.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress() as report:
        assert report is not None
        for done in (10, 20, 30):
            report(done, 100, f"{done} requests")
        report(5, 0, "no end known")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ("rackwright: 20 requests 20 %\nrackwright: no end known\n")


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    with progress() as report:
        assert report is not None
        report(50, 100, "aep: half")
    assert "aep: half" in screen.getvalue() and "50 %" in screen.getvalue()
