"""HyperRAG's claims (arXiv 2504.02921) and our checks: the rows of models/hyperrag/targets.toml.

A row without `known_miss` must hold; one with it must not. ``pytest -rP
tests/papers/test_hyperrag.py`` prints every simulated value; with ``-m slow`` also the gains of
all load-bound configurations. Nothing here is evidence about the paper: see the card.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import rackwright.models.hyperrag
from rackwright.reproduce import Context, assess, keys
from rackwright.reproduce.systems.hyperrag import CHOSEN, GRID, SIMULATIONS, gain_of

FOLDER = Path(rackwright.models.hyperrag.__file__).parent
ROWS: list[dict[str, Any]] = tomllib.loads((FOLDER / "targets.toml").read_text())["row"]
SLOW = ("hyp-9",)


@pytest.mark.parametrize("key", [pytest.param(key, marks=pytest.mark.slow) if key in SLOW else key
                                 for key in keys("hyperrag")])
def test_row(key: str) -> None:
    row = assess("hyperrag", key)
    print(row.sentence)
    assert row.as_stated, row.sentence


def test_every_row_is_simulated_but_quality() -> None:
    assert set(keys("hyperrag")) - set(SIMULATIONS) == {"hyp-2"}
    assert {row["id"] for row in ROWS} == {f"hyp-{number}" for number in range(1, 11)}


def test_no_row_is_evidence() -> None:
    """The published set-up is not known."""
    assert {row["kind"] for row in ROWS} == {"stand-in", "check"}


@pytest.mark.slow
def test_hyp_1_is_one_of_several_load_bound_gains() -> None:
    """From a loss to a gain beyond the published range: the row was chosen, and says so."""
    context, gains = Context(), {}
    for each in GRID:
        gain, kind = gain_of(context, *each)
        if kind == "link":
            gains[each] = gain
            print(f"load-bound: {', '.join(each)}: {gain:.2f}"
                  f"{'  <- the row' if each == CHOSEN else ''}")
    assert CHOSEN in gains
    assert min(gains.values()) < 1 and max(gains.values()) > 3


def test_the_model_reads_none_of_it() -> None:
    for path in FOLDER.rglob("*.py"):
        assert "targets" not in path.read_text(), path


def test_the_card_shows_every_row_and_every_miss() -> None:
    card = (FOLDER / "README.md").read_text()
    for row in ROWS:
        name = f"{row['id']} {row['part']}" if "part" in row else str(row["id"])
        lines = [line for line in card.splitlines() if line.startswith(f"| {name} |")]
        assert len(lines) == 1, name
        assert f"| {row['kind']} |" in lines[0]
        assert ("MISS" in lines[0]) == ("known_miss" in row), lines[0]
