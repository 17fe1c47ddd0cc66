"""Every example prints what is kept beside it, and stands in the table of examples.

``RACKWRIGHT_UPDATE=1`` writes the kept outputs again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
STUDIES = sorted((ROOT / "examples" / "studies").glob("*.toml"))
FAST = ("fault_at_time", "line_rate_blocks", "swap_parts")
NEEDS_ICARUS = ("live_block",)


def _marks(script: Path) -> list[pytest.MarkDecorator]:
    marks = [] if script.stem in FAST else [pytest.mark.slow]
    if script.stem in NEEDS_ICARUS:
        marks.append(pytest.mark.skipif(shutil.which("iverilog") is None,
                                        reason="needs Icarus Verilog"))
    return marks


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("script", [
    pytest.param(path, id=path.stem, marks=_marks(path)) for path in EXAMPLES])
def test_prints_what_is_kept(script: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    kept = script.with_suffix(".out")
    if os.environ.get("RACKWRIGHT_UPDATE"):
        kept.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_scripts_are_short_and_say_what_they_ask(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert 9 <= len(text.splitlines()) <= 50


def test_the_readme_shows_the_first_example() -> None:
    assert (ROOT / "examples" / "swap_parts.py").read_text() in (ROOT / "README.md").read_text()


def test_the_table_lists_every_example_once() -> None:
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\|[^|]*\| \[[^\]]*\]\(([^)]+)\) \|", table, re.MULTILINE)
    assert sorted(named) == sorted(path.relative_to(ROOT / "examples").as_posix()
                                   for path in [*EXAMPLES, *STUDIES])
