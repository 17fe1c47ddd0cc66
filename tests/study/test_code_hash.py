"""Keys follow the code that a replay may run, and no other code."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rackwright.models import registry
from rackwright.study import code_hash, imports

TREE = {
    "run.py": "", "result.py": "", "canonical.py": "", "errors.py": "",
    "engine/__init__.py": "from rackwright.engine.heap import push\n",
    "engine/heap.py": "def push(): pass\n", "engine/table.csv": "1\n",
    "topologies/__init__.py": "", "traces/__init__.py": "", "traces/samples/a.csv": "1\n",
    "models/__init__.py": "", "models/options.py": "import rackwright.engine\n",
    "models/registry.py": '_SYSTEMS = {"one": "rackwright.models.one", '
                          '"two": "rackwright.models.two"}\n',
    "models/one/__init__.py": "from rackwright.models.one.replay import go\n",
    "models/one/replay.py": "def go():\n    from rackwright.models.shared import (  # a )\n"
                            "        near,  # why\n        far)\n",
    "models/one/targets.toml": "[[row]]\n", "models/one/costs.toml": "a = 1\n",
    "models/shared/__init__.py": "", "models/shared/near.py": "", "models/shared/far.py": "",
    "models/shared/unused.py": "", "models/shared/shapes.json": "{}\n",
    "models/two/__init__.py": "import importlib\n\n"
                              "def get(name):\n    return importlib.import_module(name)\n",
    "models/two/late.py": "from rackwright.models import one as _one\n",
    "models/three/__init__.py": "WHERE = 'rackwright.models.shared.unused:thing'\n",
    "report/__init__.py": "", "study/__init__.py": "",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with three small models, in the place of the real one."""
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(imports, "ROOT", tmp_path)
    imports._read.cache_clear()
    return tmp_path


def covered(system: str) -> set[str]:
    imports._read.cache_clear()
    return set(code_hash.code_files([f"rackwright.models.{system}"]))


def hashed(system: str) -> str:
    imports._read.cache_clear()
    return code_hash._package((f"rackwright.models.{system}",))


@pytest.mark.parametrize(("name", "changes"), [
    ("engine/heap.py", "one two three"), ("engine/table.csv", "one two three"),
    ("run.py", "one two three"), ("models/registry.py", "one two three"),
    ("models/one/replay.py", "one two"), ("models/one/costs.toml", "one two"),
    ("models/shared/far.py", "one two"), ("models/shared/shapes.json", "one two three"),
    ("models/shared/unused.py", "three"), ("models/two/late.py", "two"),
    ("models/one/targets.toml", ""), ("report/__init__.py", ""), ("study/__init__.py", ""),
    ("traces/samples/a.csv", "")])
def test_an_edit_changes_the_keys_of_what_may_run_it(tree: Path, name: str, changes: str) -> None:
    before = {system: hashed(system) for system in ("one", "two", "three")}
    (tree / name).write_text(TREE[name] + "\n# edited\n")
    assert {system for system, old in before.items() if hashed(system) != old} == set(
        changes.split())


def test_a_new_file_counts_once_something_imports_it(tree: Path) -> None:
    before = hashed("one")
    (tree / "models/shared/more.py").write_text("")
    assert hashed("one") == before
    (tree / "models/shared/far.py").write_text("from rackwright.models.shared import more\n")
    assert "models/shared/more.py" in covered("one")


def test_another_package_counts_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "someones_model"
    folder.mkdir()
    for name, text in {"__init__.py": "", "system.py": "from rackwright.models.llm import files\n",
                       "helper.py": "A = 1\n", "data.json": "{}"}.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("someones_model.system")
    found = code_hash.code_files(["someones_model.system"])
    assert {name for name in found if name.startswith("someones_model")} == {
        f"someones_model/{name}" for name in ("__init__.py", "system.py", "helper.py", "data.json")}
    assert "models/llm/files.py" in found and not any("models/aep" in name for name in found)
    for name in ("someones_model", "someones_model.system"):
        monkeypatch.delitem(sys.modules, name)


def test_a_module_without_a_package_brings_what_lies_beside_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"lone_system": "import lone_costs\n",
                       "lone_costs": "from lone_table import A\n", "lone_table": "A = 1\n",
                       "lone_other": ""}.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("lone_system")
    found = code_hash.code_files(["lone_system"])
    assert {name for name in found if name.startswith("lone")} == {
        "lone_system.py", "lone_costs.py", "lone_table.py"}
    for name in ("lone_system", "lone_costs", "lone_table"):
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("folder", ["traces", *(
    pytest.param(name, marks=pytest.mark.slow)
    for name in ("engine", "topologies", "devices", "hdl", "models"))])
def test_no_import_is_overlooked(folder: str) -> None:
    """The patterns against Python's own parser, on every file of the package."""
    files = sorted((imports.ROOT / folder).rglob("*.py"))
    assert len(files) > 20
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert parsed(text) <= set(imports.named_in(text)), file


def parsed(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("rackwright.")}


def test_one_model_does_not_hang_on_another() -> None:
    files = code_hash.code_files(["rackwright.models.curp.options"])
    assert {"engine/heap.py", "models/curp/options.py", "run.py", "models/registry.py",
            "topologies/fabric.py", "devices/catalog/h100-sxm.toml"} <= set(files)
    assert not [name for name in files if name.startswith(("models/aep", "models/hyperrag"))]


LOADED = """
import sys
import rackwright
{call}
print(*(name for name in sys.modules if name.startswith("rackwright.")))
"""
CALL = "rackwright.replay({!r}, trace={}, seed=1)"


@pytest.mark.slow
@pytest.mark.parametrize("system", registry.names())
def test_everything_that_a_replay_loads_is_covered(system: str) -> None:
    trace = "None" if system == "training" else (
        "__import__('rackwright.run').run.load_trace(rackwright.models.registry.get"
        f"({system!r}), None, 2)")
    call = "import rackwright.models.registry, rackwright.run\n" + CALL.format(system, trace)
    done = subprocess.run([sys.executable, "-c", LOADED.format(call=call)], check=True,
                          capture_output=True, text=True,
                          env={**os.environ, "NUMBA_DISABLE_JIT": "1"})  # loads the same, sooner
    model = registry.get(system)
    covers = code_hash.code_files([model.options.__module__, model.replay.__module__])
    below = tuple(f"rackwright.{name}" for name in imports._BELOW)
    loaded = [name for name in done.stdout.split() if name.startswith(below)]
    assert len(loaded) > 50
    missing = [name for name in loaded if not {
        f"{name.partition('.')[2].replace('.', '/')}{end}" for end in (".py", "/__init__.py")
        } & set(covers)]
    assert not missing
