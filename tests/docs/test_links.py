"""Links between pages lead somewhere, every page is in the index, what is generated is current."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
if not DOCS.is_dir():
    pytest.skip("the documentation is not beside the tests", allow_module_level=True)
WHERE = ("*.md", "bench/*.md", "devices/**/README.md", "docs/**/*.md", "hdl/**/README.md",
         "models/**/README.md", "topologies/README.md", "traces/README.md")
PAGES = sorted({path for pattern in WHERE for path in ROOT.glob(pattern)})
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:bench|devices|docs|hdl|models|tests|topologies|traces)/[\w./-]+\.\w+)`")


def prose(page: Path) -> str:
    """The text without code, in which brackets mean other things."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """(file, heading) of every link to a file of ours."""
    for target in _LINK.findall(prose(page)):
        if "://" not in target and not target.startswith("mailto:"):
            path, _, heading = target.partition("#")
            yield (page.parent / path).resolve() if path else page, heading


def anchors(page: Path) -> set[str]:
    """Headings as the forge names them: lower case, blanks to hyphens, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for path, heading in links(page):
        assert path.exists(), path
        assert not heading or heading in anchors(path), f"{path} has no heading {heading}"


def test_the_index_lists_every_page() -> None:
    listed = {path for path, _ in links(DOCS / "README.md")}
    pages = {path for path in DOCS.rglob("*.md") if path != DOCS / "README.md"}
    assert not sorted(pages - listed)


def test_paths_told_in_prose_exist() -> None:
    """`docs/guides/x.md` and the like in code marks, too."""
    for page in PAGES:
        for told in _PATH.findall(page.read_text(encoding="utf-8")):
            assert (ROOT / told).exists(), f"{page.relative_to(ROOT)} names {told}"


def test_what_is_generated_is_current() -> None:
    # in a process of its own: other tests change commands and environment
    done = subprocess.run([sys.executable, str(DOCS / "generate.py"), "--check"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run python docs/generate.py"
