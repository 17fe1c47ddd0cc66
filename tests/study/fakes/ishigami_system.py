"""A system whose metric is Ishigami's function, whose Sobol indices are known in closed form.

y = sin x1 + a sin(x2)^2 + b x3^4 sin x1 over -pi..pi, with a = 7, b = 0.1: Ishigami and Homma,
"An importance quantification technique in uncertainty analysis for computer models", ISUMA 1990.
``y + z`` of the second metric keeps it above zero. The option `bad` makes replays fail.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from rackwright.errors import Stalled
from rackwright.models import registry
from rackwright.models.options import Options, option
from rackwright.models.outcome import Bottleneck, Outcome
from rackwright.models.registry import Model

A, B = 7.0, 0.1
TRACE = SimpleNamespace(content_hash="1" * 64, name="nothing")


class IshigamiOptions(Options):
    x1: float = option(0.0, "first", unit="1")
    x2: float = option(0.0, "second", unit="1")
    x3: float = option(0.0, "third", unit="1")
    bad: float = option(9.0, "fails where x1 is above", unit="1")


def replay(fabric: Any, trace: Any, options: IshigamiOptions, seed: int = 0, progress: Any = None
           ) -> Outcome:
    if options.x1 > options.bad:
        raise Stalled("x1 is too large")
    y = (math.sin(options.x1) + A * math.sin(options.x2) ** 2
         + B * options.x3**4 * math.sin(options.x1))
    return Outcome({"y": y, "bowl": (options.x1 - 1) ** 2 + (options.x2 + 2) ** 2},
                   Bottleneck("box", "device", 0.5, False, "box"), {}, {}, {})


MODEL = Model("ishigami", "closed form", IshigamiOptions, replay, lambda path, limit=None: TRACE,
              {}, ("y",), "star:hosts=2", "requests_short")


def install() -> None:
    registry._SYSTEMS["ishigami"] = "ishigami_system"


def indices() -> dict[str, tuple[float, float]]:
    """(first, total) of each axis."""
    eighth, tenth = B * math.pi**4, B**2 * math.pi**8
    v1, v2 = 0.5 * (1 + eighth / 5) ** 2, A**2 / 8
    v13 = tenth * (1 / 18 - 1 / 50)
    variance = v1 + v2 + v13
    return {"x1": (v1 / variance, (v1 + v13) / variance), "x2": (v2 / variance, v2 / variance),
            "x3": (0.0, v13 / variance)}
