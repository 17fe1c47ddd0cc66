"""`rackwright hdl`: data on stdout, notes on stderr, errors raised for the top level to word."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from rackwright.cli.hdl import hdl
from rackwright.errors import MissingTool, RackwrightError, UnknownName

MakeBlock = Callable[..., Path]


def test_list() -> None:
    result = CliRunner().invoke(hdl, ["list", "--json"])
    rows = {row["block"]: row for row in json.loads(result.stdout)}
    assert rows["witness_table"]["geometries"][0] == "1024x4"
    plain = CliRunner().invoke(hdl, ["list"])
    assert "witness_table" in plain.stdout and plain.exit_code == 0


@pytest.mark.usefixtures("icarus")
def test_failing_bench(make_block: MakeBlock) -> None:
    folder = make_block()
    make_block(rtl=(folder / "tiny.v").read_text().replace("~a", "a"))
    result = CliRunner().invoke(hdl, ["test", str(folder), "--seed", "3", "--json"])
    assert isinstance(result.exception, RackwrightError) and result.exception.exit_code == 1
    assert str(result.exception) == "the bench failed: tiny 4"
    (report,) = json.loads(result.stdout)
    assert report["seed"] == 3 and not report["passed"]
    assert "4 ..." in result.stderr


@pytest.mark.usefixtures("icarus")
def test_lint_says_what_it_skipped(make_block: MakeBlock) -> None:
    result = CliRunner().invoke(hdl, ["lint", str(make_block())])
    assert "tiny: " in result.stdout
    assert ("skipped verilator" in result.stderr) == (shutil.which("verilator") is None)


@pytest.mark.usefixtures("icarus")
def test_waves_says_where(make_block: MakeBlock) -> None:
    result = CliRunner().invoke(hdl, ["waves", str(make_block())])
    dump = Path(result.stdout.strip())
    assert dump.suffix == ".fst" and dump.stat().st_size > 0
    assert f"gtkwave {dump}" in result.stderr
    dump.unlink()


@pytest.mark.usefixtures("icarus")
@pytest.mark.slow
def test_mutate_counts_and_fails_on_survivors(make_block: MakeBlock, tmp_path: Path) -> None:
    folder = make_block()
    make_block(rtl=(folder / "tiny.v").read_text().replace("~a", "~a & 4'd11"))
    result = CliRunner().invoke(hdl, ["mutate", str(folder), "--count", "9", "--jobs", "2",
                                      "--write", str(tmp_path / "table.md")])
    assert isinstance(result.exception, RackwrightError)
    assert "faults survived: strengthen the bench, or explain them" in str(result.exception)
    assert "SURVIVED tiny.v:5: 4'd11 -> 4'd10" in result.stdout
    assert "| tiny |" in (tmp_path / "table.md").read_text()


def test_rates() -> None:
    rows = json.loads(CliRunner().invoke(hdl, ["rates", "--json"]).stdout)
    assert {"block", "geometry", "rates_bps"} <= rows[0].keys()
    assert "| witness_table |" in CliRunner().invoke(hdl, ["rates", "--fastest"]).stdout


def test_simulator_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM", "nothing")
    result = CliRunner().invoke(hdl, ["test", "arbiter"])
    assert result.exit_code == 2
    assert "'nothing' is not one of 'icarus', 'verilator'" in result.stderr


def test_errors_are_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(CliRunner().invoke(hdl, ["test", "nothing"]).exception, UnknownName)
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in ("test", "lint", "characterise", "mutate", "waves", "synth"):
        result = CliRunner().invoke(hdl, [command, "witness_table"])
        assert isinstance(result.exception, MissingTool) and result.exception.exit_code == 4


def test_nothing_heavy_is_imported() -> None:
    """Neither the group nor the goldens need a simulator's driver or the compiler."""
    code = ("import sys, rackwright.cli.hdl, rackwright.hdl.witness_table, rackwright.hdl.lib\n"
            "import rackwright.hdl.witness_table.tb\n"
            "print([name for name in ('cocotb', 'cocotb_tools', 'numba', 'pytest')"
            " if name in sys.modules])")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
