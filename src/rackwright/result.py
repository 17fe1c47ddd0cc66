"""`Result`: what one replay found out, frozen, comparable and byte-stable as JSON.

A result holds what follows from its inputs and nothing else: no time of day, no wall time, no
host, no path. Two runs of the same inputs, seed and code give the same bytes. What varies
without changing the answer goes to ``run.json`` (`rackwright.run.save`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from rackwright.canonical import canonical_json, content_hash, plain
from rackwright.errors import InputError
from rackwright.models.outcome import Bottleneck, Parameter, Series, Spans

if TYPE_CHECKING:
    from rackwright.report.comparison import Comparison

__all__ = ["SCHEMA", "Inputs", "Record", "Result"]

SCHEMA = 1  # raised whenever a reader of the JSON must change


@dataclass(frozen=True)
class Inputs:
    """What was replayed, by name and by SHA-256 of the content.

    `parts`: catalog part -> hash; `tables`: timing or cost table -> hash.
    """

    topology: str
    topology_hash: str
    trace: str
    trace_hash: str
    parts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Record:
    """The fields of a result's JSON, schema 1, under these names.

    `schema`: this number. `system`; `baseline`: its name, or null for the system itself.
    `options`: name -> JSON value, quantities as exact text. `seed`. `inputs`: see `Inputs`.
    `code`: version of the package; `kernels`: compiled loop -> SHA-256 of its source.
    `complete`: false when the replay was interrupted.
    `headline`: metrics to show first. `metrics`: name with unit -> number (`itl_mean_s`);
    `undefined`: metric -> why it has no value.
    `bottleneck`: {resource, kind, utilisation, saturated, text}.
    `device_utilisation`, `link_utilisation`: endpoint or link -> busy share 0..1.
    `breakdown`: activity -> share of an average token, job or operation (sum 1).
    `parameters`: list of {name, value, kind, basis}; kind is fitted, stand-in or assumed.
    `bands`: operation -> [class, median, p90 relative error of its cost model].
    `notes`: sentences for a person.
    `series`: name with unit -> {x_name, x, y}, a few points each; may be left out.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}

    system: str
    baseline: str | None
    options: Mapping[str, Any]
    seed: int
    inputs: Inputs
    code: str
    kernels: Mapping[str, str]
    headline: tuple[str, ...]
    metrics: Mapping[str, float]
    undefined: Mapping[str, str]
    bottleneck: Bottleneck
    device_utilisation: Mapping[str, float]
    link_utilisation: Mapping[str, float]
    breakdown: Mapping[str, float]
    parameters: tuple[Parameter, ...] = ()
    bands: Mapping[str, tuple[str, float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    series: Mapping[str, Series] = field(default_factory=dict)
    complete: bool = True
    schema: int = SCHEMA


@dataclass(frozen=True, kw_only=True)
class Result(Record):
    """What one replay found out. The fields are those of `Record`, and two that stay out of the
    JSON and of comparisons: `spans` (what ran when, for the timeline) and `wall_time` (seconds
    that the replay took on this host).
    """

    spans: Spans | None = field(default=None, compare=False, repr=False)
    wall_time: float = field(default=0.0, compare=False, repr=False)

    @property
    def label(self) -> str:
        """The baseline's name, or the system's."""
        return self.baseline or self.system

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the JSON's values."""
        return content_hash(self.record())

    def record(self) -> dict[str, Any]:
        """Plain values of the fields of `Record`."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(Record)}
        return {name: plain(_unpacked(value)) for name, value in values.items()}

    def summary(self) -> str:
        """A page of text for a person: metrics, what limits it, where the time goes."""
        from rackwright.report.text import summary

        return summary(self)

    def to_json(self) -> str:
        """Canonical JSON text, indented, ending with a newline; equal results, equal bytes."""
        return canonical_json(self.record(), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, place: object = None) -> Result:
        """Read what `to_json` wrote. Raises InputError (`place` says where it came from)."""
        from pydantic import TypeAdapter, ValidationError

        _check_schema(text, place)
        try:
            record = TypeAdapter(Record).validate_json(text)
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            path = ".".join(str(step) for step in first["loc"])
            raise InputError(f"not a result: {path}: {first['msg']}", place=place) from None
        return cls(**{entry.name: getattr(record, entry.name)
                      for entry in dataclasses.fields(Record)})

    def compare(self, other: Result) -> Comparison:
        """Which inputs differ between this result and `other`, and which metrics moved."""
        from rackwright.report.comparison import compare

        return compare(self, other)

    def to_csv(self) -> str:
        """A header and one row: every metric with all its digits."""
        from rackwright.report.arrow import csv_text

        return csv_text([self])

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """One row of metrics; the whole record goes into the file's metadata.

        Raises MissingTool without pyarrow.
        """
        from rackwright.report.arrow import write_parquet

        write_parquet([self], path)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """That row for anything that reads Arrow. Raises MissingTool."""
        from rackwright.report.arrow import arrow_table

        stream: object = arrow_table([self]).__arrow_c_stream__(requested_schema)
        return stream

    def _repr_html_(self) -> str:
        from rackwright.report.html import result_html

        return result_html(self)


def _unpacked(value: Any) -> Any:
    """`value` with its dataclasses as dicts."""
    if isinstance(value, tuple):
        return [_unpacked(entry) for entry in value]
    if isinstance(value, Mapping):
        return {name: _unpacked(entry) for name, entry in value.items()}
    known = isinstance(value, Bottleneck | Inputs | Parameter | Series)
    return dict(vars(value)) if known else value


def _check_schema(text: str | bytes, place: object) -> None:
    """Word the two commonest faults before the fields are looked at."""
    try:
        found = json.loads(text)
    except ValueError as problem:
        raise InputError(f"not JSON: {problem}", place=place) from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema is None:
        raise InputError("not a result: it has no 'schema'; expected the result.json of "
                         "`rackwright replay --out DIR`", place=place)
    if schema != SCHEMA:
        raise InputError(f"result of schema {schema!r}; this version reads schema {SCHEMA}: "
                         "use the version of rackwright that wrote it", place=place)
