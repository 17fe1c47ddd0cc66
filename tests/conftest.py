"""A toy system, registered under the name "fake" for tests of what surrounds the models."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

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
