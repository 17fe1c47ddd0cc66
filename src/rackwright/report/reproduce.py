"""Published against simulated, as text for a terminal.

Each system is a table; below it stand the reasons of what misses, is skipped or in error, and
what every predicted row does when a stand-in or fitted number moves. The last lines count
predicted rows only. What is printed depends on the rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rackwright import units
from rackwright.report import figures
from rackwright.report.table import WIDTH, paragraph, shorten, table
from rackwright.reproduce.claim import Claim
from rackwright.reproduce.rows import Headline, Reproduction, Row, Sensitivity, State

__all__ = ["SHORT", "claims_text", "error", "goal", "notes", "notes_of", "number", "parameter",
           "reproduction_text", "signed"]

# a state in a table; capitals where a published number is not met or something has changed
SHORT = {State.HOLDS: "holds", State.KNOWN_MISS: "MISS, known", State.FAILS: "FAILS",
         State.SURPRISE: "HOLDS, see below", State.ERROR: "ERROR", State.SKIPPED: "skipped",
         State.UNSIMULATED: "not simulated"}
_INDENT = 4
_WHERE = 16    # columns for the figure in a list
_SHORTEST = 12  # columns that a row's label has, however narrow the terminal
_NAMED = 3      # rows of one note that are named
_NONE = "0 %"
_FORMATS = {"s": units.format_time, "B": units.format_bytes, "B/s": units.format_bandwidth,
            "bytes": units.format_bytes, "bytes/s": units.format_bandwidth,
            "bit/s": units.format_rate, "J": units.format_energy, "W": units.format_power,
            "Hz": units.format_frequency, "USD": units.format_money}


def reproduction_text(found: Reproduction, width: int = WIDTH) -> str:
    """Everything, system by system, and the headline; ends in a newline."""
    parts = [_system_text(found, name, width) for name in found.papers]
    return "\n".join([*parts, _headline_text(found, width)])


def claims_text(system: str, paper: str, claims: Sequence[Claim], width: int = WIDTH) -> str:
    """What is published, without simulating anything."""
    header = ["row", "kind", "where", "published", "known miss"]
    rows = [[_label(claim), claim.kind, shorten(claim.figure, _WHERE), goal(claim),
             "yes" if claim.known_miss else ""] for claim in claims]
    return f"{system}: {paper}\n" + _in_one(header, rows, width, (0, 1, 2))


def goal(claim: Claim) -> str:
    """The published value with its tolerance, or the range of a claim of order."""
    if claim.tolerance is not None and claim.published is not None:
        within = f" +-{100 * claim.tolerance:.2g} %" if claim.tolerance else ""
        return number(claim.published, claim.unit) + within
    low, high = ("" if end is None else number(end, claim.unit) for end in (claim.low, claim.high))
    return f"{low} to {high}" if low and high else f">= {low}" if low else f"<= {high}"


def number(value: float | None, unit: str) -> str:
    """`value` with its unit; "-" for None.

    >>> number(0.0027, "s"), number(46900.0, "tokens/s"), number(2.31, "1"), number(None, "s")
    ('2.7 ms', '46.9k tok/s', '2.31', '-')
    """
    if value is None:
        return "-"
    if unit == "1":
        return f"{value:.4g}"
    if unit in _FORMATS and value >= 0:
        return _FORMATS[unit](value)
    return f"{figures.count(value)} {unit.replace('tokens', 'tok')}"


def error(row: Row) -> str:
    """The relative error with its sign; empty where nothing is published or simulated."""
    return "" if row.relative_error is None else signed(row.relative_error)


def _moves(row: Row, found: Sequence[Sensitivity]) -> str:
    """Which stand-ins and fitted numbers a row follows, and which it does not."""
    still = [each.parameter for each in found if _still(row, each)]
    moving = [_swing(row, each) for each in found if not _still(row, each)]
    said = [f"moves with {'; '.join(moving)}"] if moving else []
    said += [f"does not move with {', '.join(still)}"] if still else []
    return "; ".join(said) or "takes no stand-in or fitted number"


def _still(row: Row, found: Sensitivity) -> bool:
    changes = found.changes(row.simulated or 0.0)
    return not found.reason and all(each is not None and signed(each) == _NONE
                                    for each in changes)


def _swing(row: Row, found: Sensitivity) -> str:
    """What a parameter does to a row at both ends, and where that turns a hit into a miss."""
    ends = []
    for change, at in zip(found.changes(row.simulated or 0.0), (found.at_low, found.at_high),
                          strict=True):
        turned = at is not None and row.claim.allows(at) is not row.holds
        verdict = (" (misses)" if row.holds else " (holds)") if turned else ""
        ends.append((number(at, row.claim.unit) if change is None else signed(change)) + verdict)
    value, low, high = (parameter(found.parameter, each)
                        for each in (found.value, found.low, found.high))
    reason = f" ({found.reason})" if found.reason else ""
    return f"{found.parameter} {value}, from {low} to {high}: {ends[0]} to {ends[1]}{reason}"


def parameter(name: str, value: float) -> str:
    """`value` in the unit that the end of a parameter's name tells, SI as everywhere."""
    if name.endswith("_time") and value >= 0:
        return units.format_time(value)
    return f"{value:.4g}"


def signed(change: float) -> str:
    """A relative change in per cent; none at all has no sign."""
    text = f"{100 * change:+.1f} %" if abs(change) < 0.0995 else f"{100 * change:+.0f} %"
    return _NONE if text in ("+0.0 %", "-0.0 %") else text


def _label(claim: Claim) -> str:
    return f"{claim.key}: {claim.claim}"


def _system_text(found: Reproduction, name: str, width: int) -> str:
    header = ["row", "kind", "published", "simulated", "error", "state"]
    rows = found.of(name)
    lines = [[_label(row.claim), row.claim.kind, goal(row.claim),
              number(row.simulated, row.claim.unit), error(row), SHORT[row.state]] for row in rows]
    text = f"{name}: {found.papers[name]}\n"
    return text + _in_one(header, lines, width, (0, 1, 5)) + "".join(_notes(rows, width))


def _in_one(header: list[str], lines: list[list[str]], width: int, left: tuple[int, ...]) -> str:
    """A table whose first column gives way, so that the others stand side by side."""
    others = sum(max(len(line[place]) for line in (header, *lines)) + 2
                 for place in range(1, len(header)))
    room = max(width - others, _SHORTEST)
    return table(header, [[shorten(line[0], room), *line[1:]] for line in lines], width, left=left)


def _notes(rows: Iterable[Row], width: int) -> Iterator[str]:
    for label, text in notes(rows):
        yield paragraph(f"{label}:", text, _INDENT, width)


def notes(rows: Iterable[Row], moves: bool = True) -> list[tuple[str, str]]:
    """(which rows, what is to be said about them); what many rows share is said once.

    `moves`: also what a row's stand-ins and fitted numbers do to it.
    """
    said: dict[str, list[str]] = {}
    for row in rows:
        for text in notes_of(row, moves):
            said.setdefault(text, []).append(row.key)
    return [(_together(keys), text) for text, keys in said.items()]


def _together(keys: Sequence[str]) -> str:
    if len(keys) <= _NAMED:
        return ", ".join(keys)
    return f"{keys[0]} to {keys[-1]} ({len(keys)} rows)"


def notes_of(row: Row, moves: bool = True) -> list[str]:
    """Why a row is not met, what it is fitted on, and what its stand-ins do to it."""
    notes = []
    if row.claim.kind == "fitted":
        notes.append(f"fits {row.claim.fits}, on {', '.join(row.claim.fitted_on or ())}")
    if row.state is State.SURPRISE:
        notes.append(f"holds, although it is said to miss: {_flat(row.claim.known_miss)}")
    elif row.claim.known_miss:
        notes.append(f"known miss: {_flat(row.claim.known_miss)}")
    if row.reason and row.state in (State.SKIPPED, State.ERROR):
        notes.append(f"{row.state.value}: {row.reason}")
    if moves and row.sensitivities is not None:
        notes.append(_moves(row, row.sensitivities))
    return notes


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _headline_text(found: Reproduction, width: int) -> str:
    lines = [[name, Headline.of(found.of(name)).text] for name in found.papers]
    text = table(["", "predicted rows only: rows of other kinds are no evidence"],
                 [*lines, ["all", found.headline.text]], width, left=(0, 1))
    if found.unsimulated:
        text += paragraph("", "claims that nothing simulates: " + ", ".join(found.unsimulated), 1,
                          width).lstrip()
    for row in found.changed:
        text += paragraph("CHANGED", row.sentence, 8, width)
    return text
