"""The guide to a block of one's own, as written: folder, bench, cycles, an offload in use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rackwright import hdl

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "own-block.md"
pytestmark = [pytest.mark.usefixtures("icarus"), pytest.mark.slow]


def written(folder: Path) -> str:
    """Put the files of the guide into a folder; its text."""
    if not GUIDE.is_file():
        pytest.skip("the guides are not beside the tests")
    text = GUIDE.read_text(encoding="utf-8")
    for name, content in re.findall(r"^```[a-z]+ (\S+\.\w+)\n(.*?)^```$", text, re.M | re.S):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return text


def test_from_a_new_folder_to_an_offload_in_use(tmp_path: Path) -> None:
    text = written(tmp_path)
    report = hdl.test_block(tmp_path / "incr")
    assert report.passed and f"{len(report.tests)} of {len(report.tests)} tests passed" in text
    hdl.characterise(tmp_path / "incr")
    said = subprocess.run([sys.executable, "use.py"], cwd=tmp_path, capture_output=True, text=True)
    assert said.stdout and f"It prints `{said.stdout.strip()}`" in text, said.stderr
    assert len(text.splitlines()) < 60


def test_its_bench_finds_faults(tmp_path: Path) -> None:
    written(tmp_path)
    report = hdl.mutate(tmp_path / "incr", count=6)
    assert report.count("killed") >= 4 and not report.survivors
