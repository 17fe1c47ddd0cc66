"""How large a block is: generic synthesis with Yosys, its statistics kept and held to a ceiling.

The flow (`_FLOW`) ends in ``abc -lut 6``: six-input look-up tables and flip-flops of no particular
device, memories left whole and counted in bits. LUT levels are the longest path between registers
(``ltp -noff``, before flip-flops are mapped to a technology). There is no timing in it: levels say
which block is deep, no clock follows from them; adders and multipliers are look-up tables here,
deeper than with the carry chains and multipliers that a device has. ``synthesis.toml`` of the block
holds what came out, for every geometry; ``budgets.toml`` beside this module (for a block of one's
own: in its folder) holds ceilings by geometry::

    [block_name]
    geometry = { luts = 2000, flip_flops = 900, memory_bits = 4096, levels = 12 }
    other = "why this one is not synthesised"
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from rackwright.errors import InputError, MissingTool, RackwrightError, UsageError
from rackwright.hdl.folders import PACKAGE, Block, Geometry, block
from rackwright.hdl.process import first_words, run_limited

__all__ = ["find_yosys", "sizes", "synthesise"]

LIMIT = 600.0          # s for one geometry: our choice, most take a few
FIGURES = ("luts", "flip_flops", "memory_bits", "levels")
_FLOW = ("read_verilog -sv {sources}; {parameters} hierarchy -check -top {top}; proc; flatten; "
         "opt; tee -o memory.txt stat; wreduce; peepopt; opt_clean; alumacc; share; opt; "
         "memory -nomap; opt -fast -full; opt -undriven -fine; techmap; opt; abc -lut 6; "
         "opt_clean; tee -o cells.txt stat; tee -o levels.txt ltp -noff")


def find_yosys() -> str:
    """The installed Yosys, as "Yosys 0.23". Raises MissingTool."""
    if shutil.which("yosys") is None:
        raise MissingTool("yosys not found on PATH: sizes of blocks come from it. Install it: "
                          "sudo apt-get install yosys")
    return " ".join(first_words(["yosys", "-V"]).split()[:2]) or "Yosys (unknown version)"


def synthesise(name: str | os.PathLike[str], *, check: bool = False,
               geometry: str | None = None) -> str:
    """Synthesise a block in all its geometries; the text of its ``synthesis.toml``.

    Writes the file; with `check` compares instead (only `geometry`, if one is named). Raises
    RackwrightError when a figure is above its ceiling or, with `check`, differs; MissingTool;
    UsageError; UnknownName; InputError when Yosys fails.
    """
    if geometry is not None and not check:
        raise UsageError("one geometry can be checked; a synthesis.toml is written with all of "
                         "them")
    what = block(name)
    tool = find_yosys()
    shapes = what.geometries if geometry is None else (what.geometry(geometry),)
    ceilings, place = _ceilings(what)
    rows = [(shape, _figures(what, shape)) for shape in shapes
            if not isinstance(ceilings.get(shape.name), str)]
    text = _render(what, tool, rows)
    faults = _over_budget(ceilings, place, rows)
    if check:
        faults += _differences(what, tool, rows)
    if faults:
        raise RackwrightError(f"{what.name}: " + "; ".join(faults))
    if not check:
        try:
            (what.folder / "synthesis.toml").write_text(text, encoding="utf-8")
        except OSError as problem:
            raise RackwrightError(f"{what.folder}/synthesis.toml cannot be written "
                                  f"({problem.strerror}); --check works anywhere") from None
    return text


def sizes(name: str | os.PathLike[str]) -> dict[str, dict[str, int]]:
    """What ``synthesis.toml`` holds, by geometry; nothing of a block that was never synthesised, or
    whose RTL has changed since.

    >>> sizes("arbiter")["4"]["levels"]
    3
    """
    what = block(name)
    kept = _read(what.folder / "synthesis.toml")
    if kept.get("rtl_sha256") != what.rtl_sha256:
        return {}
    return {row["name"]: {key: row[key] for key in FIGURES} for row in kept.get("geometry", [])}


def _figures(what: Block, shape: Geometry) -> dict[str, int]:
    """Run Yosys on one geometry. Raises InputError, Stalled."""
    # all in one command: parameters that do not go together would be refused one after the other
    values = " ".join(f"-set {key} {value}" for key, value in shape.parameters.items())
    values = f"chparam {values} {what.toplevel}; " if values else ""
    with tempfile.TemporaryDirectory(prefix="rackwright-synth-") as temporary:
        folder = Path(temporary)
        for path in what.sources:  # Yosys knows no $error, though none of them is ever reached
            text = path.read_text(encoding="utf-8")
            (folder / path.name).write_text(re.sub(r"\$error\([^;]*\);", "", text), "utf-8")
        flow = _FLOW.format(sources=" ".join(path.name for path in what.sources),
                            parameters=values, top=what.toplevel)
        status = run_limited(["yosys", "-q", "-p", flow], cwd=folder, env=None,
                             log=folder / "log", limit=LIMIT, what=f"yosys on {what.name}")
        if status:
            said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
            raise InputError(f"Yosys fails on {shape.name}: {said.splitlines()[-1:]}",
                             place=what.sources[0])
        memory, cells, levels = ((folder / f"{name}.txt").read_text(encoding="utf-8")
                                 for name in ("memory", "cells", "levels"))
    return {"luts": _sum(r"\$lut +(\d+)", cells),
            "flip_flops": _sum(r"\$_\w*DFF\w*_ +(\d+)", cells),
            "memory_bits": _sum(r"Number of memory bits: +(\d+)", memory),
            "levels": _sum(r"\(length=(\d+)\)", levels)}


def _sum(pattern: str, text: str) -> int:
    return sum(int(number) for number in re.findall(pattern, text))


def _render(what: Block, tool: str, rows: list[tuple[Geometry, dict[str, int]]]) -> str:
    lines = [f"# Size of {what.name}, from `rackwright hdl synth`; not by hand.",
             f'tool = "{tool}"', 'flow = "generic, abc -lut 6; memories left whole; no timing"',
             f'rtl_sha256 = "{what.rtl_sha256}"']
    for shape, figures in rows:
        parameters = ", ".join(f"{key} = {value}" for key, value in shape.parameters.items())
        lines += ["", "[[geometry]]", f'name = "{shape.name}"',
                  f"parameters = {{ {parameters} }}",
                  *(f"{key} = {figures[key]}" for key in FIGURES)]
    return "\n".join(lines) + "\n"


def _read(place: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"cannot be read: {problem}", place=place) from None


def _ceilings(what: Block) -> tuple[dict[str, Any], Path]:
    """By geometry, and the file; a text says why a geometry is left out."""
    place = (PACKAGE if PACKAGE in what.folder.parents else what.folder) / "budgets.toml"
    return _read(place).get(what.name, {}), place


def _over_budget(ceilings: dict[str, Any], place: Path,
                 rows: list[tuple[Geometry, dict[str, int]]]) -> list[str]:
    """Figures above their ceilings; a packaged block has to have some for every geometry."""
    faults = []
    for shape, figures in rows:
        most = ceilings.get(shape.name)
        if most is None:
            faults += [f"no ceilings for {shape.name} in {place}"] if place.parent == PACKAGE \
                else []
            continue
        if not isinstance(most, dict) or set(most) != set(FIGURES):
            raise InputError(f"ceilings of {shape.name} need {', '.join(FIGURES)} and nothing "
                             "else, or a text that says why it is left out", place=place)
        faults += [f"{shape.name}: {key} = {figures[key]}, ceiling {most[key]} ({place.name})"
                   for key in FIGURES if figures[key] > most[key]]
    return faults


def _differences(what: Block, tool: str, rows: list[tuple[Geometry, dict[str, int]]]) -> list[str]:
    """What differs from ``synthesis.toml``; figures only where the version of Yosys is the same."""
    kept = _read(what.folder / "synthesis.toml")
    if kept.get("rtl_sha256") != what.rtl_sha256:
        return ["synthesis.toml is of other RTL; run `rackwright hdl synth`"]
    known = {row["name"]: row for row in kept.get("geometry", [])}
    if kept.get("tool") != tool:
        return []
    return [f"{shape.name}: {key} was {known.get(shape.name, {}).get(key)}, is {figures[key]}"
            for shape, figures in rows for key in FIGURES
            if known.get(shape.name, {}).get(key) != figures[key]]
