"""Does the bench find faults? Put some into a block's RTL, one at a time, and run its bench.

Faults come from `rackwright.hdl.faults`; those of the block's own folder only, since what it shares
is tested as a block of its own. A fault is killed when a test fails, when the bench does not end
in time or when the RTL refuses to start; a fault that does not compile is not counted. The fast
geometries are tried, the quickest first, then the slow ones, until one kills it. A survivor is a
gap in the bench, or the fault changes nothing that can be seen: then ``mutants.toml`` of the block
says why::

    [[equivalent]]
    source = "the line that was changed, without its margin"
    change = "what -> what"
    reason = "why nothing can be seen of it"
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from rackwright.errors import InputError, RackwrightError, Stalled, UsageError
from rackwright.hdl.faults import Fault, sample
from rackwright.hdl.folders import Block, Geometry, block
from rackwright.hdl.jobs import in_turn
from rackwright.hdl.run import TIMEOUT, run_bench

__all__ = ["Mutant", "MutationReport", "mutate"]

KILLED, SURVIVED, EQUIVALENT, INVALID = "killed", "survived", "equivalent", "does not compile"
SLACK = 3.0            # times the time without a fault: our choice; a fault rarely slows a bench
FLOOR = 20.0           # s at least, for a machine that is busy with other things


@dataclass(frozen=True)
class Mutant:
    """One fault and what came of it; `by` is what killed it, or the reason of its waiver."""

    place: str         # file:line
    kind: str
    change: str
    source: str
    outcome: str
    by: str = ""


@dataclass(frozen=True)
class MutationReport:
    """The faults of one block."""

    block: str
    seed: int
    mutants: tuple[Mutant, ...]

    def count(self, outcome: str) -> int:
        """How many had this outcome."""
        return sum(one.outcome == outcome for one in self.mutants)

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """Those that no test found and nobody has explained."""
        return tuple(one for one in self.mutants if one.outcome == SURVIVED)

    @property
    def share(self) -> float:
        """Killed, of those that compile and can be seen; 1 if there are none."""
        killed, survived = self.count(KILLED), self.count(SURVIVED)
        return killed / (killed + survived) if killed + survived else 1.0

    def to_json(self) -> str:
        """Canonical JSON."""
        return json.dumps(asdict(self) | {"share": self.share}, indent=1, sort_keys=True)


def mutate(name: str | os.PathLike[str], *, seed: int = 0, count: int = 25, jobs: int = 1,
           geometry: str | None = None,
           tell: Callable[[Mutant], None] = lambda _: None) -> MutationReport:
    """Try `count` faults in a block (name or path), in all geometries or in one.

    `tell` hears of each fault as it is done.

    Raises InputError when the bench fails without a fault or ``mutants.toml`` is wrong, UsageError,
    UnknownName, MissingTool, Interrupted.
    """
    if count < 1:
        raise UsageError(f"count={count}: at least 1")
    what = block(name)
    drawn = [(path, one) for path, one in _drawn(what, count, seed)]
    reasons = _equivalents(what)
    shapes = _healthy(what, what.geometries if geometry is None else (what.geometry(geometry),))
    mutants = []
    for mutant in in_turn(partial(_try, what, shapes, reasons), drawn, jobs):
        mutants.append(mutant)
        tell(mutant)
    return MutationReport(what.name, seed, tuple(mutants))


def _drawn(what: Block, count: int, seed: int) -> list[tuple[Path, Fault]]:
    """Faults of the sources in the block's own folder, by their size."""
    own = [path for path in what.sources if path.parent == what.folder]
    texts = [path.read_text(encoding="utf-8") for path in own]
    whole = sum(map(len, texts)) or 1
    return [(path, one) for path, text in zip(own, texts, strict=True)
            for one in sample(text, -(-count * len(text) // whole), seed)]


def _healthy(what: Block, shapes: Sequence[Geometry]) -> list[tuple[Geometry, float]]:
    """The geometries with a limit of time each, the quickest first, those that are slow last.

    The fast ones are run without a fault to see that they pass and how long they take.
    """
    found = []
    slow = [(shape, TIMEOUT) for shape in shapes if shape.slow]
    for shape in [shape for shape in shapes if not shape.slow]:
        start = time.monotonic()
        report = run_bench(what, shape)
        if not report.passed:
            raise InputError(f"the bench fails on {shape.name} without any fault; see "
                             f"`rackwright hdl test {what.name}`", place=what.folder / "bench.py")
        found.append((time.monotonic() - start, shape))
    found.sort(key=lambda row: row[0])
    return [*((shape, max(FLOOR, SLACK * took)) for took, shape in found), *slow]


def _try(what: Block, shapes: list[tuple[Geometry, float]], reasons: dict[tuple[str, str], str],
         drawn: tuple[Path, Fault]) -> Mutant:
    path, fault = drawn
    with tempfile.TemporaryDirectory(prefix="rackwright-mutant-") as temporary:
        wrong = Path(temporary) / path.name
        wrong.write_text(fault.put_into(path.read_text(encoding="utf-8")), encoding="utf-8")
        sick = replace(what, sources=tuple(wrong if one == path else one for one in what.sources))
        outcome, by = SURVIVED, ""
        for shape, limit in shapes:
            outcome, by = _outcome(sick, shape, limit)
            if outcome != SURVIVED:
                break
    if outcome == SURVIVED and (fault.source, fault.change) in reasons:
        outcome, by = EQUIVALENT, reasons[fault.source, fault.change]
    return Mutant(f"{path.name}:{fault.line}", fault.kind, fault.change, fault.source, outcome, by)


def _outcome(sick: Block, shape: Geometry, limit: float) -> tuple[str, str]:
    try:
        report = run_bench(sick, shape, timeout_time=limit, keep=False, first_failure=True)
    except Stalled:
        return KILLED, f"{shape.name}: no end"
    except InputError as problem:
        if "does not compile" in str(problem):
            return INVALID, ""
        if re.search("refuses its parameters|without results", str(problem)):
            return KILLED, f"{shape.name}: does not start"
        raise
    for test in report.tests:
        if not test.passed:
            return KILLED, f"{shape.name}: {test.name}"
    return SURVIVED, ""


def _equivalents(what: Block) -> dict[tuple[str, str], str]:
    """Reasons by line and change, from ``mutants.toml``. Raises InputError."""
    place = what.folder / "mutants.toml"
    if not place.is_file():
        return {}
    try:
        rows = tomllib.loads(place.read_text(encoding="utf-8")).get("equivalent", [])
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"cannot be read: {problem}", place=place) from None
    text = "\n".join(path.read_text(encoding="utf-8") for path in what.sources)
    lines = {line.strip() for line in text.splitlines()}
    for row in rows:
        if set(row) != {"source", "change", "reason"} or not all(
                isinstance(value, str) and value for value in row.values()):
            raise InputError(f"equivalent {row}: needs source, change and reason, as texts",
                             place=place)
        if row["source"] not in lines:
            raise InputError(f"equivalent: the RTL has no line {row['source']!r} any more: "
                             "delete it", place=place)
    return {(row["source"], row["change"]): row["reason"] for row in rows}


def table(reports: list[MutationReport]) -> str:
    """The reports as Markdown: a table, then every survivor and every equivalent."""
    drawn = max(len(one.mutants) for one in reports)
    lines = ["# Faults put into the RTL, and how many the benches find", "",
             f"What `rackwright hdl mutate --seed {reports[0].seed} --count {drawn} --write "
             "FILE` writes, at once or a block at a time. Faults are",
             "drawn from the seed, kind by kind in turn; those that do not compile are not "
             "counted.", "",
             "| block | faults | killed | equivalent | survived | killed of those that can be "
             "seen |", "| --- | --- | --- | --- | --- | --- |"]
    for one in reports:
        tried = len(one.mutants) - one.count(INVALID)
        lines.append(f"| {one.block} | {tried} | {one.count(KILLED)} | {one.count(EQUIVALENT)} | "
                     f"{one.count(SURVIVED)} | {one.share:.1%} |")
    for outcome, title in ((SURVIVED, "Survivors"), (EQUIVALENT, "Equivalent")):
        rows = [f"* `{mutant.place}` `{mutant.source}`: `{mutant.change}`"
                + (f". {mutant.by}" if mutant.by else "")
                for one in reports for mutant in one.mutants if mutant.outcome == outcome]
        lines += ["", f"## {title}", "", *(rows or ["None."])]
    return "\n".join(lines) + "\n"


def write_table(reports: list[MutationReport], place: Path) -> None:
    """Write the table. Raises RackwrightError."""
    try:
        place.write_text(table(reports), encoding="utf-8")
    except OSError as problem:
        raise RackwrightError(f"{place} cannot be written ({problem.strerror})") from None
