"""Every packaged study prints the table kept beside it; ``RACKWRIGHT_UPDATE=1`` writes it again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rackwright import study

FOLDER = Path(__file__).parents[2] / "examples" / "studies"
FILES = sorted(FOLDER.glob("*.toml"))
FAST = ("headless_nics", "nvme_or_remote_memory", "one_link_down", "rail_failures")
OFFLOADING = ("aep", "curp", "deeppool", "dispersedledger", "hyperrag", "lovelock")
NETWORKS = ("100Gbps", "200Gbps", "400Gbps")

pytestmark = pytest.mark.skipif(not FILES, reason="needs the repository's examples")


@pytest.mark.parametrize("file", [
    pytest.param(path, id=path.stem, marks=[] if path.stem in FAST else [pytest.mark.slow])
    for path in FILES])
def test_prints_what_is_kept(file: Path) -> None:
    found = study.run(file)
    kept = file.with_suffix(".out")
    if os.environ.get("RACKWRIGHT_UPDATE"):
        kept.write_text(found.summary(), encoding="utf-8")
    assert found.exit_code == 0, found.summary()
    assert not found.failed
    assert found.summary() == kept.read_text(encoding="utf-8")


def test_all_files_are_sound() -> None:
    assert len(FILES) >= 8
    for file in FILES:
        assert study.load(file).question


@pytest.mark.parametrize("system", OFFLOADING)
def test_every_system_s_blocks_are_turned_on_and_off(system: str) -> None:
    """At three speeds of the network, with what it buys over the system without blocks."""
    found = study.load(FOLDER / f"offload_{system}.toml")
    assert found.base.system == system
    assert "gain" in found.derived
    assert found.reference
    network, = (axis for axis in found.axis if axis.name == "network")
    named = tuple(case.name for case in network.case or ())
    assert (named or network.values) == NETWORKS


def test_the_readme_shows_one_of_them() -> None:
    kept = (FOLDER / "one_link_down.out").read_text(encoding="utf-8")
    assert kept in (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
