"""Measure a block's cycles on Icarus and write, or compare, its ``timing.toml``.

The bench measures: its tests whose name contains ``measure`` publish ``cycles.json`` with
``startup_cycles`` (an integer), ``latency_cycles`` and ``interval_cycles`` (operation -> number),
and, if it likes, ``size_cycles`` (operation -> pairs of a size and clocks) and ``load`` (rows of
``operation``, ``offered``, ``cycles``, ``stalled``; see `rackwright.hdl.lib.load`). Every geometry
of the block is measured. The file says nothing that changes from run to run: the same RTL gives
the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from rackwright.errors import InputError, RackwrightError, UsageError
from rackwright.hdl.folders import Block, Geometry, block
from rackwright.hdl.process import find_icarus
from rackwright.hdl.run import test_block
from rackwright.hdl.timing import read_timing, timing_file

__all__ = ["characterise", "differences"]

_TABLES = ("latency_cycles", "interval_cycles")


def characterise(name: str | os.PathLike[str], *, check: bool = False,
                 geometry: str | None = None) -> str:
    """Measure every geometry of a block; the text of its ``timing.toml``.

    Writes the file; with `check` compares instead (only `geometry`, if one is named) and raises
    RackwrightError that lists what differs. Raises InputError when the bench measures nothing or
    fails, RackwrightError when the block's folder cannot be written.
    """
    what = block(name)
    if geometry is not None and not check:
        raise UsageError("one geometry can be checked; a timing.toml is written with all of them")
    shapes = what.geometries if geometry is None else (what.geometry(geometry),)
    simulator = find_icarus().version
    rows = [(shape, _measure(name, what, shape)) for shape in shapes]
    text = _render(what, simulator, rows)
    if check:
        _compare(what, rows, whole=geometry is None)
        return text
    try:
        timing_file(what).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise RackwrightError(
            f"{timing_file(what)} cannot be written ({problem.strerror}): characterise works on "
            "a checkout or on a block folder of your own, --check works anywhere") from None
    return text


def _measure(name: str | os.PathLike[str], what: Block, shape: Geometry) -> dict[str, Any]:
    report = test_block(name, geometry=shape.name, tests="measure")
    place = what.folder / "bench.py"
    if not report.passed:
        faults = "; ".join(f"{test.name}: {test.message}" for test in report.tests
                           if not test.passed)
        raise InputError(f"measuring {shape.name} failed: {faults}", place=place)
    if not {"startup_cycles", *_TABLES} <= report.cycles.keys():
        raise InputError("its measure tests publish no cycles (startup_cycles, "
                         "latency_cycles, interval_cycles)", place=place)
    return report.cycles


def _render(what: Block, simulator: str, rows: list[tuple[Geometry, dict[str, Any]]]) -> str:
    lines = [
        f"# Clock cycles of {what.name}, measured by `rackwright hdl characterise`; not by hand.",
        f'simulator = "{simulator}"', f'rtl_sha256 = "{what.rtl_sha256}"']
    for shape, cycles in rows:
        lines += ["", "[[geometry]]", f'name = "{shape.name}"',
                  f"parameters = {_table(shape.parameters)}",
                  f"startup_cycles = {cycles['startup_cycles']}"]
        lines += [f"{key} = {_table(cycles[key])}"
                  for key in (*_TABLES, "size_cycles") if key in cycles]
        if "load" in cycles:
            rows_of_load = ",\n".join("  " + _table(row) for row in cycles["load"])
            lines.append(f"load = [\n{rows_of_load}]")
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, Any]) -> str:
    inside = ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
    return f"{{ {inside} }}" if inside else "{}"


def differences(what: Block, shape: Geometry, cycles: Mapping[str, Any]) -> list[str]:
    """How the cycles of one geometry, as its bench published them, differ from ``timing.toml``."""
    rows: list[dict[str, Any]] = read_timing(what)["geometry"]
    row = next((row for row in rows if row["name"] == shape.name), {})
    return [f"{shape.name}: {key} is {row.get(key)}, measured {value}"
            for key, value in {"parameters": shape.parameters, **cycles}.items()
            if row.get(key) != value]


def _compare(what: Block, rows: list[tuple[Geometry, dict[str, Any]]], whole: bool) -> None:
    """Raise, with what differs, unless the file holds these cycles of this RTL.

    Another version of the simulator is no difference: cycles do not depend on it.
    """
    kept = read_timing(what)
    faults = []
    if kept["rtl_sha256"] != what.rtl_sha256:
        faults.append("the RTL has changed")
    for shape, cycles in rows:
        faults += differences(what, shape, cycles)
    known = {row["name"] for row in kept["geometry"]} - {shape.name for shape, _ in rows}
    if whole:
        faults += [f"{name}: no such geometry any more" for name in sorted(known)]
    if faults:
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise RackwrightError(f"{timing_file(what)} is out of date; run "
                              f"`rackwright hdl characterise {what.name}`{listed}")
