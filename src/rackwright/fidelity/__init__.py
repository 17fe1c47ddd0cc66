"""Models against measurements: how wrong each operation's cost is, on points no fit has seen.

`assess` takes the packaged measurements, `assess_own` a user's CSV, `assess_columns` any part and
rows; `text` prints what they find, `plot` draws it. Every operation stands beside a plain roofline
fitted to the same rows, beside a second measurement where there is one, and beside what other
simulators publish.

Leaves out: whole systems (see `rackwright reproduce`), and fitting (see `rackwright.calibrate`).
Whatever has a table of measurements and a prediction in `rackwright.calibrate` is picked up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rackwright.fidelity.assessment import Assessment, assess, assess_columns, assess_own
    from rackwright.fidelity.drawing import plot
    from rackwright.fidelity.listing import text

__all__ = ["Assessment", "assess", "assess_columns", "assess_own", "plot", "text"]

_HOMES = {"plot": "drawing", "text": "listing"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "assessment")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
