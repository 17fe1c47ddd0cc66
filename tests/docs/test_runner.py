"""The runner of the pages: what it runs, what it compares, and that it can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Pages = Callable[[str], Any]
MARK = "`" * 3


def block(sort: str, text: str) -> str:
    return f"{MARK}{sort}\n{text}{MARK}\n\n"


@pytest.fixture
def page(walk: Pages, tmp_path: Path) -> Callable[..., Any]:
    def make(*parts: str) -> Any:
        path = tmp_path / "page.md"
        path.write_text("# A page\n\n" + "".join(parts), encoding="utf-8")
        return walk(str(path))
    return make


def test_snippets_share_names_and_are_compared(page: Callable[..., Any]) -> None:
    good = (block("python", "x = 2\n"), block("python", "print(x + 1)\n"))
    page(*good, block("text", "3\n")).run()
    with pytest.raises(AssertionError, match=r"page.md:8 prints\s+3"):
        page(*good, block("text", "4\n")).run()


def test_an_ellipsis_stands_for_lines_and_ends_of_lines(page: Callable[..., Any]) -> None:
    code = block("python", "print('one two\\nthree\\nfour')\n")
    page(code, block("text", "one ...\nfour\n")).run()
    page(code, block("text", "one two\n...\n")).run()
    with pytest.raises(AssertionError, match="prints"):
        page(code, block("text", "one ...\nfive\n")).run()


def test_commands_and_their_exit_codes(page: Callable[..., Any]) -> None:
    page(block("console", "$ rackwright --version\nrackwright ...\n$ echo a \\\n  b\na b\n")).run()
    wrong = "$ rackwright devices no-such-part\n"
    page(block("console exit=2", wrong + "rackwright: error: unknown part ...\n")).run()
    with pytest.raises(AssertionError, match="unknown part"):
        page(block("console", wrong)).run()
    with pytest.raises(AssertionError, match="prints"):
        page(block("console exit=2", wrong)).run()


def test_files_are_there_and_folders_are_left_out(page: Callable[..., Any]) -> None:
    shown = "$ cat below/a.txt\ncontent\n$ realpath below/a.txt\nbelow/a.txt\n"
    page(block("text below/a.txt", "content\n"), block("console", shown)).run()


def test_slow_commands_wait_for_the_slow_test(page: Callable[..., Any]) -> None:
    done = page(block("console slow", "$ false\n"), block("console", "$ true\n"))
    done.run()
    with pytest.raises(AssertionError, match="false"):
        done.run(slow=True)


def test_what_has_no_sort_is_not_run(page: Callable[..., Any]) -> None:
    done = page(block("", "rm -rf everything\n"))
    done.run()
    assert done.blocks() == []
