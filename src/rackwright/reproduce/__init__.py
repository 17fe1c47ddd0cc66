"""Published claims against what the models make of them, row by row.

`reproduce` simulates all claims or some, `assess` one of them; `Context` is what a simulation is
handed. Each system keeps its claims in ``models/<system>/targets.toml`` (see `Claim`) and what
simulates them in ``rackwright.reproduce.systems.<system>``. The models read neither.

>>> from rackwright.reproduce import keys
>>> "aep-4" in keys("aep")
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rackwright.reproduce.claim import Claim
    from rackwright.reproduce.claims import Claims
    from rackwright.reproduce.context import Context, Parameter, Unavailable
    from rackwright.reproduce.reproduction import listed, reproduce
    from rackwright.reproduce.rows import Headline, Reproduction, Row, Sensitivity, State
    from rackwright.reproduce.single_rows import assess, keys
    from rackwright.reproduce.systems_found import System

__all__ = [
    "Claim",
    "Claims",
    "Context",
    "Headline",
    "Parameter",
    "Reproduction",
    "Row",
    "Sensitivity",
    "State",
    "System",
    "Unavailable",
    "assess",
    "keys",
    "listed",
    "reproduce",
]

_HOMES = {"Claim": "claim", "Claims": "claims", "Context": "context", "Headline": "rows",
          "Parameter": "context", "Reproduction": "rows", "Row": "rows", "Sensitivity": "rows",
          "State": "rows", "System": "systems_found", "Unavailable": "context",
          "assess": "single_rows", "keys": "single_rows", "listed": "reproduction",
          "reproduce": "reproduction"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
