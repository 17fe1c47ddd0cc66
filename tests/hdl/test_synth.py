"""Sizes from Yosys: committed figures belong to the RTL and stay under their ceilings."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.errors import InputError, MissingTool, RackwrightError, UsageError
from rackwright.hdl.synth import FIGURES, sizes

MakeBlock = Callable[..., Path]
yosys = pytest.mark.skipif(shutil.which("yosys") is None,
                           reason="Yosys is not installed (sudo apt-get install yosys)")


@pytest.mark.parametrize("name", hdl.blocks())
def test_committed_figures_are_of_this_rtl_and_under_the_ceilings(name: str) -> None:
    what = hdl.block(name)
    kept = tomllib.loads((what.folder / "synthesis.toml").read_text())
    ceilings = tomllib.loads((Path(hdl.__file__).parent / "budgets.toml").read_text())[name]
    assert kept["rtl_sha256"] == what.rtl_sha256 and kept["tool"].startswith("Yosys ")
    names = [row["name"] for row in kept["geometry"]]
    assert names == [one.name for one in what.geometries
                     if not isinstance(ceilings[one.name], str)]  # a text: why it is left out
    assert what.geometries[0].name in names and sizes(name).keys() == {*names}
    for row in kept["geometry"]:
        assert row["parameters"] == what.geometry(row["name"]).parameters
        assert all(row[key] <= ceilings[row["name"]][key] for key in FIGURES)


def test_without_yosys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="sudo apt-get install yosys"):
        hdl.synthesise("arbiter")


@yosys
def test_ceilings_are_held(make_block: MakeBlock) -> None:
    folder = make_block()
    assert "luts = 4" in hdl.synthesise(folder)
    hdl.synthesise(folder, check=True)
    (folder / "budgets.toml").write_text(
        "[tiny]\n4 = { luts = 3, flip_flops = 0, memory_bits = 0, levels = 1 }\n")
    with pytest.raises(RackwrightError, match=r"4: luts = 4, ceiling 3 \(budgets.toml\)"):
        hdl.synthesise(folder)
    (folder / "budgets.toml").write_text("[tiny]\n4 = { luts = 3 }\n")
    with pytest.raises(InputError, match="ceilings of 4 need luts, flip_flops, memory_bits"):
        hdl.synthesise(folder)
    (folder / "budgets.toml").write_text('[tiny]\n4 = "too large"\n')
    assert "luts" not in hdl.synthesise(folder)
    with pytest.raises(UsageError, match="a synthesis.toml is written with all of them"):
        hdl.synthesise(folder, geometry="4")


@yosys
def test_other_rtl_is_found(make_block: MakeBlock) -> None:
    folder = make_block()
    hdl.synthesise(folder)
    make_block(rtl=(folder / "tiny.v").read_text().replace("~a", "~a & {WIDTH{a[0]}}"))
    with pytest.raises(RackwrightError, match="synthesis.toml is of other RTL"):
        hdl.synthesise(folder, check=True)


@yosys
@pytest.mark.slow
@pytest.mark.parametrize("name", ["arbiter", "axis_fifo", "axis_skid", "token_dispatch"])
def test_synthesised_again(name: str) -> None:
    hdl.synthesise(name, check=True, geometry=hdl.block(name).geometries[0].name)
