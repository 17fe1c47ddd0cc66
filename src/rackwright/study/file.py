"""Study files: TOML read strictly, every fault in one error with its line.

`load` reads one, `schema` is the JSON Schema of its fields, for editors.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rackwright.errors import InputError
from rackwright.study.checks import Fault, faults
from rackwright.study.study import Study
from rackwright.study.toml_lines import TomlLines

__all__ = ["load", "read", "schema"]


def load(path: str | PathLike[str]) -> Study:
    """The study in a file. Raises InputError with every fault and its line."""
    place = Path(path)
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise InputError(f"cannot read the study: {reason}", place=place) from None
    return read(text, place)


def read(text: str, place: Path) -> Study:
    """The study in `text`; files that it names are looked for beside `place`."""
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise InputError(f"not TOML: {problem}", place=place) from None
    lines = TomlLines(text)
    try:
        study = Study.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as problem:
        found = [_fault(fault, raw) for fault in problem.errors(include_url=False)]
        raise _error(place, lines, _unique(found)) from None
    wrong = _unique(list(faults(study, place.parent)))
    if wrong:
        raise _error(place, lines, wrong)
    return study


def schema() -> dict[str, Any]:
    """JSON Schema of a study file."""
    found = Study.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found,
            "title": "Rackwright study"}


def _unique(found: list[Fault]) -> list[Fault]:
    return list(dict.fromkeys(found))


def _error(place: Path, lines: TomlLines, found: list[Fault]) -> InputError:
    """One error; each fault begins with file:line."""
    numbered = sorted(((lines.of(fault.place) or 1, fault.text) for fault in found),
                      key=lambda one: one[0])
    first, *rest = numbered
    text = first[1] + "".join(f"\n{place}:{line}: {fault}" for line, fault in rest)
    return InputError(text, place=place, line=first[0])


def _fault(fault: ErrorDetails, raw: dict[str, Any]) -> Fault:
    place = tuple(_steps(fault["loc"], raw))
    name = ".".join(str(step) for step in place)
    if fault["type"] == "extra_forbidden":
        return Fault(place, _unknown(place))
    if fault["type"] == "missing":
        return Fault(place[:-1], f"{name} is missing")
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return Fault(place, f"{name}: {message}" if name else message)
    return Fault(place, f"{name} = {_short(fault['input'])}: {message}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


def _steps(place: tuple[int | str, ...], raw: Any) -> Iterator[int | str]:
    """The steps that stand in the file; pydantic adds the names of types in a union."""
    for number, step in enumerate(place):
        inside = raw.get(step) if isinstance(raw, dict) else (
            raw[step] if isinstance(raw, list) and isinstance(step, int) and step < len(raw)
            else None)
        if inside is None and number < len(place) - 1:
            return
        if inside is None and isinstance(step, str) and step in ("bool", "int", "float", "str"):
            return
        yield step
        raw = inside


def _unknown(place: tuple[int | str, ...]) -> str:
    """An unknown field: the nearest one, or all of them."""
    fields = _fields(place[:-1])
    near = difflib.get_close_matches(str(place[-1]), fields, n=1)
    where = ".".join(str(step) for step in place[:-1]) or "the file"
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(fields)}"
    return f"{place[-1]!r} is no field of {where}; {hint}"


def _fields(place: tuple[int | str, ...]) -> list[str]:
    kind: Any = Study
    for step in place:
        if isinstance(step, str) and isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = _model_in(kind.model_fields[step].annotation)
    return list(kind.model_fields) if kind is not None else []


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside of an annotation such as tuple[Axis, ...] | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((kind for kind in found if kind is not None), None)
