"""DeepPool's claims (arXiv 2112.10065) and our checks: the rows of models/deeppool/targets.toml.

A row without `known_miss` must hold; one with it must not. ``rackwright reproduce deeppool --data
DIR`` prints them all. All start from the public A100 profiles.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import rackwright.models.deeppool
from rackwright.reproduce.claims import read
from rackwright.reproduce.reproduction import reproduce
from rackwright.reproduce.rows import State
from rackwright.reproduce.systems.deeppool import SIMULATIONS

DATA = Path(os.environ.get("RACKWRIGHT_DATA")
            or Path(__file__).parents[2].parent / "shared" / "data")
CLAIMS = read(Path(rackwright.models.deeppool.__file__).parent / "targets.toml", "deeppool")
LARGE = [key for key in CLAIMS.keys if key.startswith("dpl-2/") and not key.endswith("-8")]
QUICK = [key for key in CLAIMS.keys if key not in LARGE]


def states(keys: list[str]) -> dict[str, State]:
    if not (DATA / "traces" / "deeppool_profiles").exists():
        pytest.skip(f"the public A100 profiles are not in {DATA}")
    return {row.key: row.state for row in reproduce(["deeppool"], data=DATA, ids=keys).rows}


def expected(keys: list[str]) -> dict[str, State]:
    return {key: State.HOLDS if CLAIMS[key].known_miss is None else State.KNOWN_MISS
            for key in keys}


def test_every_row_is_simulated() -> None:
    assert set(SIMULATIONS) == set(CLAIMS.keys)


def test_only_the_sample_output_of_the_artefact_is_evidence() -> None:
    assert {row.id for row in CLAIMS.rows if row.kind == "predicted"} == {"dpl-1"}


def test_rows_of_one_host() -> None:
    assert states(QUICK) == expected(QUICK)


@pytest.mark.slow
def test_rows_of_many_hosts() -> None:
    assert states(LARGE) == expected(LARGE)
