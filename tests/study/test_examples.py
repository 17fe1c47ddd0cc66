"""Every packaged study prints the table kept beside it; ``RACKWRIGHT_UPDATE=1`` writes it again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rackwright import study

FOLDER = Path(__file__).parents[2] / "examples" / "studies"
FILES = sorted(FOLDER.glob("*.toml"))
SLOW = ("nvlink_or_pcie",)

pytestmark = pytest.mark.skipif(not FILES, reason="needs the repository's examples")


@pytest.mark.parametrize("file", [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])
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
    assert len(FILES) >= 6
    for file in FILES:
        assert study.load(file).question


def test_the_readme_shows_one_of_them() -> None:
    kept = (FOLDER / "one_link_down.out").read_text(encoding="utf-8")
    assert kept in (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
