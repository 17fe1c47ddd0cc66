"""Part files: TOML read strictly, inheritance resolved. `part_fill` makes parts of them.

A file has ``[part]`` (name, kind, title, `like`, and the names its kind wants), ``[datasheet]``
(key = {value, unit, source}) and ``[calibration.<table>]`` (coefficients in SI units, with class,
fit_set, date, source, median, p90). `like` takes everything from another part; the file then
states what differs. Coefficients that were fitted to the other part are never passed on as this
part's own: an inherited table must state its own class, median, p90 and source.

Unknown keys, missing keys and wrong units are `CatalogError` with file and line.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwright.canonical import content_hash
from rackwright.errors import CatalogError, UnknownName

__all__ = ["PartFile", "read"]

_OWN = ("class", "source", "median", "p90")  # what an inherited table must say itself


@dataclass(frozen=True)
class PartFile:
    """A part file with what it inherits; every entry remembers its file and line."""

    path: Path
    part: Mapping[str, Any]
    datasheet: Mapping[str, Any]
    calibration: Mapping[str, Mapping[str, Any]]
    places: Mapping[tuple[str, str], tuple[Path, int | None, str]]

    @property
    def name(self) -> str:
        return str(self.part["name"])

    @property
    def kind(self) -> str:
        return str(self.part["kind"])

    @property
    def content_hash(self) -> str:
        """SHA-256 of what the file says, in a canonical form."""
        content = {"part": dict(self.part), "datasheet": dict(self.datasheet),
                   "calibration": {k: dict(v) for k, v in self.calibration.items()}}
        return content_hash(content)

    def error(self, section: str, key: str, message: str) -> CatalogError:
        """An error at the line of `key`, or of its section, in the file that wrote it."""
        path, line, _ = self.places.get((section, key)) or self.places.get(
            (section, "")) or (self.path, None, "")
        return CatalogError(message, place=path, line=line)


def read(path: Path, base: Callable[[str], PartFile]) -> PartFile:
    """Read a part file; `base` gives the file of the part it is `like`."""
    raw, lines = _load(path)
    own = _sections(path, raw, lines)
    like = own.part.get("like")
    if like is None:
        return own
    try:
        return _inherit(own, base(str(like)))
    except UnknownName as problem:
        raise own.error("part", "like", str(problem)) from None


def _load(path: Path) -> tuple[dict[str, Any], dict[tuple[str, str], int]]:
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise CatalogError(f"cannot read the part file: {problem}", place=path) from None
    try:
        return _dates_as_text(tomllib.loads(source)), _lines(source)
    except tomllib.TOMLDecodeError as problem:
        raise CatalogError(f"not TOML: {problem}", place=path) from None


def _dates_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dates_as_text(entry) for key, entry in value.items()}
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def _lines(source: str) -> dict[tuple[str, str], int]:
    """(section, key) -> 1-based line, for keys that start a line."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(source.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            section = header[1]
            found.setdefault((section, ""), number)
        elif key := re.match(r"\s*\"?([\w-]+)\"?\s*=", line):
            found.setdefault((section, key[1]), number)
    return found


def _sections(path: Path, raw: dict[str, Any], lines: dict[tuple[str, str], int]) -> PartFile:
    places = {where: (path, line, "") for where, line in lines.items()}
    file = PartFile(path, raw.get("part", {}), raw.get("datasheet", {}),
                    raw.get("calibration", {}), places)
    for section in raw:
        if section not in ("part", "datasheet", "calibration"):
            raise file.error(section, "", f"unknown section [{section}]; allowed: [part], "
                             "[datasheet], [calibration.<table>]")
        if not isinstance(raw[section], dict):
            raise file.error("", section, f"{section} must be a section, [{section}]")
    for key in ("name", "kind"):
        if not isinstance(file.part.get(key), str):
            raise file.error("part", key, f"[part] needs {key} = \"...\"")
    for table, entries in file.calibration.items():
        if not isinstance(entries, dict):
            raise file.error("calibration", table, f"{table} must be a table: "
                             f"[calibration.{table}]")
    return file


def _inherit(own: PartFile, base: PartFile) -> PartFile:
    if own.kind != base.kind:
        raise own.error("part", "like", f"{own.name} is a {own.kind} but like = {base.name!r} is "
                        f"a {base.kind}; a part can only be like one of its kind")
    calibration = {table: dict(entries) for table, entries in base.calibration.items()}
    for table, entries in own.calibration.items():
        calibration.setdefault(table, {}).update(entries)
    for table in base.calibration:
        missing = [key for key in _OWN if key not in own.calibration.get(table, {})]
        if missing:
            raise own.error(f"calibration.{table}", "", f"[calibration.{table}] comes from "
                            f"{base.name}; state this part's own {', '.join(missing)}")
    inherited = {where: (path, line, whence or base.name)
                 for where, (path, line, whence) in base.places.items()}
    part = {key: value for key, value in base.part.items() if key not in ("like", "title")}
    return PartFile(own.path, {**part, **own.part}, {**base.datasheet, **own.datasheet},
                    calibration, {**inherited, **own.places})
