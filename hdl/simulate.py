"""What runs in the child process: compile a block, then simulate its bench.

Usage: ``python -m rackwright.hdl.simulate JOB.json``, by `rackwright.hdl.run` only. Only here and
in the benches is cocotb imported. Exit status: 0 the bench ran (its results say how), 3 the RTL
does not compile, 4 the Python has no shared libpython.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from rackwright.hdl.process import BUILD_FAILED, NO_LIBPYTHON, die_with_parent

__all__ = ["main"]

_VERILATOR = ["-Wno-fatal"]    # what it warns of is for `rackwright hdl lint` to say


def main(job_file: str) -> int:
    """Do the job described in `job_file`; the exit status."""
    from cocotb_tools.runner import get_runner
    from find_libpython import find_libpython

    die_with_parent()
    job: dict[str, Any] = json.loads(Path(job_file).read_text(encoding="utf-8"))
    library = find_libpython()
    if library is None:
        print("cocotb needs a shared libpython, which this Python lacks")
        return NO_LIBPYTHON
    os.environ["LIBPYTHON_LOC"] = library  # spares cocotb's runner another search
    runner = get_runner(job.get("simulator", "icarus"))
    try:
        build(runner, job)
    except (RuntimeError, SystemExit, CalledProcessError):
        return BUILD_FAILED
    runner.test(
        hdl_toplevel=job["toplevel"], hdl_toplevel_lang="verilog", test_module=job["bench"],
        build_dir=job["build"], test_dir=job["folder"], results_xml=job["results"],
        seed=job["seed"], test_filter=job["filter"], waves=job["waves"], timescale=("1ns", "1ps"))
    return 0


def build(runner: Any, job: dict[str, Any]) -> None:
    """Compile, or take the compiled file from the cache; keep it there if it was new."""
    folder, cached = Path(job["build"]), Path(job["cached"])
    folder.mkdir(parents=True, exist_ok=True)
    verilator = job.get("simulator") == "verilator"
    # where cocotb's runner puts it and looks for it
    compiled = folder / (job["toplevel"] if verilator else "sim.vvp")
    use_cache = not job["waves"]   # a build with waves carries the path of its dump
    if use_cache and cached.is_file():
        shutil.copy(cached, compiled)
        os.utime(cached)           # used today: not to be deleted soon
    found = compiled.is_file()
    if not (verilator and found):  # Icarus is asked all the same: it takes no time
        runner.build(sources=job["sources"], hdl_toplevel=job["toplevel"],
                     parameters=job["parameters"], build_dir=folder, waves=job["waves"],
                     build_args=_VERILATOR if verilator else [], timescale=("1ns", "1ps"))
    if use_cache and not found:
        fresh = cached.with_name(f"{cached.name}.{os.getpid()}")
        shutil.copy(compiled, fresh)
        fresh.replace(cached)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
