"""Names of nodes: `<host>/<unit>` (`h0/gpu0`), or a single word for a switch or a bare host.

What it leaves out: racks and rows; put them into the host's name (`r1-h0/gpu0`).
"""

from __future__ import annotations

import re

__all__ = ["host_part", "name_fault", "natural_key", "unit_part"]

_WORD = r"[A-Za-z0-9][A-Za-z0-9_.:+-]*"
_NAME = re.compile(rf"{_WORD}(?:/{_WORD})?")
_DIGITS = re.compile(r"([0-9]+)")
_LONGEST = 120  # characters; our own limit, so that tables and pictures stay readable


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which numbers count as numbers: h0/gpu2 comes before h0/gpu10.

    >>> sorted(["h10/gpu0", "h0/gpu10", "h0/gpu2"], key=natural_key)
    ['h0/gpu2', 'h0/gpu10', 'h10/gpu0']
    """
    parts = _DIGITS.split(name)
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part)
                 for part in parts if part)


def host_part(name: str) -> str:
    """What stands before the slash; the empty text when there is none.

    >>> host_part("h0/gpu1"), host_part("s0")
    ('h0', '')
    """
    return name.rpartition("/")[0]


def unit_part(name: str) -> str:
    """What stands after the slash, or the whole name.

    >>> unit_part("h0/gpu1"), unit_part("s0")
    ('gpu1', 's0')
    """
    return name.rpartition("/")[2]


def name_fault(name: object) -> str | None:
    """What is wrong with `name` as the name of a node; None when nothing is.

    >>> name_fault("h0/gpu 0")
    "'h0/gpu 0' is no name: use letters, digits and _.:+-, as in 's0' or 'h0/gpu0'"
    """
    if not isinstance(name, str):
        return f"{name!r} is a {type(name).__name__}; a node is named by text such as 'h0/gpu0'"
    if len(name) > _LONGEST:
        return f"{name[:40]!r}... has {len(name)} characters; at most {_LONGEST} are allowed"
    if _NAME.fullmatch(name) is None:
        return (f"{name!r} is no name: use letters, digits and _.:+-, "
                "as in 's0' or 'h0/gpu0'")
    return None
