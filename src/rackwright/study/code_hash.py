"""Hash of the code that decides a result, so that results of a changed model are made again.

Covers the sources of every module that the replay of a system may run (`imports`), and the data
files beside them: those of engine, parts, topologies, traces and blocks, and of the models' folders
among these modules. Another system's model, reports, studies and the command line are not in it. A
system of another package adds all sources and data of that package; one in a module without a
package adds its file, and those beside it that it imports.

Editing any of it makes stored results count as missing, even where it would not have changed
them: which function a replay will call is not known before it ran. Other installed packages are not
in it.
"""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import rackwright
from rackwright.models import registry
from rackwright.study import imports
from rackwright.study.imports import closure, named_in

__all__ = ["code_files", "code_hash"]

_ALWAYS = ("run.py", "result.py")
_BASE = ("rackwright.canonical", "rackwright.engine", "rackwright.errors",
         "rackwright.models.registry", "rackwright.topologies", "rackwright.traces")
_TOP = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.MULTILINE)
_DATA = (".csv", ".gz", ".json", ".npz", ".toml", ".v", ".vh", ".xml", ".zip")
# samples are hashed as traces; models read nothing in their published targets
_SKIPPED = ("__pycache__", "samples", "targets.toml")


@functools.lru_cache(64)
def code_hash(system: str) -> str:
    """SHA-256 (hex) of everything that decides what a replay of `system` gives."""
    model = registry.get(system)
    parts = (model.options, model.replay, model.read_trace)
    homes = {str(getattr(part, "__module__", None) or "") for part in parts} - {""}
    return _package(tuple(sorted(homes)))


def code_files(homes: Iterable[str]) -> dict[str, Path]:
    """Name -> file of what is hashed for a system that is written in the modules `homes`."""
    own = [home for home in homes if home.startswith("rackwright.")]
    foreign = {name: file for home in homes if home not in own
               for name, file in _foreign(home).items()}
    named = [name for file in foreign.values() if file.suffix == ".py"
             for name in named_in(file.read_text(encoding="utf-8"))]
    sources = closure((*_BASE, *own, *named))
    files = {name: imports.ROOT / name for name in _ALWAYS}
    files |= {_below_root(file): file for file in sources.values()}
    folders = {_data_folder(name) for name in sources}
    files |= {_below_root(file): file for folder in sorted(folders) for file in _data(folder)}
    return dict(sorted(files.items())) | dict(sorted(foreign.items()))


def _package(homes: tuple[str, ...]) -> str:
    digest = hashlib.sha256(rackwright.__version__.encode())
    for name, file in code_files(homes).items():
        digest.update(f"\n{name}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _below_root(file: Path) -> str:
    return file.relative_to(imports.ROOT).as_posix()


def _data_folder(module: str) -> Path:
    """Where data of a module lies: its tier's folder; of a model its own, if it has one."""
    tier, *inside = module.split(".")[1:]
    if tier != "models":
        return imports.ROOT / tier
    return imports.ROOT.joinpath(tier, *(inside or ["none"])[:1])


def _data(folder: Path) -> Iterator[Path]:
    """Data files below `folder` through links, in the order of their names."""
    return (file for file in _files(folder) if file.suffix in _DATA)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for entry in sorted(path.iterdir()):
            if entry.name not in _SKIPPED:
                yield from _files(entry)
    elif path.is_file():
        yield path


def _foreign(home: str) -> dict[str, Path]:
    """The files of the package that `home` belongs to; when it is in none, its own file and those
    beside it that it imports."""
    top = sys.modules.get(home.partition(".")[0])
    found = {f"{place.name}/{file.relative_to(place).as_posix()}": file
             for place in map(Path, getattr(top, "__path__", ())) for file in _files(place)
             if file.suffix in (".py", *_DATA)}
    own = getattr(sys.modules.get(home), "__file__", None)
    return found if found or not own else dict(_beside(Path(own), set()))


def _beside(file: Path, seen: set[str]) -> Iterator[tuple[str, Path]]:
    """A module without a package, and what it imports of the folder that it lies in."""
    seen.add(file.name)
    yield file.name, file
    for name in _TOP.findall(file.read_text(encoding="utf-8")):
        other = file.with_name(f"{name}.py")
        if other.name not in seen and other.is_file():
            yield from _beside(other, seen)
