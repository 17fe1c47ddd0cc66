"""Write `limits.toml`: the errors that the packaged measurements show now, rounded up.

``python tests/fidelity/set_limits.py`` after a model has become better, or a table of
measurements has come in. When a limit must rise, say why in the commit.
"""

from __future__ import annotations

import math
import sys
import tomllib
from pathlib import Path

from rackwright.fidelity import assess

LIMITS = Path(__file__).parent / "limits.toml"
HEAD = """\
# Most error allowed of each column and operation, on the held points of the packaged measurements:
# operation = [points, median, p90], errors as shares. Made by set_limits.py: what was measured,
# plus a thousandth, rounded up to a tenth of a per cent. Not a promise: what it was last time.
"""


def limits() -> dict[str, dict[str, list[float]]]:
    """Column -> operation -> [points, median, p90], as allowed."""
    with LIMITS.open("rb") as file:
        return tomllib.load(file)


def now(found=None) -> dict[str, dict[str, tuple[int, float, float]]]:
    """The same, as measured; `found`: an assessment of all packaged measurements."""
    found = found or assess()
    return {column.name: {entry.errors.operation: (entry.errors.rows, entry.errors.median,
                                                   entry.errors.p90)
                          for entry in found.of(column.name)} for column in found.columns}


def write() -> None:
    lines = [HEAD]
    for column, operations in now().items():
        lines.append(f'\n["{column}"]\n')
        lines += [f'"{name}" = [{points}, {up(median)}, {up(p90)}]\n'
                  for name, (points, median, p90) in operations.items()]
    LIMITS.write_text("".join(lines), encoding="utf-8")


def up(value: float) -> str:
    """
    >>> up(0.0541), up(0.0540001)
    ('0.056', '0.056')
    """
    return f"{math.ceil((value + 0.001) * 1000) / 1000:.3f}"


if __name__ == "__main__":
    write()
    print(f"wrote {LIMITS}", file=sys.stderr)
