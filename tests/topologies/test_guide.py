"""The guide to topologies: every command and snippet runs and prints what stands there.

A block ``console`` holds commands after "$ " and what they print; a line "..." stands for any
lines. A block ``python`` is followed by a block ``text`` with what it prints. ``text NAME`` is a
file. ``console here`` depends on the machine.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rackwright.cli import main

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "topologies.md"


class Block(NamedTuple):
    sort: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^```([a-z]+[^\n]*)\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"),
                       re.MULTILINE | re.DOTALL)
    return [Block(sort, text) for sort, text in found]


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(command, what it prints)."""
    for piece in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = piece.partition("\n")
        yield command, output


def ran(command: str) -> tuple[int, str]:
    words = shlex.split(command)
    assert words[0] == "rackwright"
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()), \
            pytest.raises(SystemExit) as stop:
        main(words[1:])
    return int(stop.value.code or 0), shown.getvalue()


def printed(code: str, names: dict[str, object]) -> str:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(code, str(GUIDE), "exec"), names)
    return shown.getvalue()


def agrees(found: str, told: str) -> bool:
    """A line "..." stands for any lines, "..." at the end of one for any rest of it."""
    pattern = re.escape(told).replace(re.escape("...\n"), ".*")
    return re.fullmatch(pattern, found, re.DOTALL) is not None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files of the guide."""
    monkeypatch.chdir(tmp_path)
    for sort, text in blocks():
        if sort.startswith("text "):
            (tmp_path / sort.removeprefix("text ")).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_snippets_print_what_is_shown(folder: Path) -> None:
    every, names = blocks(), {}
    for (sort, code), (after, told) in zip(every, [*every[1:], Block("", "")], strict=True):
        if sort == "python":
            found = printed(code, names)
            assert agrees(found, told if after == "text" else ""), found


def test_the_commands_print_what_is_shown(folder: Path) -> None:
    for sort, text in blocks():
        for command, told in commands(text) if sort == "console" else ():
            if "--svg" in command:
                pytest.importorskip("matplotlib")
            code, found = ran(command)
            assert code == 0, command
            assert agrees(found, told), f"{command}\n{found}"
    assert (folder / "rack.svg").read_text(encoding="utf-8").lstrip().startswith("<?xml")


@pytest.mark.skipif(not Path("/sys/bus/pci/devices").is_dir(), reason="no PCI bus in /sys")
def test_this_machine_can_be_captured(folder: Path) -> None:
    text = next(text for sort, text in blocks() if sort == "console here")
    for command, _ in commands(text):
        assert ran(command)[0] == 0
    assert ran("rackwright topology check here.json")[0] == 0


def test_every_block_is_of_a_sort_that_is_run() -> None:
    assert {sort.split()[0] for sort, _ in blocks()} == {"console", "python", "text"}
