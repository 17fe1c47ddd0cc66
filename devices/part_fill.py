"""Parts made from part files: the marks of a class say what its file must hold.

Every number is converted to SI by `rackwright.units`; unknown keys, missing keys and wrong units
are `CatalogError` with file and line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from rackwright import units
from rackwright.devices.part import Fit, Part, Shown
from rackwright.devices.part_file import PartFile
from rackwright.errors import CatalogError, UnitError

__all__ = ["fill"]

# dimensions of one unit each, which units.py has no need to know: nothing is converted
_PLAIN = {"count": "1", "ratio": "1", "flops": "flop/s", "per_second": "1/s"}
_META = ("class", "fit_set", "date", "source", "median", "p90")
_CLASSES = ("calibrated", "derived", "assumed")
P = TypeVar("P", bound=Part)


def fill(cls: type[P], file: PartFile) -> P:
    """An instance of `cls` with the numbers of `file`, in SI units."""
    values: dict[str, Any] = {}
    used: dict[str, set[str]] = {"part": {"name", "kind", "title", "like"}, "datasheet": set(),
                                 "calibration": set()}
    for field in dataclasses.fields(cls):
        marks = field.metadata
        if "dimension" in marks:
            section, key = "datasheet", marks["key"] or field.name
            value: Any = _datasheet(file, key, marks["dimension"], marks["required"])
        elif "text" in marks:
            section, key = "part", field.name
            value = _text(file, key, field.default)
        elif "fit" in marks:
            section, key = "calibration", marks["table"] or field.name
            value = _fit(file, key, marks["fit"])
        else:
            continue
        used[section].add(key)
        values[field.name] = value
    _refuse_unknown(file, used)
    return cls(name=file.name, kind=file.kind, title=str(file.part.get("title", "")),
               content_hash=file.content_hash, sources=_sources(file), shown=_shown(file),
               **values)


def _datasheet(file: PartFile, key: str, dimension: str, required: bool) -> float | int | None:
    entry = file.datasheet.get(key)
    if entry is None:
        if required:
            raise file.error("datasheet", "", f"[datasheet] of {file.name} lacks {key} (a "
                             f"{dimension}): add {key} = {{value = ..., unit = ..., source = ...}}")
        return None
    keys = {"value", "unit", "source"}
    if not isinstance(entry, dict) or set(entry) != keys:
        raise file.error("datasheet", key, f"{key} must be {{value = number, unit = text, "
                         f"source = text}}, not {entry!r}")
    value, unit = entry["value"], entry["unit"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise file.error("datasheet", key, f"{key}: value must be a number, not {value!r}")
    if not isinstance(entry["source"], str) or not entry["source"].strip():
        raise file.error("datasheet", key, f"{key}: source must say where {value} comes from")
    if dimension in _PLAIN:
        return _plain(file, key, dimension, value, unit)
    path, line, _ = file.places.get(("datasheet", key), (file.path, None, ""))
    try:
        number = units.parse(f"{value}{unit}", dimension, what=key, place=path, line=line).value
    except UnitError as problem:
        raise CatalogError(problem.message, place=problem.place, line=problem.line) from None
    return int(number) if dimension == "bytes" else number


def _plain(file: PartFile, key: str, dimension: str, value: float, unit: object) -> float | int:
    if unit != _PLAIN[dimension]:
        raise file.error("datasheet", key, f"{key}: unit must be {_PLAIN[dimension]!r}, "
                         f"not {unit!r}")
    if not 0 <= value < float("inf") or (dimension == "count" and value != int(value)):
        raise file.error("datasheet", key, f"{key}: {value!r} is no {dimension}")
    return int(value) if dimension == "count" else float(value)


def _text(file: PartFile, key: str, default: object) -> str:
    value = file.part.get(key, None if default is dataclasses.MISSING else default)
    if not isinstance(value, str):
        raise file.error("part", key, f"[part] of {file.name} needs {key} = \"...\", "
                         f"got {value!r}")
    return value


def _fit(file: PartFile, table: str, cls: type[Fit]) -> Fit:
    section = f"calibration.{table}"
    entries = file.calibration.get(table)
    names = [field.name for field in dataclasses.fields(cls)]
    coefficients = [name for name in names if name not in (*_META, "basis")]
    if entries is None:
        raise file.error("calibration", "", f"{file.name} lacks [{section}] with "
                         f"{', '.join((*_META, *coefficients))}")
    for key in (*_META, *coefficients):
        if key not in entries:
            raise file.error(section, "", f"[{section}] of {file.name} lacks {key}")
    for key in entries:
        if key not in _META and key not in coefficients:
            raise file.error(section, key, f"unknown key {key} in [{section}]; allowed: "
                             f"{', '.join((*_META, *coefficients))}")
    if entries["class"] not in _CLASSES:
        raise file.error(section, "class", f"class must be one of {', '.join(_CLASSES)}, "
                         f"not {entries['class']!r}")
    numbers = {key: _number(file, section, key) for key in ("median", "p90", *coefficients)}
    return cls(basis=entries["class"], fit_set=str(entries["fit_set"]),
               date=str(entries["date"]), source=str(entries["source"]), **numbers)


def _number(file: PartFile, section: str, key: str) -> float:
    value = file.calibration[section.removeprefix("calibration.")][key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:
        raise file.error(section, key, f"{key} must be a finite number >= 0, not {value!r}")
    return float(value)


def _refuse_unknown(file: PartFile, used: Mapping[str, set[str]]) -> None:
    for section, entries in (("part", file.part), ("datasheet", file.datasheet),
                             ("calibration", file.calibration)):
        for key in entries:
            if key not in used[section]:
                where = (f"calibration.{key}", "") if section == "calibration" else (section, key)
                raise file.error(*where, f"unknown key {key} in [{section}] of a {file.kind}; "
                                 f"allowed: {', '.join(sorted(used[section]))}")


def _sources(file: PartFile) -> dict[str, str]:
    found = {key: str(entry["source"]) for key, entry in sorted(file.datasheet.items())}
    for table, entries in sorted(file.calibration.items()):
        found[f"calibration.{table}"] = str(entries["source"])
    return found


def _shown(file: PartFile) -> dict[str, Shown]:
    return {key: Shown(entry["value"], entry["unit"], entry["source"],
                       file.places.get(("datasheet", key), (file.path, None, ""))[2])
            for key, entry in file.datasheet.items()}
