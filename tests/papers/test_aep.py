"""AEP's published claims (arXiv 2505.08944): the rows of models/aep/targets.toml.

A row without `known_miss` must hold; one with it must not: when the model changes the state of a
row, its text is to be changed too. ``pytest -m "slow or not slow" -rP tests/papers/test_aep.py``
prints every simulated value; `rackwright reproduce aep` shows them as a table.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import rackwright.models.aep
from rackwright.models.aep import AepOptions
from rackwright.reproduce import Context, assess, keys
from rackwright.reproduce.systems.aep import LAST, MAXIMA, OVERLOADS, SIMULATIONS, run

FOLDER = Path(rackwright.models.aep.__file__).parent
ROWS: list[dict[str, Any]] = tomllib.loads((FOLDER / "targets.toml").read_text())["row"]
QUICK = {"aep-2", "aep-3", "aep-12"}


def name_of(row: dict[str, Any]) -> str:
    return f"{row['id']}/{row['part']}" if "part" in row else str(row["id"])


@pytest.fixture(scope="module")
def context() -> Context:
    return Context()


@pytest.mark.parametrize("key", [
    pytest.param(key, marks=[] if key in QUICK else pytest.mark.slow) for key in keys("aep")])
def test_row(key: str) -> None:
    row = assess("aep", key)
    print(row.sentence)
    assert row.as_stated, row.sentence


def test_every_claim_has_its_row_and_every_row_its_simulation() -> None:
    assert {row["id"] for row in ROWS} == {*(f"aep-{n}" for n in range(1, 16)), "aep-bound"}
    assert [name_of(row) for row in ROWS] == list(SIMULATIONS)


@pytest.mark.slow
@pytest.mark.parametrize(("place", "load"), [
    (place, load) for place, load in MAXIMA.items() if load[0] != LAST[place[:2]]], ids=str)
def test_a_maximum_is_at_the_last_rate_or_an_overload(
        context: Context, place: tuple[str, str, int], load: tuple[float, float]) -> None:
    machine, workload, top_k = place
    assert run(context, "defrag", *load, workload, top_k, machine)["overloaded"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("machine", OVERLOADS)
def test_growth_is_taken_where_a_machine_is_overloaded(context: Context, machine: str) -> None:
    assert run(context, "defrag", *OVERLOADS[machine], machine=machine)["overloaded"] == 1.0


@pytest.mark.slow
def test_defrag_and_mtfs_and_flfs_in_this_order(context: Context) -> None:
    """Mean inter-token latency at 250 requests/s, top-1."""
    found = {policy: run(context, policy, 250, 80)["itl_mean_s"]
             for policy in ("defrag", "mtfs", "flfs")}
    print({policy: round(latency * 1e3, 1) for policy, latency in found.items()}, "ms")
    assert found["defrag"] < found["mtfs"] < found["flfs"]


@pytest.mark.slow
def test_completions_keep_up_under_the_other_policies(context: Context) -> None:
    """So that aep-10 is about FLFS, not about a run that starts empty."""
    found = {policy: run(context, policy, 250, 80)["completion_ratio"]
             for policy in ("defrag", "mtfs")}
    print({policy: round(share, 2) for policy, share in found.items()})
    assert min(found.values()) > 0.9


@pytest.mark.slow
def test_250_requests_a_second_are_sustained(context: Context) -> None:
    """What `expert_fixed_time` was fitted on."""
    metrics = run(context, "defrag", 250, 92)
    assert metrics["stable"] == 1.0
    assert metrics["throughput_steady_tokens_per_s"] == pytest.approx(250 * 150, rel=0.03)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_fitted_row_names_an_option(row: dict[str, Any]) -> None:
    assert "fits" not in row or row["fits"] in AepOptions.model_fields


def test_the_card_shows_every_row_and_every_miss() -> None:
    card = (FOLDER / "README.md").read_text()
    for row in ROWS:
        lines = [line for line in card.splitlines() if line.startswith(f"| {name_of(row)} |")]
        assert len(lines) == 1, name_of(row)
        assert f"| {row['kind']} |" in lines[0]
        assert ("MISS" in lines[0]) == ("known_miss" in row), lines[0]
