"""Named random streams: equal for equal names and seeds, independent of everything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright.engine import stream, streams
from rackwright.errors import UsageError


def draws(generator: np.random.Generator) -> list[float]:
    return [float(x) for x in generator.random(5)]


def test_a_stream_depends_on_seed_and_name_only() -> None:
    few = streams(3, ["arrivals", "service"])
    many = streams(3, ["faults", "service", "routing", "arrivals"])
    for name in ("arrivals", "service"):
        assert draws(few[name]) == draws(many[name])


def test_streams_of_other_names_or_seeds_differ() -> None:
    seen = {tuple(draws(stream(seed, name))) for seed in (0, 1, 2**70) for name in ("a", "b", "A")}
    assert len(seen) == 9


def test_streams_are_not_correlated() -> None:
    table: Any = np.stack([stream(0, f"component {index}").random(4_000) for index in range(20)])
    off_diagonal = np.corrcoef(table)[~np.eye(20, dtype=bool)]
    assert abs(off_diagonal).max() < 5 / np.sqrt(4_000)


def test_the_bits_never_change() -> None:
    """Golden: results of older runs must be found again."""
    generator = stream(0, "arrivals")
    assert [int(generator.integers(0, 2**63)) for _ in GOLDEN] == GOLDEN


GOLDEN = [6244171327745723109, 1075589324905057487]


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed: Any) -> None:
    with pytest.raises(UsageError, match="a whole number, 0 or more, is needed"):
        stream(seed, "a")


def test_one_name_for_two_components_is_refused() -> None:
    with pytest.raises(UsageError, match="stream 'a' is asked for twice"):
        streams(0, ["a", "b", "a"])


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_stream_needs_a_name(name: Any) -> None:
    with pytest.raises(UsageError, match="a stream needs a name"):
        stream(0, name)
