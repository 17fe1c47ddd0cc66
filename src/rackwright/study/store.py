"""Results kept by the content of their inputs: one file a replay, whole or not there.

A file is written under a temporary name, flushed to the disk, and renamed; whatever kills the
process, and when, the next one finds whole files only. A file that cannot be read (a disk's fault,
an edit) counts as absent. Stores may be joined by copying files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rackwright.canonical import canonical_json
from rackwright.errors import InputError

__all__ = ["SCHEMA", "Store"]

SCHEMA = 1


class Store:
    """A folder of entries by key (SHA-256, hex). Entries are plain mappings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, key: str) -> bool:
        return self._path(key).is_file()

    def get(self, key: str) -> dict[str, Any] | None:
        """The entry, or None when there is none that can be trusted."""
        try:
            head, _, body = self._path(key).read_text(encoding="utf-8").partition("\n")
        except (OSError, UnicodeDecodeError):
            return None
        if head != _head(key, body):
            return None
        entry: dict[str, Any] = json.loads(body)
        return entry

    def put(self, key: str, entry: Mapping[str, Any]) -> None:
        """Keep `entry`; after this returns it outlives the process and the machine's power."""
        body = canonical_json(entry) + "\n"
        path = self._path(key)
        waiting = path.with_name(f".{key}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(waiting, "w", encoding="utf-8") as file:
                file.write(f"{_head(key, body)}\n{body}")
                file.flush()
                os.fsync(file.fileno())
            waiting.replace(path)
            _flush(path.parent)
        except OSError as problem:
            waiting.unlink(missing_ok=True)
            raise InputError(f"cannot keep a result: {problem.strerror}; what was kept before is "
                             "safe, make room and go on with --resume", place=path) from None

    def take(self, other: Store) -> int:
        """Copy the entries that this store lacks; how many."""
        count = 0
        for path in sorted(other.folder.glob("??/*.json")):
            entry = None if self.has(path.stem) else other.get(path.stem)
            if entry is not None:
                self.put(path.stem, entry)
                count += 1
        return count

    def clean(self) -> None:
        """Remove what a killed process left half-written."""
        for path in self.folder.glob("??/.*.tmp"):
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def _head(key: str, body: str) -> str:
    """First line of a file: what it is, whose, and the hash of the rest."""
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f'{{"schema":{SCHEMA},"key":"{key}","sha256":"{digest}"}}'


def _flush(folder: Path) -> None:
    """Make the renaming itself outlive a power failure, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
