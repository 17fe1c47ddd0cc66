"""What simulates the published claims: one module a system, named as its folder in models/.

A module exposes ``SIMULATIONS: Mapping[str, Callable[[Context], float]]``: the key of a row of
``models/<system>/targets.toml`` (its id, or "id/part") -> the simulated number in the row's unit.
See `rackwright.reproduce.context` for what a simulation is handed. It reads nothing of the
published values.
"""

from __future__ import annotations

__all__: list[str] = []
