"""`Replays`: a system's result beside those of its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
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

    def to_csv(self) -> str:
        """A row a replay, the system first: every metric with all its digits."""
        from rackwright.report.arrow import csv_text

        return csv_text(list(self))

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """These rows, typed; the records go into the file's metadata. Raises MissingTool."""
        from rackwright.report.arrow import write_parquet

        write_parquet(list(self), path)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """These rows for anything that reads Arrow. Raises MissingTool."""
        from rackwright.report.arrow import arrow_table

        stream: object = arrow_table(list(self)).__arrow_c_stream__(requested_schema)
        return stream

    def _repr_html_(self) -> str:
        from rackwright.report.html import replays_html

        return replays_html(self)
