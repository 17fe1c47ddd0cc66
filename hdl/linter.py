"""Lint a block's RTL: Icarus always, Verilator too when it is installed.

Any warning is a finding, for every geometry of the block. A waiver, with its reason, stands in
``waivers.toml`` beside this module (for a block of one's own: in its folder)::

    [[waiver]]
    block = "name"
    tool = "verilator"          # or iverilog
    text = "part of the warning"
    reason = "why it is harmless"

A waiver that meets no warning is a finding itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from rackwright.errors import InputError
from rackwright.hdl.folders import PACKAGE, Block, Geometry, block
from rackwright.hdl.process import find_icarus, run_limited

__all__ = ["Finding", "LintReport", "lint"]

LIMIT = 120.0  # s for one tool on one geometry: our choice, it takes about 0.1
_CONTINUES = re.compile(r"^\s|^\.\.\.|^%Error: Exiting")  # what follows Verilator's first line


@dataclass(frozen=True)
class Finding:
    """One warning; `waived` is the reason of the waiver that covers it."""

    tool: str
    geometry: str
    text: str
    waived: str = ""


@dataclass(frozen=True)
class LintReport:
    """What the linters said of one block."""

    block: str
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]     # tools that are not installed

    @property
    def passed(self) -> bool:
        """No finding, or each one waived."""
        return all(finding.waived for finding in self.findings)

    def to_json(self) -> str:
        """Canonical JSON."""
        return json.dumps(asdict(self) | {"passed": self.passed}, indent=1, sort_keys=True)


def lint(name: str | os.PathLike[str]) -> LintReport:
    """Lint a block (name or path). Raises MissingTool, UnknownName, InputError."""
    what = block(name)
    find_icarus()
    tools = ["iverilog", *(["verilator"] if shutil.which("verilator") else [])]
    findings = [finding for tool in tools for shape in what.geometries
                for finding in _warnings(tool, what, shape)]
    skipped = tuple({"verilator"} - set(tools))
    return LintReport(what.name, _waive(what, findings, tools), skipped)


def _warnings(tool: str, what: Block, shape: Geometry) -> list[Finding]:
    with tempfile.TemporaryDirectory(prefix="rackwright-lint-") as temporary:
        folder = Path(temporary)
        status = run_limited(_command(tool, what, shape), cwd=folder, env=None,
                             log=folder / "log", limit=LIMIT, what=f"{tool} on {what.name}")
        lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    texts = [line.replace(f"{what.folder}{os.sep}", "") for line in lines
             if line.strip() and not _CONTINUES.match(line)]
    if status and not texts:
        texts = [f"{tool} ended with status {status} and said nothing"]
    return [Finding(tool, shape.name, text) for text in texts]


def _command(tool: str, what: Block, shape: Geometry) -> list[str]:
    sources = [str(source) for source in what.sources]
    if tool == "iverilog":
        values = [f"-P{what.toplevel}.{key}={value}" for key, value in shape.parameters.items()]
        return ["iverilog", "-g2012", "-Wall", "-s", what.toplevel, *values, "-o", "lint.vvp",
                *sources]
    values = [f"-G{key}={value}" for key, value in shape.parameters.items()]
    return ["verilator", "--lint-only", "-Wall", "--top-module", what.toplevel, *values, *sources]


def _waive(what: Block, findings: list[Finding], tools: list[str]) -> tuple[Finding, ...]:
    """Mark the findings that a waiver covers; add one for each waiver that covers nothing."""
    judged = list(findings)
    for rule in _waivers(what):
        met = [index for index, one in enumerate(findings)
               if one.tool == rule["tool"] and rule["text"] in one.text]
        for index in met:
            one = findings[index]
            judged[index] = Finding(one.tool, one.geometry, one.text, rule["reason"])
        if not met and rule["tool"] in tools:
            judged.append(Finding(rule["tool"], "", f"the waiver {rule['text']!r} meets no "
                                  "warning: delete it"))
    return tuple(judged)


def _waivers(what: Block) -> list[dict[str, str]]:
    inside = PACKAGE in what.folder.parents
    place = (PACKAGE if inside else what.folder) / "waivers.toml"
    if not place.is_file():
        return []
    try:
        rows = tomllib.loads(place.read_text(encoding="utf-8")).get("waiver", [])
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"cannot be read: {problem}", place=place) from None
    for row in rows:
        if set(row) != {"block", "tool", "text", "reason"} or not all(
                isinstance(value, str) and value for value in row.values()):
            raise InputError(f"waiver {row}: needs block, tool, text and reason, as texts, "
                             "and nothing else", place=place)
    return [row for row in rows if row["block"] == what.name]
