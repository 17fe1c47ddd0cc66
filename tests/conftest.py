"""What all tests share: the command line as a function, and a toy system called "fake"."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from rackwright.cli import main
from rackwright.models import registry

# a first call may compile a kernel; how long a test takes is no matter of right or wrong
settings.register_profile("rackwright", deadline=None)
settings.load_profile("rackwright")

FAKES = Path(__file__).parent / "fakes"
collect_ignore = ["fakes"]  # no tests in there, and it imports its own folder


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the toy system; see its text for what it does."""
    monkeypatch.syspath_prepend(str(FAKES))
    monkeypatch.setitem(registry._SYSTEMS, "fake", "fake_system")
    import fake_system

    assert sys.modules["fake_system"] is fake_system
    return fake_system


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
            ) -> Callable[..., tuple[int, str, str]]:
    """Runs ``rackwright`` with these arguments; gives code, stdout, stderr."""
    monkeypatch.delenv("RACKWRIGHT_DEBUG", raising=False)

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        return stop.value.code, *capsys.readouterr()  # type: ignore[return-value]

    return call
