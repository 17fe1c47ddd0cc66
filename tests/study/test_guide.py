"""The study files of the guide; its commands and snippets are run by tests/docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rackwright import study

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "studies.md"

pytestmark = pytest.mark.skipif(not GUIDE.is_file(), reason="needs the repository's documentation")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the guide."""
    text = GUIDE.read_text(encoding="utf-8")
    for name, inside in re.findall(r"^```toml (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(inside, encoding="utf-8")
    return tmp_path


def test_every_file_of_the_guide_is_sound(folder: Path) -> None:
    files = sorted(folder.glob("*.toml"))
    assert len(files) == 7
    for file in files:
        assert study.points(study.load(file))


def test_the_cases_of_the_last_step_differ(folder: Path) -> None:
    rows = study.run(folder / "cases.toml").rows
    assert [row.error for row in rows] == ["", "", ""]
    assert rows[1].derived["against_base"] < 1 < rows[2].derived["against_base"]
