"""Measure a block's cycles on Icarus and write, or compare, its ``timing.toml``.

The bench measures: its tests whose name contains ``measure`` publish ``cycles.json`` with
``startup_cycles`` (an integer), ``latency_cycles`` and ``interval_cycles`` (operation -> number).
Every geometry of the block is measured. The file says nothing that changes from run to run: the
same RTL gives the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from rackwright.errors import InputError, RackwrightError
from rackwright.hdl.folders import Block, Geometry, block
from rackwright.hdl.process import find_icarus
from rackwright.hdl.run import test_block
from rackwright.hdl.timing import read_timing, timing_file

__all__ = ["characterise"]

_TABLES = ("latency_cycles", "interval_cycles")


def characterise(name: str | os.PathLike[str], *, check: bool = False) -> str:
    """Measure every geometry of a block; the text of its ``timing.toml``.

    Writes the file; with `check` compares instead and raises RackwrightError that lists what
    differs. Raises InputError when the bench measures nothing or fails, RackwrightError when the
    block's folder cannot be written.
    """
    what = block(name)
    simulator = find_icarus().version
    rows = [(shape, _measure(name, what, shape)) for shape in what.geometries]
    text = _render(what, simulator, rows)
    if check:
        _compare(what, rows)
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
        lines += [f"{key} = {_table(cycles[key])}" for key in _TABLES]
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, float]) -> str:
    inside = ", ".join(f"{key} = {value}" for key, value in values.items())
    return f"{{ {inside} }}" if inside else "{}"


def _compare(what: Block, rows: list[tuple[Geometry, dict[str, Any]]]) -> None:
    """Raise, with what differs, unless the file holds these cycles of this RTL.

    Another version of the simulator is no difference: cycles do not depend on it.
    """
    kept = read_timing(what)
    faults = []
    if kept["rtl_sha256"] != what.rtl_sha256:
        faults.append("the RTL has changed")
    known = {row["name"]: row for row in kept["geometry"]}
    for shape, cycles in rows:
        row = known.pop(shape.name, {})
        for key, value in {"parameters": shape.parameters, **cycles}.items():
            if row.get(key) != value:
                faults.append(f"{shape.name}: {key} is {row.get(key)}, measured {value}")
    faults += [f"{name}: no such geometry any more" for name in known]
    if faults:
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise RackwrightError(f"{timing_file(what)} is out of date; run "
                              f"`rackwright hdl characterise {what.name}`{listed}")
