"""What other simulators publish about their errors (`peers.toml`), beside ours on the same kind.

A peer's figure was measured on its own points and parts: it says what accuracy is usual, not who
wins on a shape. Figures about whole systems have no counterpart here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.errors import UnknownName

__all__ = ["Peer", "peers", "statistic_of"]

LEAST = 1e-4  # below it an error counts as this in a geometric mean


@dataclass(frozen=True)
class Peer:
    """A published error, as a share.

    `tables`: ours that it can be set beside, or none; of these, operations whose names begin with
    `operations`.
    """

    tool: str
    what: str
    tables: tuple[str, ...]
    statistic: str
    error: float
    basis: str
    source: str
    operations: str = ""


def peers() -> list[Peer]:
    """All of them, those about single operations first."""
    text = resources.files("rackwright.fidelity").joinpath("peers.toml").read_text("utf-8")
    found = [Peer(**entry | {"tables": tuple(entry["tables"])})
             for entry in tomllib.loads(text)["peer"]]
    return sorted(found, key=lambda peer: not peer.tables)


def statistic_of(name: str, errors: Sequence[Floats]) -> float | None:
    """A peer's statistic of our relative errors, those not predicted (NaN) left out.

    None when there is none. A geometric mean takes an error below 0.01 % as 0.01 %. Raises
    `UnknownName` for a statistic that there is not.
    """
    if name not in STATISTICS:
        raise UnknownName("statistic", name, STATISTICS)
    found = np.concatenate([np.zeros(0), *errors])
    found = found[~np.isnan(found)]
    return STATISTICS[name](found) if len(found) else None


def _geo_mean(errors: Floats) -> float:
    return float(np.exp(np.log(np.maximum(np.abs(errors), LEAST)).mean()))


def _geo_factor(errors: Floats) -> float:
    return float(np.exp(np.abs(np.log(np.maximum(1 + errors, LEAST))).mean()) - 1)


STATISTICS: Mapping[str, Callable[[Floats], float]] = {
    "geo-factor": _geo_factor, "geo-mean": _geo_mean,
    "max": lambda errors: float(np.abs(errors).max()),
    "mean": lambda errors: float(np.abs(errors).mean()),
    "median": lambda errors: float(np.median(np.abs(errors)))}
