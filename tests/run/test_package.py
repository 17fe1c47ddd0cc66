"""What `import rackwright` offers, and that it looks nothing up twice."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import rackwright


def test_everything_offered_is_there() -> None:
    for name in rackwright.__all__:
        assert getattr(rackwright, name) is not None
    assert set(rackwright.__all__) <= set(dir(rackwright))


def test_the_version_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(rackwright), "__version__", raising=False)
    asked: list[str] = []
    look_up = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version",
                        lambda name: asked.append(name) or look_up(name))  # type: ignore[func-returns-value]
    assert rackwright.__version__ == rackwright.__version__ == look_up("rackwright")
    assert asked == ["rackwright"]


def test_studies_come_with_the_package() -> None:
    code = ("import sys, rackwright\n"
            "assert 'rackwright.study' not in sys.modules\n"
            "print(rackwright.study.load.__name__)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "load\n"


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="module 'rackwright' has no attribute 'replya'"):
        _ = rackwright.replya
