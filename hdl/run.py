"""The runner: one bench of one block, in a child process, and what came of it.

Icarus Verilog, or Verilator where it is asked for, under cocotb. The child has its own process
group and a limit of time. Compiled simulations are kept beside the compiled kernels, under a
hash of the RTL, the parameters and the versions of the tools; what is unused for a month is
deleted. Nothing is written into the package.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rackwright.errors import InputError, MissingTool, RackwrightError, UsageError
from rackwright.hdl.folders import Block, Geometry, block
from rackwright.hdl.lib.session import OUT, SEED
from rackwright.hdl.process import BUILD_FAILED, NO_LIBPYTHON, run_limited, tail
from rackwright.hdl.simulators import Simulator, find_simulator

__all__ = ["BenchReport", "BenchTest", "run_bench", "test_block"]

TIMEOUT = 300.0               # s; our choice: a packaged bench takes about ten
_KEEP_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class BenchTest:
    """One test of a bench; `message` says why it failed."""

    name: str
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class BenchReport:
    """What one run of a bench found. `log` and `waves` are the only parts that may vary."""

    block: str
    geometry: str
    parameters: dict[str, int]
    seed: int
    simulator: str
    tests: tuple[BenchTest, ...]
    coverage: dict[str, int]     # bin -> how often it was met
    cycles: dict[str, Any]       # what `characterise` keeps; empty if the bench measures nothing
    log: str                     # what the bench printed, its last lines
    waves: Path | None = None

    @property
    def passed(self) -> bool:
        """Every test passed."""
        return all(test.passed for test in self.tests)

    def to_json(self) -> str:
        """Canonical JSON, without the log and the path of the waves."""
        content = asdict(self) | {"passed": self.passed}
        del content["log"], content["waves"]
        return json.dumps(content, indent=1, sort_keys=True)


def test_block(name: str | os.PathLike[str], *, seed: int = 0, waves: bool = False,
               timeout_time: float = TIMEOUT, geometry: str | None = None,
               tests: str | None = None, simulator: str = "icarus") -> BenchReport:
    """Run the bench of a block (a name, or the path of a block folder) on one geometry.

    `geometry` is the first of the block by default; `tests` is a regular expression that picks
    tests by name; `timeout_time` is a limit in seconds (see `hdl.process`); `simulator` is
    ``icarus`` or ``verilator``. With `waves` an FST file is kept in the cache folder (Icarus only).
    A failing bench is a report with ``passed == False``.
    Raises MissingTool, UnknownName, UsageError, InputError (RTL that does not compile, a bench
    without tests), Stalled (limit passed, simulator killed), Interrupted (Ctrl-C).
    """
    what = block(name)
    return run_bench(what, what.geometry(geometry), seed=seed, waves=waves,
                     timeout_time=timeout_time, tests=tests, simulator=simulator)


def run_bench(what: Block, shape: Geometry, *, seed: int = 0, waves: bool = False,
              timeout_time: float = TIMEOUT, tests: str | None = None, keep: bool = True,
              first_failure: bool = False, given: Mapping[str, str] | None = None,
              bench: str | None = None, simulator: str = "icarus") -> BenchReport:
    """Run a bench on a block that was read, or put together, by the caller.

    As `test_block`, and: with `keep` off the compiled simulation is not kept; `first_failure` ends
    the run at the first test that fails; `given` are files (name -> text) for the bench, in the
    folder that `publish` writes to; `bench` is another bench's module.
    """
    tool = find_simulator(simulator)
    if waves and tool.name != "icarus":
        raise UsageError(f"waves are kept with Icarus Verilog, not with {tool.version}")
    with tempfile.TemporaryDirectory(prefix="rackwright-hdl-") as temporary:
        folder = Path(temporary)
        cache = _cache() if keep else folder
        job = _job(what, shape, tool, folder, cache, seed=seed, waves=waves, tests=tests)
        job["bench"] = bench or job["bench"]
        for name, text in {"job.json": json.dumps(job), **(given or {})}.items():
            (folder / name).write_text(text, encoding="utf-8")
        environment = {**_environment(what, seed, folder), **tool.environment}
        if first_failure:
            environment["COCOTB_MAX_FAILURES"] = "1"
        status = run_limited(
            [sys.executable, "-m", "rackwright.hdl.simulate", str(folder / "job.json")],
            cwd=folder, env=environment, log=folder / "log",
            limit=timeout_time, what=f"the bench of {what.name} ({shape.name}, seed {seed})")
        outcome = _results(what, shape, folder, status)
        return BenchReport(
            what.name, shape.name, shape.parameters, seed, tool.version, outcome,
            _published(folder, "coverage"),
            _published(folder, "cycles") | _published(folder, "load"),
            tail(folder / "log", 60), _keep_waves(what, shape, folder, cache) if waves else None)


def _job(what: Block, shape: Geometry, tool: Simulator, folder: Path, cache: Path, *, seed: int,
         waves: bool, tests: str | None) -> dict[str, Any]:
    kind = "vvp" if tool.name == "icarus" else "program"
    return {
        "simulator": tool.name,
        "sources": [str(source) for source in what.sources],
        "toplevel": what.toplevel, "parameters": shape.parameters, "bench": what.bench[0],
        "folder": str(folder), "build": str(folder / "build"),
        "results": str(folder / "results.xml"), "seed": seed, "waves": waves, "filter": tests,
        "cached": str(cache / f"{what.name}-{_build_key(what, shape, tool.version)}.{kind}"),
    }


def _build_key(what: Block, shape: Geometry, simulator: str) -> str:
    parts = [what.toplevel, what.rtl_sha256, sorted(shape.parameters.items()), simulator,
             version("cocotb")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _cache() -> Path:
    """The folder of compiled simulations, freed of what is a month old."""
    from rackwright.engine.kernel import cache_folder  # with NumPy, which the child does without

    folder = cache_folder().parent / "hdl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise RackwrightError(f"cannot keep compiled simulations in {folder}: {problem.strerror}. "
                              "Set RACKWRIGHT_CACHE to a writable folder") from None
    limit = time.time() - _KEEP_SECONDS
    for old in folder.iterdir():
        with suppress(OSError):  # another process was faster
            if old.stat().st_mtime < limit:
                old.unlink()
    return folder


def _environment(what: Block, seed: int, folder: Path) -> dict[str, str]:
    """The child's variables: ours, and nothing of a pytest or cocotb run around us."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "COCOTB_", "GPI_")) and name not in ("WAVES", "GUI")}
    outside = what.bench[1]
    paths = ([str(outside)] if outside else []) + [os.path.abspath(path) for path in sys.path]
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths), SEED: str(seed), OUT: str(folder),
        "NUMBA_DISABLE_JIT": "1",     # a golden called once an operation need not be compiled
        "COCOTB_LOG_LEVEL": "WARNING", "GPI_LOG_LEVEL": "WARNING", "COCOTB_ANSI_OUTPUT": "0",
    }


def _results(what: Block, shape: Geometry, folder: Path, status: int) -> tuple[BenchTest, ...]:
    """The tests that ran, at least one. Raises when the bench never got that far."""
    log = tail(folder / "log")
    if status == BUILD_FAILED:
        raise InputError(f"the RTL does not compile ({shape.name}):\n{log}", place=what.sources[0])
    if status == NO_LIBPYTHON:
        raise MissingTool(f"the benches cannot run:\n{log}\nUse a Python that was built with "
                          "--enable-shared, such as the system's with its -dev package")
    refused = _elaboration_errors(folder / "log")
    if refused:
        raise InputError(f"the RTL refuses its parameters {shape.parameters}: {refused}",
                         place=what.folder / "block.toml")
    if not (folder / "results.xml").is_file():
        raise InputError(f"the simulation ({shape.name}) ended without results:\n{log}",
                         place=what.folder / "bench.py")
    tests = tuple(_test(case) for case in
                  ElementTree.parse(folder / "results.xml").iter("testcase"))
    if not tests:
        raise InputError(f"no test ran ({shape.name}); the last it said:\n{log}",
                         place=what.folder / "bench.py")
    return tests


def _elaboration_errors(log: Path) -> str:
    """What the RTL's own checks ($error at time 0) said, to Icarus or to Verilator."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return "; ".join(re.findall(r"^ERROR: \S+:\d+: (.*)\n\s+Time: 0\s", text, re.MULTILINE)
                     + re.findall(r"^\[0\] %Error: \S+:\d+: Assertion failed in \S+: (.*)$", text,
                                  re.MULTILINE))


def _test(case: ElementTree.Element) -> BenchTest:
    name = case.get("name", "")
    for kind in ("failure", "error"):
        for fault in case.iter(kind):
            return BenchTest(name, False, fault.get("message") or (fault.text or kind).strip())
    return BenchTest(name, True)


def _published(folder: Path, name: str) -> dict[str, Any]:
    file = folder / f"{name}.json"
    content: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return content


def _keep_waves(what: Block, shape: Geometry, folder: Path, cache: Path) -> Path | None:
    dump = folder / "build" / f"{what.toplevel}.fst"
    if not dump.is_file():
        return None
    kept = cache / f"{what.name}-{shape.name}.fst"
    kept.write_bytes(dump.read_bytes())
    return kept
