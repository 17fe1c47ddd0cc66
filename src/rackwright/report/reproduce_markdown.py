"""Published against simulated, as Markdown between the marks of a checked-in file.

A file has ``<!-- reproduce summary -->`` or ``<!-- reproduce rows -->``, and an end mark
``<!-- reproduce end -->`` after each; what stands between is replaced, the rest is left alone.
*summary* is a line a system and counts predicted rows only; *rows* has every row with its claim,
and below each table why a row misses. With sensitivities it has the range over which a row moves
too, and a line for each number that is fitted or stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rackwright.errors import InputError
from rackwright.report.reproduce import SHORT, error, goal, notes, number
from rackwright.report.reproduce_moved import HEADER, envelope, moved_rows
from rackwright.reproduce.rows import Headline, Reproduction, Row, State
from rackwright.writing import write_text

__all__ = ["check_marks", "rows_markdown", "summary_markdown", "write_between_marks"]

_END = "<!-- reproduce end -->"
_PART = re.compile(r"(<!-- reproduce (summary|rows) -->\n)(.*?)(<!-- reproduce end -->)", re.DOTALL)


def check_marks(path: Path) -> None:
    """Raises `InputError` unless the file has marks, each with its end."""
    _parts(path, path.read_text(encoding="utf-8"))


def write_between_marks(path: Path, found: Reproduction) -> None:
    """Replace what is between the marks; raises `InputError` as `check_marks` does."""
    text = path.read_text(encoding="utf-8")
    _parts(path, text)
    made = {"summary": summary_markdown(found), "rows": rows_markdown(found)}
    write_text(path, _PART.sub(lambda part: part[1] + made[part[2]] + part[4], text))


def summary_markdown(found: Reproduction) -> str:
    """A line a system: how many predicted numbers there are, and what came of them."""
    header = ["system", "predicted", "hold", "known to miss", "fail", "not run", "other rows"]
    lines = [_counts(name, found.of(name)) for name in found.papers]
    return _table(header, [*lines, _counts("all", found.rows)], figures_from=1)


def rows_markdown(found: Reproduction) -> str:
    """A section a system: every row, and what is to be said about it."""
    return "\n".join(_section(found, name) for name in found.papers)


def _parts(path: Path, text: str) -> None:
    marks = len(re.findall(r"<!-- reproduce (?!end)", text))
    if not marks or marks != len(_PART.findall(text)) or marks != text.count(_END):
        raise InputError("needs <!-- reproduce summary --> or <!-- reproduce rows -->, each on a "
                         f"line and each followed by {_END}", place=path)


def _counts(name: str, rows: Sequence[Row]) -> list[str]:
    count = Headline.of(rows)
    bad = count.states[State.FAILS] + count.states[State.ERROR]
    absent = count.states[State.SKIPPED] + count.states[State.UNSIMULATED]
    numbers = [count.predicted, count.met, count.states[State.KNOWN_MISS], bad, absent,
               len(rows) - count.predicted]
    return [name, *map(str, numbers)]


def _section(found: Reproduction, name: str) -> str:
    header = ["row", "claim", "kind", "published", "simulated", "error", "state"]
    rows = found.of(name)
    asked = any(row.sensitivities is not None for row in rows)
    lines = [[row.key, f"{row.claim.claim} ({row.claim.configuration}; {row.claim.figure})",
              row.claim.kind, goal(row.claim), number(row.simulated, row.claim.unit), error(row),
              SHORT[row.state], *([envelope(row)] if asked else [])] for row in rows]
    header += ["moved"] if asked else []
    return (f"### {name}: {found.papers[name]}\n\n" + _table(header, lines, figures_from=3)
            + "".join(_notes(rows)) + _moved(rows))


def _moved(rows: Iterable[Row]) -> str:
    lines = moved_rows(rows)
    if not lines:
        return ""
    return f"\nNumbers that are fitted or stand in:\n\n{_table(HEADER, lines, figures_from=1)}"


def _notes(rows: Iterable[Row]) -> Iterator[str]:
    found = notes(rows, moves=False)
    if found:
        yield "\n"
        yield from (f"* {label}: {_safe(text)}\n" for label, text in found)


def _table(header: Sequence[str], lines: Sequence[Sequence[str]], figures_from: int) -> str:
    rule = ["---" if place < figures_from else "---:" for place in range(len(header))]
    return "".join(f"| {' | '.join(_safe(cell) for cell in line)} |\n"
                   for line in [header, rule, *lines])


def _safe(text: str) -> str:
    """`text` on one line, without what Markdown would read as a mark."""
    flat = " ".join(text.split())
    return re.sub(r"([|*_<>`])", r"\\\1", flat)
