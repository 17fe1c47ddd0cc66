"""A system whose claims end in every state there is. Its numbers are made up for the tests."""

from __future__ import annotations

import math
import os

from rackwright.errors import ModelFault
from rackwright.reproduce import Context

WORK: list[str] = []  # what was simulated, in order


def shared(context: Context) -> float:
    """Twice the cap, in work that several rows share."""
    def simulate() -> float:
        WORK.append("shared")
        return 2.0 * context.parameter("cap", 5, low=3, high=8)

    return context.once("shared", simulate)


def other(context: Context) -> float:
    def simulate() -> float:
        WORK.append("other")
        return 7.0

    return context.once("other", simulate)


def both(context: Context) -> float:
    return shared(context) + other(context) * context.parameter("share", 0.5)


def fault(context: Context) -> float:
    raise ModelFault("the queue is\nnegative at 2 s")


def bug(context: Context) -> float:
    return {}["x"]  # type: ignore[no-any-return]


def from_file(context: Context) -> float:
    path = context.file("traces/of_others.csv", source="https://example.org/set",
                        licence="CC-BY-4.0")
    return float(path.read_text())


def seeded(context: Context) -> float:
    return 1.0 + context.seed


def dies(context: Context) -> float:
    """Takes its process with it, when a test asks for it."""
    if "FAKE_DIES" in os.environ:
        os._exit(7)
    return 1.0


SIMULATIONS = {
    "holds": shared, "held by both": both, "missed": other, "surprising": other, "failing": other,
    "fitted": shared, "ordered/above": seeded, "ordered/below": seeded, "fault": fault, "bug": bug,
    "undefined": lambda context: math.nan, "file": from_file, "dies": dies}
