"""Every page of the documentation: its snippets and commands print what is shown.

Two guides to traces say more than their snippets show and have tests of their own in tests/traces.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
if not DOCS.is_dir():
    pytest.skip("the documentation is not beside the tests", allow_module_level=True)
ELSEWHERE = {"guides/moe-routing-traces.md", "guides/query-traces.md"}
EVERY = {str(path.relative_to(DOCS)) for path in (*DOCS.glob("*.md"), *DOCS.glob("guides/*.md"))}
PAGES = sorted(EVERY - ELSEWHERE)
SLOW = [page for page in PAGES if "```console slow" in (DOCS / page).read_text(encoding="utf-8")]
SIMULATED = ("guides/hdl-runs.md", "guides/own-block.md")
RUN, FILES = {"console", "python", "text"}, {"csv", "python", "text", "toml"}
Pages = Callable[[str], Any]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_as_shown(page: str, walk: Pages) -> None:
    done = walk(page)
    done.run()
    for name, start in {"rack.svg": "<?xml", "here.json": "{"}.items():
        if (done.folder / name).exists():
            assert (done.folder / name).read_text(encoding="utf-8").lstrip().startswith(start)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW)
def test_its_slow_commands_are_as_shown(page: str, walk: Pages) -> None:
    if page in SIMULATED and shutil.which("iverilog") is None:
        pytest.skip("needs Icarus Verilog: sudo apt-get install iverilog")
    walk(page).run(slow=True)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_sort_that_is_run(page: str, walk: Pages) -> None:
    for block in walk(page).blocks():
        known = FILES if block.is_file() else RUN
        assert block.sort in known, f"{page}:{block.line}"
