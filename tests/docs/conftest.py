"""Runs a page of the documentation as it is written, and compares what it shows.

Blocks, in the order of the page, in one folder and one namespace:

* ``console``: commands after "$ " and what they print on stdout (``console exit=3``: that exit
  code, stderr printed too; ``console slow``: in the slow test; ``console here``: depends on the
  machine, only its exit code counts);
* ``python``: a snippet; a ``text`` block right after it is what it prints;
* ``text NAME``, ``toml NAME``, ``python NAME`` ...: a file of that name, there from the start;
* without a sort: shown, not run.

In what is shown a line "..." stands for any lines, "..." at the end of one for any rest of it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from rackwright.cli import main
from rackwright.models import registry

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```([a-z]+[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    sort: str      # console, python, text ...
    words: tuple[str, ...]
    text: str
    line: int      # of its first line, for tracebacks and messages

    def is_file(self) -> bool:
        return bool(self.words) and self.sort != "console"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(*_sort(found[1]), found[2], text.count("\n", 0, found.start(2)) + 1)
            for found in _BLOCK.finditer(text)]


def _sort(told: str) -> tuple[str, tuple[str, ...]]:
    first, *words = told.split()
    return first, tuple(words)


class Walk:
    """A page being walked through; `folder` is where it works."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.names: dict[str, object] = {"__name__": "__main__"}
        for block in blocks(page):
            if block.is_file():
                place = folder / block.words[0]
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(block.text, encoding="utf-8")

    def blocks(self) -> list[Block]:
        return blocks(self.page)

    def run(self, slow: bool = False) -> None:
        """Every block that is to be run; only the slow commands, or all but these."""
        for block, after in pairwise([*self.blocks(), Block("", (), "", 0)]):
            if block.sort == "console" and ("slow" in block.words) == slow:
                self._console(block)
            elif block.sort == "python" and not block.words and not slow:
                told = after.text if after.sort == "text" and not after.words else "...\n"
                self._agree(self._python(block), told, block.line)

    def _console(self, block: Block) -> None:
        if "here" in block.words and not Path("/sys/bus/pci/devices").is_dir():
            return
        wanted = next((int(word[5:]) for word in block.words if word.startswith("exit=")), 0)
        for command, told in commands(block.text):
            if "--svg" in command:
                pytest.importorskip("matplotlib")
            code, shown, problem = self.command(command)
            assert code == wanted, f"{self.page.name}:{block.line}: {command}\n{problem}"
            if "here" not in block.words:
                self._agree(shown + (problem if wanted else ""), told, block.line)

    def command(self, command: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command line."""
        words = shlex.split(command)
        if words[0] == "rackwright" and not {"|", ">", "&&"} & set(words):
            return _main(words[1:])
        if words[:2] == ["pip", "install"]:
            return self._install()
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, capture_output=True,
                              text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def _install(self) -> tuple[int, str, str]:
        """What ``pip install -e .`` would leave on the path, for the page's pyproject.toml."""
        project = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]
        told = self.folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\n"
                                       f"Version: {project['version']}\n")
        (told / "entry_points.txt").write_text("".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in project["entry-points"].items()))
        importlib.invalidate_caches()
        registry._installed.cache_clear()
        return 0, "", ""

    def _python(self, block: Block) -> str:
        shown = io.StringIO()
        code = compile("\n" * (block.line - 1) + block.text, str(self.page), "exec")
        with contextlib.redirect_stdout(shown):
            exec(code, self.names)
        return shown.getvalue()

    def _agree(self, found: str, told: str, line: int) -> None:
        found = found.replace(f"{self.folder}/", "")    # a reader's folder is another one
        assert agrees(found, told), f"{self.page.name}:{line} prints\n{found}"


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(command, what it prints); a backslash at the end of a line goes on in the next."""
    for piece in re.split(r"^\$ ", text.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        command, _, output = piece.partition("\n")
        yield command, output


def agrees(found: str, told: str) -> bool:
    pattern = re.escape(told).replace(re.escape("...\n"), ".*")
    return re.fullmatch(pattern, found, re.DOTALL) is not None


def _main(words: list[str]) -> tuple[int, str, str]:
    shown, problem = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(problem), \
            pytest.raises(SystemExit) as stop:
        main(words)
    return int(stop.value.code or 0), shown.getvalue(), problem.getvalue()


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Walk]]:
    """A page by its path below docs/, ready to be run in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield lambda page: Walk(ROOT / "docs" / page, tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
    registry._installed.cache_clear()
