"""Random profiles, a flat network, and the public A100 profiles where they are at hand."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rackwright.models.deeppool.network import FlatNetwork
from rackwright.traces import LayerProfile, read_profile
from rackwright.traces.profiles import chain_of

DATA = Path(os.environ.get("RACKWRIGHT_DATA")
            or Path(__file__).parents[3].parent / "shared" / "data")
KINDS = ("conv", "relu", "pool", "linear", "batch_norm", "bottleneck")
BATCHES = (32, 16, 8, 4, 2, 1)

Make = Callable[..., LayerProfile]


def build(seed: int, layers: int, edges: tuple[tuple[int, int], ...] | None = None,
          kinds: tuple[str, ...] = KINDS, times: tuple[float, float] = (1e-5, 2e-3)
          ) -> LayerProfile:
    """A profile whose layers get slower less than in proportion to the batch."""
    draw = np.random.default_rng(seed)
    fixed = draw.uniform(*times, layers)
    each = draw.uniform(*times, layers) / 16
    found = fixed[:, None] + each[:, None] * np.array(BATCHES)[None, :]
    return LayerProfile(
        f"random{seed}", "random", tuple(f"layer{at}" for at in range(layers)),
        tuple(kinds[at] for at in draw.integers(0, len(kinds), layers)),
        draw.integers(0, 5_000_000, layers), draw.integers(0, 200_000, layers),
        np.array(BATCHES, np.int64), found, chain_of(layers) if edges is None else edges,
        found * draw.uniform(0.1, 0.5, (layers, 1)))


@pytest.fixture(scope="session")
def random_profile() -> Make:
    return build


@pytest.fixture(scope="session")
def flat() -> FlatNetwork:
    """The published constants."""
    return FlatNetwork(2.66e11, 40e-6)


@pytest.fixture(scope="session")
def public() -> Callable[[str], LayerProfile]:
    """A profile of the public code by its name: vgg, wrn or inception."""
    folder = DATA / "traces" / "deeppool_profiles"
    if not folder.exists():
        pytest.skip(f"the public A100 profiles are not in {folder}")
    known: dict[str, LayerProfile] = {}

    def read(name: str) -> LayerProfile:
        if name not in known:
            known[name] = read_profile(folder / f"A100_{name}.prof")
        return known[name]

    return read


@pytest.fixture(scope="session")
def written() -> Any:
    """`transcription.Written`."""
    where = Path(__file__).parent / "transcription.py"
    spec = importlib.util.spec_from_file_location("deeppool_transcription", where)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["deeppool_transcription"] = module
    spec.loader.exec_module(module)
    return module.Written
