"""Writes what the documentation derives: reference/cli.md, reference/api.md, lists of README.md.

``python docs/generate.py`` writes, ``--check`` says which file is not current and exits with 1.
The command line comes from click, the names from the ``__all__`` of the public packages with the
first line of their docstrings, the lists from the titles of model cards, blocks and decisions.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

HERE = Path(__file__).parent
MODULES = (
    "rackwright", "rackwright.run", "rackwright.errors", "rackwright.units",
    "rackwright.devices", "rackwright.devices.catalog", "rackwright.topologies",
    "rackwright.traces", "rackwright.models", "rackwright.models.options",
    "rackwright.models.outcome", "rackwright.models.registry", "rackwright.result",
    "rackwright.engine", "rackwright.hdl", "rackwright.fidelity", "rackwright.calibrate",
    "rackwright.study", "rackwright.panel", "rackwright.report", "rackwright.reproduce",
)
WIDTH = 100
MARK = "<!-- written by docs/generate.py from here on -->\n"


def command_line() -> str:
    """Every command with its help, as the terminal shows it."""
    from rackwright.cli.app import cli

    head = ("# Command line\n\nWritten by `python docs/generate.py` from what `--help` prints. "
            "Exit codes: 0 success, 1 a failed expectation,\n2 usage, 3 bad input, 4 missing tool, "
            "130 interrupted.\n\n")
    return head + "\n".join(_helps(cli, "rackwright", 2))


def _helps(command: click.Command, path: str, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=path, max_content_width=WIDTH,
                            terminal_width=WIDTH)
    yield f"{'#' * min(level, 4)} {path}\n\n```\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _helps(found, f"{path} {name}", level + 1)


def names() -> str:
    """Every public name with the first line of its docstring."""
    head = ("# Public names\n\nWritten by `python docs/generate.py`. `help(NAME)` tells shapes, "
            "units and errors.\n")
    return head + "".join(_module(name) for name in MODULES if _is_there(name))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _module(name: str) -> str:
    module = importlib.import_module(name)
    rows = "".join(f"| `{entry}` | {_first_line(module, entry)} |\n"
                   for entry in sorted(getattr(module, "__all__", ())))
    return (f"\n## {name}\n\n{_sentence(inspect.getdoc(module) or '')}\n"
            + (f"\n| name | what |\n| --- | --- |\n{rows}" if rows else ""))


def _first_line(module: object, entry: str) -> str:
    value = getattr(module, entry)
    if isinstance(value, str | int | float | tuple | dict | frozenset):
        return "a constant"
    if not (inspect.ismodule(value) or inspect.isclass(value) or callable(value)):
        return "a type"
    function = getattr(value, "function", value)    # a kernel's own words, not the decorator's
    return _sentence(inspect.getdoc(function) or "").replace("|", "\\|")


def _sentence(text: str) -> str:
    """The first paragraph up to its first full stop, in one line."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[.:]) (?=[A-Z`])", paragraph)[0].rstrip(":")


def index() -> str:
    """The index as it is up to `MARK`, then the lists."""
    written = (HERE / "README.md").read_text(encoding="utf-8")
    above, mark, _ = written.partition(MARK)
    root = HERE.parent
    more = [page for page in HERE.glob("guides/*.md") if f"(guides/{page.name})" not in above]
    return above + mark + "".join([
        _list("More guides", more) if more else "",
        _list("Model cards", root.glob("models/*/README.md")),
        _list("Blocks", [*root.glob("hdl/*/README.md"), *root.glob("hdl/lib/*/README.md")]),
        _list("Design decisions", HERE.glob("design/*.md"))])


def _list(title: str, pages: Iterable[Path]) -> str:
    rows = (f"* [{_title(page)}]({Path(os.path.relpath(page, HERE)).as_posix()})\n"
            for page in sorted(pages))
    return f"\n## {title}\n\n{''.join(rows)}"


def _title(page: Path) -> str:
    """The page's heading, without what all of its kind begin with."""
    heading = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return heading.removeprefix("Model card: ").replace("[", "(").replace("]", ")")


PAGES = {"README.md": index, "reference/cli.md": command_line, "reference/api.md": names}


def main(words: list[str]) -> int:
    """Write, or with ``--check`` tell. Line breaks do not count: versions of click differ there."""
    stale = []
    for page, make in PAGES.items():
        place, text = HERE / page, make()
        there = place.read_text(encoding="utf-8") if place.exists() else ""
        if there.split() != text.split():
            stale.append(page)
            if "--check" not in words:
                place.parent.mkdir(exist_ok=True)
                place.write_text(text, encoding="utf-8")
    if stale:
        print(("not current: " if "--check" in words else "wrote ") + ", ".join(stale))
    return 1 if stale and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
