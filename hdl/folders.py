"""Offload blocks: what a block folder says of itself.

A block is a folder with ``block.toml``, its RTL and ``bench.py`` (a cocotb bench). The packaged
ones are found by name; any other folder is given by its path, so that a block of one's own needs
no change here. Keys of ``block.toml``; others are errors::

    summary = "one line"
    toplevel = "name of the top module"          # default: the folder's name
    sources = ["x.v", "../lib/y/y.v"]            # relative to the folder, top module's first

    [[geometry]]                                 # at least one; the first is the default
    name = "64x4"
    parameters = { SETS = 64, WAYS = 4 }         # integers, of the top module
    slow = true                                  # only with --all-geometries; default false
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rackwright.errors import InputError, UnknownName

__all__ = ["Block", "Geometry", "block", "blocks"]

PACKAGE = Path(__file__).parent
_KEYS: dict[str, type] = {"summary": str, "toplevel": str, "sources": list, "geometry": list}
_GEOMETRY_KEYS: dict[str, type] = {"name": str, "parameters": dict, "slow": bool}


@dataclass(frozen=True)
class Geometry:
    """One set of parameters of a block's top module."""

    name: str
    parameters: dict[str, int] = field(default_factory=dict)
    slow: bool = False


@dataclass(frozen=True)
class Block:
    """A block folder, read and checked."""

    name: str
    folder: Path
    summary: str
    toplevel: str
    sources: tuple[Path, ...]
    geometries: tuple[Geometry, ...]

    def geometry(self, name: str | None = None) -> Geometry:
        """The geometry of that name, the first one by default. Raises UnknownName."""
        if name is None:
            return self.geometries[0]
        for one in self.geometries:
            if one.name == name:
                return one
        raise UnknownName(f"geometry of block {self.name}", name,
                          (one.name for one in self.geometries))

    @property
    def rtl_sha256(self) -> str:
        """SHA-256 over the names and contents of the sources (hex)."""
        digest = hashlib.sha256()
        for source in self.sources:
            content = source.read_bytes()
            digest.update(f"{source.name} {len(content)}\n".encode() + content)
        return digest.hexdigest()

    @property
    def bench(self) -> tuple[str, Path | None]:
        """The bench's module, and the folder to import it from (None: the package's own)."""
        if PACKAGE in self.folder.parents:
            steps = self.folder.relative_to(PACKAGE).parts
            return ".".join(("rackwright.hdl", *steps, "bench")), None
        return "bench", self.folder


def blocks() -> tuple[str, ...]:
    """Names of the packaged blocks, sorted, those of hdl/lib among them.

    >>> "witness_table" in blocks()
    True
    """
    return tuple(sorted(_folders()))


def _folders() -> dict[str, Path]:
    found = [*PACKAGE.glob("*/block.toml"), *PACKAGE.glob("lib/*/block.toml")]
    return {file.parent.name: file.parent for file in found}


def block(name: str | os.PathLike[str]) -> Block:
    """A packaged block by its name, or any block by the path of its folder.

    Raises UnknownName, InputError (with the file and what is wrong in it).
    """
    known = _folders()
    if str(name) in known:
        return read_block(known[str(name)])
    folder = Path(name)
    if (folder / "block.toml").is_file():
        return read_block(folder.absolute())
    if os.sep in str(name):
        raise InputError("no block.toml in this folder: a block is a folder with block.toml, "
                         "its RTL and bench.py", place=folder)
    raise UnknownName("block", name, known)


def read_block(folder: Path) -> Block:
    """Read and check ``folder/block.toml``. Raises InputError."""
    place = folder / "block.toml"
    try:
        content = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise InputError(f"cannot be read: {problem}", place=place) from None
    _check_keys(content, _KEYS, ("sources", "geometry"), place, "")
    geometries = tuple(_geometry(row, place) for row in content["geometry"])
    names = [one.name for one in geometries]
    if not names or len(set(names)) < len(names):
        raise InputError(f"geometries {names}: give at least one, each with a name of its own",
                         place=place)
    sources = tuple(_source(folder, name, place) for name in content["sources"])
    if not (folder / "bench.py").is_file():
        raise InputError("there is no bench.py beside it", place=place)
    return Block(folder.name, folder, content.get("summary", ""),
                 content.get("toplevel", folder.name), sources, geometries)


def _source(folder: Path, name: Any, place: Path) -> Path:
    path = Path(os.path.normpath(folder / str(name)))
    if not path.is_file():
        raise InputError(f"source {name!r}: there is no file {path}", place=place)
    return path


def _geometry(row: Any, place: Path) -> Geometry:
    if not isinstance(row, dict):
        raise InputError(f"geometry {row!r}: write [[geometry]] tables", place=place)
    _check_keys(row, _GEOMETRY_KEYS, ("name",), place, "geometry: ")
    for name, value in row.get("parameters", {}).items():
        if type(value) is not int:
            raise InputError(f"geometry {row['name']!r}: parameter {name} = {value!r} must be an "
                             "integer", place=place)
    return Geometry(row["name"], row.get("parameters", {}), row.get("slow", False))


def _check_keys(content: dict[str, Any], kinds: dict[str, type], needed: tuple[str, ...],
                place: Path, where: str) -> None:
    for key, value in content.items():
        if key not in kinds:
            raise InputError(f"{where}unknown key {key!r}; known: {', '.join(sorted(kinds))}",
                             place=place)
        if not isinstance(value, kinds[key]):
            raise InputError(f"{where}{key} = {value!r} must be of type {kinds[key].__name__}",
                             place=place)
    for key in needed:
        if key not in content:
            raise InputError(f"{where}the key {key!r} is missing", place=place)
