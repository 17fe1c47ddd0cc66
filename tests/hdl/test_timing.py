"""timing.toml: belongs to the RTL, holds what is measured, becomes seconds with a clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.errors import InputError, RackwrightError, UnknownName, UsageError

MakeBlock = Callable[..., Path]
MEASURING = """

@cocotb.test()
async def measure(dut):
    publish("cycles", {"startup_cycles": 2, "latency_cycles": {"x": 3},
                       "interval_cycles": {"x": 1.5}})
"""


@pytest.mark.parametrize("name", hdl.blocks())
def test_committed_cycles_belong_to_the_rtl(name: str) -> None:
    for shape in hdl.block(name).geometries:
        measured = hdl.timing(name, shape.name)
        assert measured.rtl_sha256 == hdl.block(name).rtl_sha256
        assert measured.parameters == shape.parameters


def test_witness_table_needs_one_clock_an_operation() -> None:
    table = hdl.timing("witness_table")
    assert table.geometry == "1024x4"
    sets = table.parameters["SETS"]
    for operation in ("record", "gc", "probe", "read", "freeze"):
        assert table.interval_cycles[operation] == 1
        assert table.latency_cycles[operation] == 3
    assert table.startup_cycles == sets
    assert table.latency_cycles["start"] == sets + 3


def test_seconds_need_a_clock() -> None:
    table = hdl.timing("witness_table")
    assert table.latency_time("record", clock_hz=250e6) == pytest.approx(12e-9)
    assert table.interval_time("record", clock_hz=250e6) == pytest.approx(4e-9)
    assert table.startup_time(clock_hz=250e6) == pytest.approx(1024 * 4e-9)
    for clock in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="finite number of Hz above 0"):
            table.latency_time("record", clock_hz=clock)
    with pytest.raises(UnknownName, match="operation of block witness_table 'recrod'.*'record'"):
        table.latency_time("recrod", clock_hz=1e6)


def test_cycles_by_size() -> None:
    frame = hdl.timing("crc32_stream", "64")
    assert frame.cycles_for("frame", 64) == 8 and frame.cycles_for("frame", 1518) == 190
    assert frame.cycles_for("frame", 160) == pytest.approx(20)
    for size in (63, 1519, float("nan")):
        with pytest.raises(UsageError, match="measured from 64 to 1518; nothing is extrapolated"):
            frame.cycles_for("frame", size)
    with pytest.raises(UnknownName, match="measured by size of block crc32_stream 'beat'"):
        frame.cycles_for("beat", 64)


def test_sizes_that_do_not_rise_are_refused(make_block: MakeBlock) -> None:
    folder = make_block()
    (folder / "timing.toml").write_text(
        f'simulator = "x"\nrtl_sha256 = "{hdl.block(folder).rtl_sha256}"\n[[geometry]]\n'
        'name = "4"\nparameters = { WIDTH = 4 }\nstartup_cycles = 0\nlatency_cycles = {}\n'
        'interval_cycles = {}\nsize_cycles = { x = [[2, 1], [2, 3]] }\n')
    with pytest.raises(InputError, match=r"size_cycles of x: the sizes \[2, 2\] must rise"):
        hdl.timing(folder)


@pytest.mark.parametrize("name", [name for name in hdl.blocks() if name != "arbiter"])
def test_load_sweeps(name: str) -> None:
    """At full load an operation takes its interval, without a stall in a block that is free at
    every clock; at a quarter of it no less."""
    for shape in hdl.block(name).geometries:
        measured = hdl.timing(name, shape.name)
        for operation in {row.operation for row in measured.load}:
            rows = [row for row in measured.load if row.operation == operation]
            assert [row.offered for row in rows] == [0.25, 0.5, 0.75, 1.0]
            assert rows[0].cycles > 0.95 * rows[-1].cycles   # a few hundred draws: about
            assert all(0 <= row.stalled < 1 for row in rows)
            if measured.interval_cycles.get(operation) == 1 and name not in (
                    "topk_stream", "reduce_add"):   # results in between; two streams
                assert rows[-1].cycles == 1 and rows[-1].stalled == 0


def test_changed_rtl_is_refused(tmp_path: Path) -> None:
    for name in ("witness_table", "lib/axis_skid"):
        shutil.copytree(Path(hdl.__file__).parent / name, tmp_path / name)
    folder = tmp_path / "witness_table"
    assert hdl.timing(folder).latency_cycles["record"] == 3
    with open(tmp_path / "lib/axis_skid/axis_skid.v", "a") as rtl:
        rtl.write("// changed\n")
    with pytest.raises(InputError, match="timing.toml: the RTL has changed .*characterise"):
        hdl.timing(folder)


def test_block_that_was_never_measured(make_block: MakeBlock) -> None:
    with pytest.raises(InputError, match="timing.toml: this block was never measured"):
        hdl.timing(make_block())


@pytest.mark.parametrize(("text", "message"), [
    ("x = [", "cannot be read"), ("x = 1\n", "not a file that .* wrote")])
def test_file_that_is_no_timing(make_block: MakeBlock, text: str, message: str) -> None:
    folder = make_block()
    (folder / "timing.toml").write_text(text)
    with pytest.raises(InputError, match=f"timing.toml: {message}"):
        hdl.timing(folder)


@pytest.mark.usefixtures("icarus")
def test_characterise_writes_what_timing_reads(make_block: MakeBlock) -> None:
    folder = make_block()
    make_block(bench=(folder / "bench.py").read_text() + MEASURING)
    text = hdl.characterise(folder)
    assert (folder / "timing.toml").read_text() == text
    measured = hdl.timing(folder)
    assert (measured.startup_cycles, measured.latency_cycles) == (2, {"x": 3})
    assert measured.interval_cycles == {"x": 1.5}

    (folder / "timing.toml").write_text(text.replace("x = 3", "x = 4"))
    with pytest.raises(RackwrightError, match=r"4: latency_cycles is \{'x': 4\}, measured .*3"):
        hdl.characterise(folder, check=True)


@pytest.mark.usefixtures("icarus")
@pytest.mark.slow
def test_characterise_that_cannot_write(make_block: MakeBlock) -> None:
    folder = make_block()
    make_block(bench=(folder / "bench.py").read_text() + MEASURING)
    (folder / "timing.toml").mkdir()
    with pytest.raises(RackwrightError, match="timing.toml cannot be written .*--check works"):
        hdl.characterise(folder)


@pytest.mark.usefixtures("icarus")
@pytest.mark.slow
@pytest.mark.parametrize("name", hdl.blocks())
def test_measured_again(name: str) -> None:
    committed = (hdl.block(name).folder / "timing.toml").read_text()
    simulator = f'simulator = "{hdl.timing(name).simulator}"'
    measured = hdl.characterise(name, check=True).splitlines()
    assert [simulator if line.startswith("simulator") else line for line in measured] == (
        committed.splitlines())
