"""The repository's shape: linked folders, one style of module, nothing stray in the package."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import rackwright

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "rackwright"
LINKED = ("devices", "hdl", "models", "topologies", "traces")

pytestmark = pytest.mark.skipif(not SOURCE.is_dir(), reason="needs the repository's sources")


def git(*args: str) -> str:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("needs git and the repository's history")
    # the folder may belong to another user, as in a container
    safe = ("-c", f"safe.directory={ROOT}")
    done = subprocess.run(["git", *safe, *args], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    return done.stdout


def sources() -> list[Path]:
    """Every module of the package, by its real path."""
    folders = [SOURCE, *(ROOT / name for name in LINKED)]
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))
            if not path.is_relative_to(SOURCE)
            or path.relative_to(SOURCE).parts[0] not in LINKED]


@pytest.mark.parametrize("name", LINKED)
def test_a_top_level_folder_is_linked_into_the_package(name: str) -> None:
    link = SOURCE / name
    assert (ROOT / name / "__init__.py").is_file()
    assert link.is_symlink(), (
        f"{link} is not a symbolic link; on Windows: git config core.symlinks true, then "
        f"git checkout -- src/rackwright/{name}")
    assert os.readlink(link) == f"../../{name}"


def test_git_keeps_the_links() -> None:
    listed = git("ls-files", "-s", "src/rackwright").splitlines()
    links = {line.split("\t")[1].rsplit("/", 1)[1] for line in listed
             if line.startswith("120000")}
    assert links == set(LINKED)


def test_no_generated_file_is_in_git() -> None:
    generated = ("__pycache__", ".pyc", ".egg-info", "sim_build", ".vcd", ".fst")
    stray = [line for line in git("ls-files").splitlines()
             if any(mark in line for mark in generated)]
    assert not stray


def test_the_package_is_typed_and_holds_no_tests() -> None:
    assert (SOURCE / "py.typed").is_file()
    tests = [path for path in sources()
             if path.name.startswith("test_") or path.name == "conftest.py"]
    assert not tests


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(ROOT)) for path in sources()
              if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_annotations_are_text_in_every_module() -> None:
    def ready(path: Path) -> bool:
        tree = ast.parse(path.read_text())
        annotates = any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AnnAssign)
                        for node in ast.walk(tree))
        return not annotates or any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)

    assert [str(path.relative_to(ROOT)) for path in sources() if not ready(path)] == []


def test_tests_have_no_package_files() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.skipif(not os.environ.get("RACKWRIGHT_FROM_WHEEL"), reason="not a test of the wheel")
def test_the_wheel_is_what_is_tested() -> None:
    assert not Path(rackwright.__file__).is_relative_to(ROOT)
