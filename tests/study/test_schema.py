"""The JSON Schema that editors use: it takes every study of ours and refuses slips.

A small checker stands in for an editor: the keywords that the schema uses, and no others.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rackwright import study

ROOT = Path(__file__).parents[2]
SCHEMA = study.schema()
KINDS: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float), "null": type(None)}
NOTES = {"title", "description", "default", "$schema", "$defs", "examples"}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    schema = dict(schema)
    if "$ref" in schema:
        schema |= SCHEMA["$defs"][schema.pop("$ref").removeprefix("#/$defs/")]
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    unknown = set(schema) - NOTES - {
        "type", "properties", "additionalProperties", "required", "items", "minItems", "maxItems",
        "prefixItems", "minLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    assert not unknown, f"the checker does not know {unknown}"
    kind = schema["type"]
    if not isinstance(value, KINDS[kind]) or (kind in ("integer", "number")
                                              and isinstance(value, bool)):
        return False
    if kind == "object":
        return _object(value, schema)
    if kind == "array":
        return all(fits(one, schema["items"]) for one in value)
    if kind == "string":
        return len(value) >= schema.get("minLength", 0)
    return kind not in ("integer", "number") or (
        value >= schema.get("minimum", value) and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"]))


def _object(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    more = schema.get("additionalProperties", True)
    known = schema.get("properties", {})
    return set(schema.get("required", ())) <= set(value) and all(
        fits(one, known[name]) if name in known else
        (more if isinstance(more, bool) else fits(one, more)) for name, one in value.items())


def of_the_guide() -> list[str]:
    guide = ROOT / "docs" / "guides" / "studies.md"
    text = guide.read_text(encoding="utf-8") if guide.is_file() else ""
    return re.findall(r"^```toml \S+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not (ROOT / "examples").is_dir(), reason="needs the repository's examples")
def test_it_takes_every_study_of_ours() -> None:
    texts = [file.read_text(encoding="utf-8")
             for file in sorted((ROOT / "examples" / "studies").glob("*.toml"))] + of_the_guide()
    assert len(texts) >= 9
    for text in texts:
        assert fits(tomllib.loads(text), SCHEMA), text


GOOD = {"name": "s", "base": {"system": "aep"}}


@pytest.mark.parametrize("change", [
    {"nam": "x"}, {"name": ""}, {"name": 3}, {"base": {}}, {"base": {"system": "aep", "seed": -1}},
    {"axis": {"path": "seed"}}, {"axis": [{"path": "seed", "values": [1], "step": 2}]},
    {"combine": "product"}, {"expect": [{"that": "a > 1", "at": "most"}]},
    {"search": {"path": "limit", "low": 0, "high": 2, "that": "x"}},
    {"search": {"path": "limit", "low": 1, "high": 2}},
    {"knee": [{"x": "rate"}]}, {"pareto": {"maximize": ["a"]}}])
def test_it_refuses_slips(change: dict[str, Any]) -> None:
    assert fits(GOOD, SCHEMA) and not fits(GOOD | change, SCHEMA)


def test_every_field_says_what_it_is() -> None:
    """An editor shows the description while one writes."""
    for name, entry in {**SCHEMA["$defs"], "Study": SCHEMA}.items():
        for field, inside in entry["properties"].items():
            assert inside.get("description") or "$ref" in inside, f"{name}.{field}"
