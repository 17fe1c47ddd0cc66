"""What a study can change: dotted paths, and the scenario they describe.

A scenario is a flat mapping, path -> value, in the order in which changes are made. Paths:

``system``; ``options.NAME``; ``seed``; ``limit`` (rows of the trace); ``catalog`` (a folder of
part files of one's own, found beside the packaged ones or in their place);
``topology`` (a preset with arguments, or a file); ``topology.args.NAME`` (of the preset);
``replace.PATTERN`` (nodes or edges get this part); ``device.PART.FIELD`` (every node with that
part gets one like it, with another number); ``link.SELECTOR.rate|latency`` (a kind of link or a
pattern of edges; a number scales, text with a unit sets); ``fail`` (nodes or edges that are gone);
``trace`` (a packaged one, a file, or ``generate:KIND``); ``trace.args.NAME`` (of the generator).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rackwright.errors import UsageError

__all__ = ["PLAIN", "Scenario", "Target", "chosen", "flattened", "parse"]

Scenario = Mapping[str, Any]
"""Path -> value."""

PLAIN = ("catalog", "fail", "limit", "seed", "system", "topology", "trace")
_FORMS = {"options": "options.NAME", "topology": "topology.args.NAME", "trace": "trace.args.NAME",
          "replace": "replace.PATTERN", "device": "device.PART.FIELD",
          "link": "link.SELECTOR.rate"}
_LINK_FIELDS = ("rate", "latency")


class Target(NamedTuple):
    """What a path names: ("device", "h100-sxm", "memory_bandwidth"), ("options", "", "rate")."""

    kind: str
    selector: str
    field: str


def parse(path: str) -> Target:
    """Raises UsageError, with the nearest path.

    >>> parse("link.h0/gpu*->h0/nvswitch.rate")
    Target(kind='link', selector='h0/gpu*->h0/nvswitch', field='rate')
    """
    if path in PLAIN:
        return Target(path, "", "")
    head, _, rest = path.partition(".")
    if head in ("topology", "trace"):
        middle, _, name = rest.partition(".")
        if middle == "args" and name:
            return Target(f"{head}.args", "", name)
    elif head in ("options", "replace") and rest:
        return Target(head, rest, "") if head == "replace" else Target(head, "", rest)
    elif head in ("device", "link"):
        selector, _, field = rest.rpartition(".")
        if selector and (field in _LINK_FIELDS if head == "link" else field):
            return Target(head, selector, field)
    raise UsageError(_refusal(path, head))


def _refusal(path: str, head: str) -> str:
    if head in _FORMS:
        hint = f"write {_FORMS[head]}" + (" or .latency" if head == "link" else "")
    else:
        near = difflib.get_close_matches(head, (*PLAIN, *_FORMS), n=1)
        hint = f"did you mean {_FORMS.get(near[0], near[0])!r}?" if near else (
            f"known: {', '.join((*PLAIN, *_FORMS.values()))}")
    return f"path {path!r} names nothing; {hint}"


def flattened(base: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(path, value) of the ``[base]`` of a study file."""
    for name in ("system", "catalog", "topology", "trace", "limit", "seed"):
        if base.get(name) is not None:
            yield name, base[name]
    for table, prefix in (("topology_args", "topology.args"), ("trace_args", "trace.args"),
                          ("options", "options"), ("replace", "replace")):
        for name, value in base.get(table, {}).items():
            yield f"{prefix}.{name}", value
    for table in ("device", "link"):
        for selector, fields in base.get(table, {}).items():
            for field, value in fields.items():
                yield f"{table}.{selector}.{field}", value
    if base.get("fail"):
        yield "fail", ", ".join(base["fail"])


def chosen(scenario: Scenario, kind: str) -> list[tuple[Target, Any]]:
    """The entries of one kind, in their order."""
    found = [(parse(path), value) for path, value in scenario.items()]
    return [(target, value) for target, value in found if target.kind == kind]
