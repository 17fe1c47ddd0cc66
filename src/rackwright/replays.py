"""`Replays`: a system's result beside those of its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rackwright.canonical import canonical_json
from rackwright.result import Result

__all__ = ["Replays"]


@dataclass(frozen=True)
class Replays:
    """One system and its baselines on the same fabric, trace and seed.

    `missing` names the baselines that an interruption left out.
    """

    result: Result
    baselines: Mapping[str, Result] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Result]:
        """The system's result, then the baselines'."""
        yield self.result
        yield from self.baselines.values()

    @property
    def complete(self) -> bool:
        return not self.missing and all(result.complete for result in self)

    def record(self) -> dict[str, Any]:
        """Plain values: {"result": ..., "baselines": {name: ...}, "missing": [...]}."""
        return {"result": self.result.record(),
                "baselines": {name: found.record() for name, found in self.baselines.items()},
                "missing": list(self.missing)}

    def to_json(self) -> str:
        """Canonical JSON text of `record`, ending with a newline."""
        return canonical_json(self.record(), indent=1) + "\n"

    def _repr_html_(self) -> str:
        from rackwright.report.html import replays_html

        return replays_html(self)
