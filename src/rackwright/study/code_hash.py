"""Hash of the code that decides a result, so that results of a changed model are made again.

Covers the sources and data of the package that a replay may read: engine, parts, topologies,
models, traces, blocks. A system from elsewhere adds the file of its module. Editing any of it makes
stored results count as missing, even where it would not have changed them: which function a replay
will call is not known before it ran.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import rackwright
from rackwright.models import registry

__all__ = ["code_hash"]

_PARTS = ("units", "engine", "traces", "hdl", "devices", "topologies", "models", "run.py",
          "result.py", "canonical.py")
_ENDINGS = (".py", ".toml", ".csv", ".gz", ".json")
_SKIPPED = ("__pycache__", "samples")  # samples are hashed as traces


@functools.lru_cache(64)
def code_hash(system: str) -> str:
    """SHA-256 (hex) of the package's code and data, and of the module of `system`."""
    digest = hashlib.sha256(_package().encode())
    home = sys.modules[registry.get(system).options.__module__]
    if not home.__name__.startswith("rackwright.") and home.__file__:
        digest.update(Path(home.__file__).read_bytes())
    return digest.hexdigest()


@functools.cache
def _package() -> str:
    digest = hashlib.sha256(rackwright.__version__.encode())
    root = Path(rackwright.__file__).parent
    for name in _PARTS:
        for path in _files(root / name):
            digest.update(f"\n{path.relative_to(root).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    """Files below `path` through links, in the order of their names."""
    if path.is_dir():
        for entry in sorted(path.iterdir()):
            if entry.name not in _SKIPPED:
                yield from _files(entry)
    elif path.suffix in _ENDINGS:
        yield path
