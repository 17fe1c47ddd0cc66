"""The catalog of language models: TOML files, one model each, read strictly.

``[model]`` holds the fields of `LlmShape`; those with a default may be left out. ``like = "other
model"`` takes every field of another file that is not given; `name` and `source` are not inherited.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from rackwright.errors import CatalogError, UnknownName
from rackwright.models.llm.shape import WEIGHT_BITS, LlmShape

__all__ = ["shape", "shape_names"]

_FOLDER = Path(__file__).parent / "catalog"
_OWN = ("name", "source")   # never inherited


def shape_names() -> tuple[str, ...]:
    """Names of the models in the catalog, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@functools.cache
def shape(name: str) -> LlmShape:
    """The model called `name`; raises `UnknownName`, or `CatalogError` for a bad file."""
    if name not in shape_names():
        raise UnknownName("language model", name, shape_names())
    return shape_from(_values(name, ()), _FOLDER / f"{name}.toml")


def shape_from(values: dict[str, Any], place: Path) -> LlmShape:
    """A checked shape from the values of a file; raises `CatalogError`."""
    known = {field.name: field for field in fields(LlmShape)}
    needed = {name for name, field in known.items() if field.default is MISSING}
    wrong = sorted(set(values) - set(known) | needed - set(values))
    if wrong:
        raise CatalogError(f"keys {wrong} are unknown or missing", place=place)
    for name, value in values.items():
        kind = str(known[name].type)
        if type(value).__name__ != kind:
            raise CatalogError(f"{name} = {value!r}: expected {kind}", place=place)
    found = LlmShape(**values)
    faults = _faults(found)
    if faults:
        raise CatalogError("; ".join(faults), place=place)
    return found


def _values(name: str, below: tuple[str, ...]) -> dict[str, Any]:
    place = _FOLDER / f"{name}.toml"
    if name in below:
        raise CatalogError(f"like = {name!r} leads round in a circle: {' -> '.join(below)}",
                           place=place)
    content = tomllib.loads(place.read_text())
    if set(content) != {"model"}:
        raise CatalogError(f"tables {sorted(content)}: expected [model] alone", place=place)
    values: dict[str, Any] = dict(content["model"])
    other = values.pop("like", None)
    if other is None:
        return values
    if other not in shape_names():
        raise CatalogError(f"like = {other!r} is no model of the catalog", place=place)
    inherited = _values(other, (*below, name))
    return {key: value for key, value in inherited.items() if key not in _OWN} | values


def _faults(shape: LlmShape) -> list[str]:
    """What contradicts itself, in words."""
    s = shape
    least_one = ("blocks", "hidden", "ffn", "experts", "heads", "kv_heads", "head_dim",
                 "dtype_bytes", "experts_per_token")
    found = [f"{name} = {getattr(s, name)}: expected at least 1"
             for name in least_one if getattr(s, name) < 1]
    found += [f"{name} = {getattr(s, name)!r}: known are {', '.join(WEIGHT_BITS)}"
              for name in ("dtype", "attention_dtype", "expert_dtype")
              if getattr(s, name) not in (*WEIGHT_BITS, *([] if name == "dtype" else [""]))]
    checks = (
        (s.heads % max(s.kv_heads, 1) == 0, f"heads = {s.heads}: no multiple of kv_heads"),
        (s.experts_per_token <= s.experts, f"experts_per_token = {s.experts_per_token}: there are "
                                           f"{s.experts} experts"),
        (s.dense_blocks < s.blocks, f"dense_blocks = {s.dense_blocks}: there are {s.blocks} "
                                    "blocks"),
        ((s.dense_blocks > 0) == (s.dense_ffn > 0), "dense_blocks and dense_ffn go together"),
        ((s.window > 0) == (s.window_blocks > 0), "window and window_blocks go together"),
        (s.window_blocks <= s.blocks, f"window_blocks = {s.window_blocks}: there are {s.blocks} "
                                      "blocks"),
        (not s.latent or 0 < s.rope_dim < s.head_dim and s.q_rank > 0 and s.value_dim > 0,
         "latent attention (kv_rank) needs q_rank, value_dim, and rope_dim within head_dim"),
    )
    return found + [words for good, words in checks if not good]
