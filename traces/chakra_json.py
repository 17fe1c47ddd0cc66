"""Chakra messages in JSON, as protobuf prints them: objects one after another, or a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from rackwright.errors import UsageError
from rackwright.traces.chakra import NODE_TYPES, Attribute, ExecutionNode
from rackwright.traces.chakra_proto import NODE_FIELDS, VALUE_TYPES, finished, written

__all__ = ["nodes_in_json", "texts_of"]

_TYPES = {f"{name}_NODE": name for name in NODE_TYPES}
_JSON_OF: dict[type, str] = {bool: "bool", int: "int64", float: "double", str: "string"}


def texts_of(nodes: Iterable[ExecutionNode], version: str) -> bytes:
    """An object a line."""
    lines = [json.dumps({"version": version})]
    for node in nodes:
        row: dict[str, Any] = {"id": str(node.id), "name": node.name, "type": f"{node.type}_NODE"}
        if node.after:
            row["dataDeps"] = [str(one) for one in node.after]
        if node.duration_time:
            row["durationMicros"] = str(round(node.duration_time * 1e6))
        row["attr"] = [{"name": key, **_json_value(value)} for key, value in written(node)]
        lines.append(json.dumps(row))
    return ("\n".join(lines) + "\n").encode()


def _json_value(value: Attribute) -> dict[str, Any]:
    if isinstance(value, bytes):
        raise UsageError("attributes of bytes have no JSON form here; write .et files")
    if isinstance(value, tuple):
        of = type(value[0]) if value else int
        return {f"{_JSON_OF[of]}List": {"values": [str(one) if of is int else one
                                                   for one in value]}}
    return {f"{_JSON_OF[type(value)]}Val": str(value) if type(value) is int else value}


def nodes_in_json(text: str) -> tuple[tuple[ExecutionNode, ...], str]:
    """(nodes, version) of a text. Raises ValueError, with the node in front."""
    version, nodes = "", list[ExecutionNode]()
    try:
        for row in _objects(text):
            snake = {re.sub("([A-Z])", lambda m: f"_{m[1].lower()}", key): value
                     for key, value in row.items()}
            if "version" in snake and "id" not in snake:
                version = str(snake["version"])
            elif snake:
                nodes.append(_json_node(snake))
    except (ValueError, RecursionError, AttributeError, TypeError) as problem:
        raise ValueError(f"node {len(nodes)}: {problem}") from None
    return tuple(nodes), version


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Objects one after another, with commas or not, or those of lists."""
    decoder, at = json.JSONDecoder(), 0
    while (at := _past(text, at)) < len(text):
        value, at = decoder.raw_decode(text, at)
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise ValueError(f"{str(one)[:40]!r} is no object")
            yield one


def _past(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _json_node(row: dict[str, Any]) -> ExecutionNode:
    unknown = set(row) - set(NODE_FIELDS.values())
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    kind = row.get("type", "INVALID_NODE")
    if kind not in _TYPES:
        raise ValueError(f"type {kind!r}; allowed: {', '.join(_TYPES)}")
    after = {_whole(one) for key in ("ctrl_deps", "data_deps") for one in row.get(key, [])}
    attributes = dict(_json_attribute(one) for one in row.get("attr", []))
    return finished(_whole(row.get("id", 0)), str(row.get("name", "")), _TYPES[kind], after,
                     _whole(row.get("duration_micros", 0)), attributes)


def _json_attribute(row: dict[str, Any]) -> tuple[str, Attribute]:
    known = {key: value for key, value in row.items() if key not in ("name", "docString",
                                                                    "doc_string")}
    if "name" not in row or len(known) != 1:
        raise ValueError(f"attribute {str(row)[:60]!r}; expected a name and one value")
    (key, value), = known.items()
    of = re.sub("(_?(Val|val|List|list))$", "", key).lower()
    if of not in VALUE_TYPES:
        raise ValueError(f"attribute {row['name']!r}: unknown value {key!r}")
    if isinstance(value, dict):
        return str(row["name"]), tuple(_json_scalar(of, one) for one in value.get("values", []))
    return str(row["name"]), _json_scalar(of, value)


def _json_scalar(of: str, value: Any) -> Attribute:
    if of in ("string", "bytes"):
        return str(value)
    if of == "bool":
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is no bool")
        return value
    return float(value) if of in ("double", "float") else _whole(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{value!r} is no whole number")
    return int(value)
