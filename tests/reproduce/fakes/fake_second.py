"""A second system with a row of its own."""

from __future__ import annotations

from rackwright.reproduce import Context


def half(context: Context) -> float:
    context.progress("halving")
    return context.once("half", lambda: 0.5)


SIMULATIONS = {"half": half}
