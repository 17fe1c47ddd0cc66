"""Layer-profile files: our JSON, a layer a line, and `read_profile` for ours and public ones.

Schema 1 (README of this folder)::

    {"schema": "rackwright layer profile, schema 1", "name": ..., "model": ..., "source": ...,
     "batches": [64, ...], "edges": [[0, 1], ...], "layers": [
    {"layer": ..., "kind": ..., "parameters": ..., "output_elements": ..., "times_s": [...],
     "forward_s": [...]},
    ...
    ]}

`forward_s` is there for all layers or for none. Times are written with the shortest text that
reads back as the same float of seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rackwright.errors import TraceError, UsageError
from rackwright.traces.profiles import MAX_COUNT, LayerProfile
from rackwright.traces.profiles_prof import is_prof, profile_from_prof
from rackwright.traces.table import Table, open_table, short
from rackwright.traces.write import write_lines

__all__ = ["PROFILE_SCHEMA", "is_profile", "profile_from", "read_profile", "write_profile"]

PROFILE_SCHEMA = "rackwright layer profile, schema 1"
_START = f'{{"schema": "{PROFILE_SCHEMA.rpartition(" ")[0]}'
_KEYS = {"schema", "name", "model", "source", "batches", "edges", "layers"}
_LAYER_KEYS = {"layer", "kind", "parameters", "output_elements", "times_s"}


def read_profile(path: str | PathLike[str], limit: int | None = None) -> LayerProfile:
    """Read a layer profile, or its first `limit` layers: a public ``.prof`` file or our JSON.

    Raises InputError (cannot be opened), TraceError (line, value), UsageError (limit).
    """
    return profile_from(open_table(Path(path)), limit)


def is_profile(header: str) -> bool:
    """Whether the first line of a file is that of a layer profile."""
    return header.startswith(_START) or is_prof(header)


def profile_from(table: Table, limit: int | None) -> LayerProfile:
    """The profile of an open file; see read_profile."""
    if limit is not None and limit < 1:
        raise UsageError(f"limit = {limit}: at least 1 layer must be read")
    if is_prof(table.header):
        return profile_from_prof(table, limit)
    if not table.header.lstrip().startswith("{"):
        raise TraceError(f"{short(repr(table.header))} starts no layer profile; expected "
                         "operator{json}[batch]dimensions and times, or JSON of schema "
                         f"{PROFILE_SCHEMA!r}", place=table.path, line=table.header_line)
    profile = _from_json(table)
    return profile if limit is None else profile.first(limit)


def write_profile(profile: LayerProfile, path: str | PathLike[str]) -> Path:
    """Write `profile` as our JSON, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(profile), Path(path))


def _lines(profile: LayerProfile) -> Iterator[str]:
    head = {"schema": PROFILE_SCHEMA, "name": profile.name, "model": profile.model,
            "source": profile.source, "batches": profile.batches.tolist(),
            "edges": [list(edge) for edge in profile.edges]}
    yield json.dumps(head)[:-1] + ', "layers": ['
    for at in range(len(profile)):
        row: dict[str, Any] = {
            "layer": profile.layers[at], "kind": profile.kinds[at],
            "parameters": int(profile.parameters[at]),
            "output_elements": int(profile.output_elements[at]),
            "times_s": profile.times[at].tolist()}
        if profile.forward_times is not None:
            row["forward_s"] = profile.forward_times[at].tolist()
        yield json.dumps(row) + ("," if at + 1 < len(profile) else "")
    yield "]}"


def _from_json(table: Table) -> LayerProfile:
    texts = [table.header, *(text for _, text in table.lines)]
    try:
        found = json.loads("\n".join(texts), parse_constant=_no_number)
    except json.JSONDecodeError as problem:
        raise TraceError(f"no JSON: {problem.msg} (column {problem.colno})", place=table.path,
                         line=table.header_line + problem.lineno - 1) from None
    except (ValueError, RecursionError) as problem:
        raise TraceError(f"no JSON of a profile: {problem}", place=table.path) from None
    try:
        return _profile(found)
    except (TraceError, ValueError) as problem:
        text = getattr(problem, "message", None) or str(problem)
        raise TraceError(text, place=table.path) from None


def _profile(found: Any) -> LayerProfile:
    _keys("the profile", found, _KEYS, set())
    if found["schema"] != PROFILE_SCHEMA:
        raise ValueError(f"schema {short(repr(found['schema']))}; expected {PROFILE_SCHEMA!r}")
    for key in ("name", "model", "source"):
        _text(key, found[key])
    batches = np.array(_wholes("batches", found["batches"]), np.int64)
    rows = found["layers"]
    if not isinstance(rows, list) or not rows:
        raise ValueError("layers: expected a list of at least 1 layer")
    split = isinstance(rows[0], dict) and "forward_s" in rows[0]
    for at, row in enumerate(rows):
        _keys(f"layer {at}", row, _LAYER_KEYS | ({"forward_s"} if split else set()), set())
        for key in ("layer", "kind"):
            _text(f"layer {at}: {key}", row[key])
    counts = [_wholes(key, [row[key] for row in rows]) for key in
              ("parameters", "output_elements")]
    return LayerProfile(
        found["name"], found["model"], tuple(row["layer"] for row in rows),
        tuple(row["kind"] for row in rows), np.array(counts[0], np.int64),
        np.array(counts[1], np.int64), batches, _times(rows, "times_s", len(batches)),
        _edges(found["edges"]), _times(rows, "forward_s", len(batches)) if split else None,
        found["source"])


def _edges(found: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(found, list):
        raise ValueError("edges: expected a list of pairs [from, to]")
    pairs = [_wholes("edges", pair) for pair in found]
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f"edges: {short(repr(pair))}; expected pairs [from, to]")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _times(rows: list[Any], key: str, batches: int) -> np.ndarray:
    for at, row in enumerate(rows):
        good = isinstance(row[key], list) and len(row[key]) == batches and all(
            isinstance(one, float | int) and not isinstance(one, bool) and abs(one) < 1e18
            for one in row[key])
        if not good:
            raise ValueError(f"layer {at}: {key} {short(repr(row[key]))}; expected {batches} "
                             "numbers of seconds")
    return np.array([row[key] for row in rows], np.float64)


def _keys(what: str, found: Any, needed: set[str], optional: set[str]) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"{what}: {short(repr(found))}; expected an object")
    missing, unknown = needed - set(found), set(found) - needed - optional
    if missing or unknown:
        raise ValueError(f"{what}: missing keys {sorted(missing)}, unknown keys {sorted(unknown)}; "
                         f"expected {sorted(needed)}")


def _text(what: str, found: Any) -> None:
    if not isinstance(found, str):
        raise ValueError(f"{what}: {short(repr(found))}; expected text")


def _wholes(what: str, found: Any) -> list[int]:
    good = isinstance(found, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= MAX_COUNT
        for one in found)
    if not good:
        raise ValueError(f"{what}: {short(repr(found))}; expected whole numbers, 0 to {MAX_COUNT}")
    return list(found)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number here")
