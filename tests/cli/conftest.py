"""Run the command line in this process, on the toy system."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import pytest

from rackwright import run
from rackwright.cli import main


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def rackwright(fake: ModuleType, monkeypatch: pytest.MonkeyPatch,
               capsys: pytest.CaptureFixture[str]) -> Command:
    """``rackwright("replay", "fake")``: exit code, stdout, stderr; any fabric is the toy's."""
    load_trace = run.load_trace
    monkeypatch.setattr(run, "load_fabric", lambda fabric: fake.FABRIC)
    monkeypatch.setattr(run, "load_trace", lambda model, trace=None, limit=None: (
        fake.TRACE if trace is None else load_trace(model, trace, limit)))
    monkeypatch.delenv("RACKWRIGHT_DEBUG", raising=False)

    def command(*args: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        assert isinstance(stop.value.code, int)
        return Ran(stop.value.code, *capsys.readouterr())

    return command
