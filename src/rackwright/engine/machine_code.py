"""Where the machine code of a kernel lies: an index and its data in the kernel's own folder.

The name of the folder says all that the code depends on, so neither path nor time of the source
matters. numba's index refers to the classes of the arguments by name: one that has moved or gone
since makes the index unreadable, which means no more than that the kernel is compiled anew.
"""

from __future__ import annotations

import functools
import pickle
from pathlib import Path
from typing import Any

__all__ = ["keep_in"]

_MOVED = (AttributeError, ImportError, EOFError, pickle.UnpicklingError)


def keep_in(folder: Path, dispatcher: Any) -> None:
    """Keep the machine code of `dispatcher`, which numba caches, in `folder`."""
    dispatcher._cache._cache_file = _file_class()(
        cache_path=str(folder), filename_base="kernel", source_stamp=None)


@functools.cache
def _file_class() -> type[Any]:
    from numba.core import caching

    base: Any = caching.IndexDataCacheFile

    class KernelFile(base):  # type: ignore[misc]
        """Numba's file, empty where it cannot be read."""

        def _load_index(self) -> Any:
            try:
                return super()._load_index()
            except _MOVED:
                return {}

        def _load_data(self, name: str) -> Any:
            try:
                return super()._load_data(name)
            except _MOVED as problem:
                raise OSError(f"{name}: {problem}") from None  # numba goes on without it

    return KernelFile
