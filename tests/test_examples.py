"""Every example prints what is kept beside it; the README shows the same text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_prints_what_is_kept(script: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == script.with_suffix(".out").read_text()


def test_the_readme_shows_the_first_example() -> None:
    assert (ROOT / "examples" / "swap_parts.py").read_text() in (ROOT / "README.md").read_text()
