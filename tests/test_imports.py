"""Imports point one way, heavy libraries wait until they are needed, names are declared."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest

import rackwright

PACKAGE = Path(rackwright.__file__).parent
# each imports only what stands above it; those of one line do not import one another, save the
# line of what surrounds the models
TIERS: tuple[tuple[str, ...], ...] = (
    ("errors", "canonical", "beside"),
    ("units", "writing"),
    ("engine",),
    ("hdl", "traces"),
    ("devices",),
    ("topologies",),
    ("models",),
    ("run", "replays", "result", "outdir", "study", "report", "calibrate", "fidelity",
     "panel", "reproduce", "sensitivities"),
    ("cli",),
    ("__main__",),
)
AROUND_MODELS = 7
HEAVY = ("cocotb", "matplotlib", "networkx", "numba", "pydantic", "pytest", "pyvisa", "rich",
         "scipy")


def modules() -> Iterator[tuple[str, Path]]:
    """(dotted name, file) of every module, through the linked names."""
    for path in _python_files(PACKAGE):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def _python_files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _python_files(entry)
        elif entry.suffix == ".py":
            yield entry


def tier(name: str) -> int:
    head = name.split(".")[0]
    found = [place for place, names in enumerate(TIERS) if head in names]
    assert found, f"{name}: put {head} into a tier in {__file__}"
    return found[0]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name below rackwright) of every import, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the whole name"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in found:
            if name.startswith("rackwright."):
                yield node.lineno, name.removeprefix("rackwright.")


def allowed(source: str, target: str) -> bool:
    below, above = tier(target), tier(source)
    same = source.split(".")[0] == target.split(".")[0]
    return below < above or same or below == above == AROUND_MODELS


def test_imports_point_one_way() -> None:
    wrong = []
    for name, path in modules():
        if not name:  # the package itself names what it hands on
            continue
        for line, target in imported(ast.parse(path.read_text())):
            if not target.startswith("_") and not allowed(name, target):
                wrong.append(f"{path}:{line}: {name} imports {target}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("source", "target", "good"), [
    ("models.aep", "devices.gpu", True), ("devices.gpu", "models.aep", False),
    ("engine.heap", "units.clock", True), ("hdl.run", "traces.read", False),
    ("traces.read", "hdl.run", False), ("report.text", "study.grid", True),
    ("models.aep", "run", False), ("run", "cli.app", False), ("topologies.dgx", "engine", True)])
def test_the_rule_itself(source: str, target: str, good: bool) -> None:
    assert allowed(source, target) is good


@pytest.mark.parametrize("code", [
    "import rackwright",
    "import rackwright; rackwright.__version__",
    "from rackwright.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
    "from rackwright.cli import main\ntry: main(['--version'])\nexcept SystemExit: pass",
])
def test_heavy_libraries_wait(code: str) -> None:
    tail = f"\nimport sys; print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True,
                          check=True)
    assert done.stderr.strip() == "[]"


def test_numba_waits_for_the_first_kernel_call() -> None:
    code = ("import sys, rackwright.run, rackwright.topologies, rackwright.devices\n"
            "from rackwright.models import registry\n"
            "for name in registry.names(): registry.get(name)\n"
            "print('numba' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def packages() -> list[str]:
    found = pkgutil.walk_packages([str(PACKAGE)], "rackwright.")
    return ["rackwright", *(entry.name for entry in found if entry.ispkg)]


def own_names(module: ModuleType) -> set[str]:
    """Public names that `module` hands on from its own sub-modules, or defines."""
    inside = module.__name__

    def own(value: object) -> bool:
        home = getattr(value, "__module__", "")  # a plain constant has none
        return home == inside or str(home).startswith(f"{inside}.")

    return {name for name, value in vars(module).items()
            if not name.startswith("_") and not isinstance(value, ModuleType)
            and not isinstance(value, TypeVar) and own(value)}


def by_kind(name: str) -> tuple[int, str]:
    """The order of ruff's RUF022: constants, classes, the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("name", packages())
def test_public_names_are_declared_and_sorted(name: str) -> None:
    module = importlib.import_module(name)
    declared = list(getattr(module, "__all__", []))
    assert declared in (sorted(set(declared)), sorted(set(declared), key=by_kind))
    for public in declared:
        assert hasattr(module, public), f"{name}.__all__ has {public}, the module does not"
    assert own_names(module) <= set(declared)


def test_replay_is_a_function() -> None:
    assert callable(rackwright.replay)
    assert importlib.util.find_spec("rackwright.replay") is None
