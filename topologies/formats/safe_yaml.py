"""YAML read safely: plain data only, no aliases (they can grow without bounds), a size limit."""

from __future__ import annotations

from typing import Any

from rackwright.errors import InputError

__all__ = ["parse_yaml"]

_MOST_CHARACTERS = 1 << 20  # our own limit: a thousand nodes take a tenth, and parsing is slow


def parse_yaml(text: str, place: object) -> Any:
    """What the text holds. Raises InputError with the line."""
    import yaml

    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"{len(text)} characters; at most {_MOST_CHARACTERS} of YAML are read",
                         place=place)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                mark = event.start_mark
                raise InputError("an alias (*name), which could grow without bounds; write the "
                                 "value out", place=place, line=mark.line + 1 if mark else None)
        return yaml.load(text, Loader=loader)  # noqa: S506  # it is a safe loader
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        what = getattr(problem, "problem", None) or str(problem).partition("\n")[0]
        raise InputError(f"broken YAML: {what}", place=place,
                         line=mark.line + 1 if mark else None) from None
    except (RecursionError, ValueError) as problem:
        raise InputError(f"YAML that cannot be read: {type(problem).__name__}", place=place
                         ) from None
