"""Toy systems with claims that end in every state; see fakes/fake_plain.py for what they do."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from rackwright.reproduce import System, reproduction, single_rows

FAKES = Path(__file__).parent / "fakes"
collect_ignore = ["fakes"]

Rows = Callable[..., str]


def row(key: str, *, kind: str = "predicted", published: float | None = 10.0,
        tolerance: float | None = 0.1, unit: str = "1", **fields: object) -> str:
    """A [[row]] of a file of claims."""
    name, _, part = key.partition("/")
    given = {"id": name, "part": part or None, "figure": "Fig 1", "claim": f"what {name} is",
             "configuration": "a toy", "unit": unit, "published": published,
             "tolerance": tolerance, "kind": kind, **fields}
    return "[[row]]\n" + "".join(f"{field} = {_toml(value)}\n" for field, value in given.items()
                                 if value is not None)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def claims(system: str, *rows: str) -> str:
    return textwrap.dedent(f"""\
        # a file of claims
        system = "{system}"
        paper = "a paper about {system}"

        """) + "\n".join(rows)


PLAIN = (
    row("holds"), row("held by both", published=13.5, tolerance=0.01),
    row("missed", known_miss="it is too small"),
    row("surprising", published=7.0, known_miss="it was too small once"),
    row("failing", kind="check"),
    row("fitted", kind="fitted", fits="cap", fitted_on=["fitted"]),
    row("ordered/above", kind="stand-in", published=None, tolerance=None, low=1.0, unit="s"),
    row("ordered/below", kind="check", tolerance=None, published=3.0, low=0.5, high=2.0),
    row("fault"), row("bug", kind="check"), row("undefined", kind="stand-in"),
    row("file", published=4.0), row("dies", published=1.0),
    row("nothing", known_miss="not modelled"), row("forgotten"))
SECOND = (row("half", published=0.5, unit="tokens/s"),)
THIRD = (row("alone"), row("known", known_miss="perhaps"))


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[System, ...]]:
    """Two toy systems with simulations, and one without, in place of the real ones."""
    monkeypatch.syspath_prepend(str(FAKES))
    monkeypatch.delenv("RACKWRIGHT_DATA", raising=False)
    made = []
    for name, rows, module in (("plain", PLAIN, "fake_plain"), ("second", SECOND, "fake_second"),
                               ("third", THIRD, None)):
        path = tmp_path / name / "targets.toml"
        path.parent.mkdir()
        path.write_text(claims(name, *rows))
        made.append(System(name, path, module))
    for place in (reproduction, single_rows):
        monkeypatch.setattr(place, "found", lambda: tuple(made))
    single_rows._rows.cache_clear()
    yield tuple(made)
    single_rows._rows.cache_clear()


@pytest.fixture
def plain(systems: tuple[System, ...]) -> ModuleType:
    """The module that simulates the first toy system, with nothing done yet."""
    module = importlib.import_module("fake_plain")
    module.WORK.clear()
    return module
