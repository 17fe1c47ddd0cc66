"""Compiled kernels are found again when nothing changed, and never when anything did."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

CALLEE = """
from typing import NamedTuple
import numpy as np
from rackwright.engine import kernel
SCALE = 2
TABLE = np.array([1, 2, 3])

class Pair(NamedTuple):
    one: object
    two: object

@kernel
def inner(x):
    return x * SCALE

@kernel
def aside(x):
    return x - 1
"""

CALLER = """
import numpy as np
from rackwright.engine import kernel
from rw_callee import Pair, SCALE, TABLE, inner

@kernel
def outer(x):
    return inner(x) + TABLE[0]

@kernel
def fields(pair):
    return pair.one[0] * 10 + pair.two[0]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RACKWRIGHT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "rw_callee.py").write_text(CALLEE)
    (tmp_path / "rw_caller.py").write_text(CALLER)
    yield tmp_path
    for name in ("rw_callee", "rw_caller"):
        sys.modules.pop(name, None)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / f"{name}.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def load(folder: Path, name: str) -> ModuleType:
    """The module as a new process would see it."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile((folder / f"{name}.py").read_text(), str(folder / f"{name}.py"), "exec"),
         module.__dict__)
    return module


def fresh(folder: Path) -> Any:
    load(folder, "rw_callee")
    return load(folder, "rw_caller")


def versions(folder: Path, kernel: str) -> list[str]:
    return sorted(path.name for path in (folder / "cache" / "kernels").glob(f"{kernel}-*"))


@pytest.mark.parametrize(("old", "new", "result"), [
    ("x * SCALE", "x * SCALE + 10000", 10021),  # a callee in another file
    ("SCALE = 2", "SCALE = 5", 51),             # a constant that it reads there
    ("[1, 2, 3]", "[7, 2, 3]", 27),             # an array that the caller reads from there
])
def test_an_edit_in_another_file_reaches_the_caller(
        folder: Path, old: str, new: str, result: int) -> None:
    before = fresh(folder)
    assert before.outer(10) == 21
    edit(folder, "rw_callee", old, new)
    after = fresh(folder)
    assert after.outer.source_hash != before.outer.source_hash
    assert after.outer(10) == result
    assert len(versions(folder, "rw_caller.outer")) == 2


def test_nothing_changed_means_the_same_folder_and_no_new_version(folder: Path) -> None:
    first, second = fresh(folder), fresh(folder)
    assert first.outer(10) == second.outer(10) == 21
    assert first.outer.folder == second.outer.folder
    assert second.outer._dispatcher.stats.cache_hits
    assert len(versions(folder, "rw_caller.outer")) == 1


def test_an_edit_of_a_function_that_is_not_reached_keeps_the_version(folder: Path) -> None:
    before = fresh(folder)
    edit(folder, "rw_callee", "x - 1", "x - 2")
    after = fresh(folder)
    assert after.outer.source_hash == before.outer.source_hash
    assert after.outer.folder == before.outer.folder


def test_neither_place_nor_time_nor_other_lines_of_the_file_matter(
        folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = fresh(folder)
    assert before.outer(10) == 21
    assert before.fields(before.Pair(before.TABLE, before.TABLE)) == 11
    other = tmp_path_factory.mktemp("other")
    for name in ("rw_callee", "rw_caller"):
        text = "# one line more\n" + (folder / f"{name}.py").read_text()
        (other / f"{name}.py").write_text(text)
        os.utime(other / f"{name}.py", (9, 9))
    after = fresh(other)
    assert after.outer(10) == 21 and after.fields(after.Pair(after.TABLE, after.TABLE)) == 11
    assert after.outer._dispatcher.stats.cache_hits
    assert after.outer.folder == before.outer.folder


def test_an_argument_class_that_has_moved_is_compiled_anew(
        folder: Path, run_python: Callable[..., Any]) -> None:
    code = "import rw_caller as c; print(c.fields(c.Pair(c.TABLE, c.TABLE)))"

    def run() -> str:
        found = run_python(code, PYTHONPATH=str(folder), RACKWRIGHT_CACHE=str(folder / "cache"))
        return str(found.stdout + found.stderr)

    assert run().startswith("11\n")
    pair = "class Pair(NamedTuple):\n    one: object\n    two: object\n"
    edit(folder, "rw_callee", pair, "")
    (folder / "rw_pair.py").write_text(f"from typing import NamedTuple\n{pair}")
    edit(folder, "rw_caller", "import Pair, SCALE", "import SCALE")
    edit(folder, "rw_caller", "import numpy as np\n", "from rw_pair import Pair\n")
    assert run().startswith("11\n")
    assert len(versions(folder, "rw_caller.fields")) == 1


def test_a_file_edited_after_its_import_does_not_poison_the_cache(folder: Path) -> None:
    running = fresh(folder)
    edit(folder, "rw_callee", "x * SCALE", "x * SCALE + 10000")
    assert running.outer(10) == 21  # the old code runs on, whatever the file says now
    assert fresh(folder).outer(10) == 10021


def test_states_are_named_tuples_from_an_importable_module(folder: Path) -> None:
    import numpy as np

    module = fresh(folder)
    pair = module.Pair(np.array([4]), np.array([2]))
    assert module.fields(pair) == 42


def test_versions_unused_for_a_month_are_deleted(folder: Path) -> None:
    fresh(folder).outer(10)
    old, = versions(folder, "rw_caller.outer")
    os.utime(folder / "cache" / "kernels" / old, (0, 0))
    edit(folder, "rw_callee", "SCALE = 2", "SCALE = 3")
    fresh(folder).outer(10)
    new, = versions(folder, "rw_caller.outer")
    assert new != old


def test_the_compiler_and_the_cpu_are_part_of_the_key(
        folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fresh(folder).outer.folder
    module = sys.modules["rackwright.engine.kernel"]
    monkeypatch.setattr(module, "tool_chain", lambda: ("another numba",))
    assert fresh(folder).outer.folder != before


def test_new_processes_use_the_cache_and_see_edits_and_announce_once(
        folder: Path, run_python: Callable[..., Any]) -> None:
    code = "import rw_caller; print(rw_caller.outer(10), rw_caller.outer(1.0))"

    def run() -> Any:
        return run_python(code, PYTHONPATH=str(folder), RACKWRIGHT_CACHE=str(folder / "cache"))

    first, second = run(), run()
    edit(folder, "rw_callee", "x * SCALE", "x * SCALE + 10000")
    third = run()
    assert [one.stdout.split() for one in (first, second, third)] == [
        ["21", "3.0"], ["21", "3.0"], ["10021", "10003.0"]]
    kept = str(folder / "cache" / "kernels")
    assert first.stderr.count("compiling kernels once") == 1 and kept in first.stderr
    assert second.stderr == ""
    assert third.stderr.count("compiling kernels once") == 1


def test_a_cache_that_cannot_be_written_is_replaced_and_said(
        folder: Path, run_python: Callable[..., Any]) -> None:
    (folder / "file").write_text("")
    outcome = run_python("import rw_caller; print(rw_caller.outer(10))", PYTHONPATH=str(folder),
                         RACKWRIGHT_CACHE=str(folder / "file" / "cache"))
    assert outcome.stdout == "21\n"
    assert "cannot keep compiled kernels in" in outcome.stderr
    assert "Set RACKWRIGHT_CACHE to a writable folder." in outcome.stderr
    replacement = outcome.stderr.split("; using ")[1].split(". Set")[0]
    assert not Path(replacement).exists()  # it goes with the process
