"""`kernel`: the one decorator through which hot loops are compiled.

A kernel is an ordinary Python function over scalars and NamedTuples of NumPy arrays. It is
compiled by numba at its first call, never at import, and kept in a cache folder whose name is a
hash of everything the machine code depends on: source and bytecode of the function and of every
kernel it reaches, the constants they read, the versions of numba and Python, the CPU; not of where
the file lies, so that several checkouts and an installed package share it. numba alone keys its
cache by path and time of the caller's file, compiles anew when any other line of it changes, and
goes on using a stale callee in silence. A kernel typed at a prompt, having no file, is compiled
anew in every process.

What it does not do: closures, methods, recursion, kernels passed as arguments, plain functions,
and kernels reached through a module (``heap.push``): import the kernel by name. What can be seen
without compiling is refused with the reason.

``NUMBA_DISABLE_JIT=1`` runs the same functions in the interpreter, for pdb and coverage.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

from rackwright.engine.fingerprint import (
    MODULES,
    bytecode,
    constant,
    digest,
    global_names,
    source,
    tool_chain,
)
from rackwright.engine.machine_code import keep_in

__all__ = ["Kernel", "cache_folder", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")

_KEEP_SECONDS = 30 * 86_400  # an unused version of a kernel is deleted after a month
# Without numba's runtime nothing is reference-counted, and inlined calls copy nothing: a state of a
# hundred arrays passes through a call for free (measured on the AEP model: 20 times, then twice
# faster). The price: a kernel cannot make arrays.
_FLAGS: dict[str, Any] = {"_nrt": False, "forceinline": True, "no_cfunc_wrapper": True}
_INNER: dict[str, Any] = {"no_cpython_wrapper": True}  # never called from Python
_lock = threading.RLock()
_announced = False


def jit_disabled() -> bool:
    """True when ``NUMBA_DISABLE_JIT`` asks for interpreted kernels."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def cache_folder() -> Path:
    """Folder of compiled kernels: ``$RACKWRIGHT_CACHE``, else the user's cache folder."""
    named = os.environ.get("RACKWRIGHT_CACHE")
    base = Path(named) if named else Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rackwright"
    return base / "kernels"


class Kernel(Generic[P, R]):
    """A function compiled at its first call. See the module's text; made by `kernel`."""

    def __init__(self, function: Callable[P, R]) -> None:
        if function.__code__.co_freevars:
            raise TypeError(
                f"kernel {function.__qualname__} reads {function.__code__.co_freevars} of an "
                "enclosing function; a kernel takes everything as an argument")
        self.function = function
        functools.update_wrapper(self, function)
        self._dispatcher: Any = None
        self._inlined: Any = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if jit_disabled():
            return self.function(*args, **kwargs)
        result: R = (self._dispatcher or self._prepare())(*args, **kwargs)
        return result

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    def __reduce__(self) -> str:
        return self.function.__qualname__  # pickled by reference, like a function

    @property
    def name(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @functools.cached_property
    def source_hash(self) -> str:
        """SHA-256 over the sources and constants that this kernel reaches (hex)."""
        return digest(part for one in self._reached() for part in one._parts())

    @functools.cached_property
    def folder(self) -> Path:
        """Where the machine code is kept; the name changes with whatever it depends on."""
        # bytecode too: the file may have been edited since it was imported
        code = (bytecode(one.function.__code__) for one in self._reached())
        short = digest([self.source_hash, *code, str(_FLAGS), *tool_chain()])[:16]
        return _usable(cache_folder()) / f"{_file_name(self.name)}-{short}"

    def _prepare(self) -> Any:
        """Build the dispatcher; say once on stderr that compiling takes a while."""
        with _lock:
            if self._dispatcher is None:
                self._reached()  # refuses what cannot be compiled before numba sees it
                self._dispatcher = self._cached(self._clone())
        if not any(self.folder.rglob("*.nbi")):
            _announce(self.folder.parent)
        return self._dispatcher

    def _called(self) -> Any:
        """numba's dispatcher for calls from other kernels: inlined there, so kept nowhere."""
        import numba

        with _lock:
            if self._inlined is None:
                self._inlined = numba.njit(**_FLAGS, **_INNER)(self._clone())
            return self._inlined

    def _clone(self) -> types.FunctionType:
        """The function with the kernels that it reads replaced by numba's dispatchers."""
        function = self.function
        visible = {name: value._called() if isinstance(value, Kernel) else value
                   for name, value in self._globals}
        visible["__builtins__"] = __builtins__
        visible["__name__"] = function.__module__
        clone = types.FunctionType(function.__code__, visible, function.__name__,
                                   function.__defaults__)
        functools.update_wrapper(clone, function)
        clone.__kwdefaults__ = function.__kwdefaults__
        return clone

    def _cached(self, clone: types.FunctionType) -> Any:
        import numba

        if not Path(self.function.__code__.co_filename).exists():
            return numba.njit(**_FLAGS)(clone)
        self._freshen()
        config: Any = numba.config
        previous = config.CACHE_DIR
        config.CACHE_DIR = str(self.folder)  # read by numba while the cache is set up
        try:
            found: Any = numba.njit(cache=True, **_FLAGS)(clone)
        finally:
            config.CACHE_DIR = previous
        keep_in(self.folder, found)
        return found

    def _freshen(self) -> None:
        """Mark this version as used; delete versions of this kernel unused for a month."""
        self.folder.mkdir(parents=True, exist_ok=True)
        os.utime(self.folder)
        limit = time.time() - _KEEP_SECONDS
        for other in self.folder.parent.glob(f"{_file_name(self.name)}-*"):
            try:
                if other.stat().st_mtime < limit:
                    shutil.rmtree(other, ignore_errors=True)
            except OSError:  # another process was faster
                continue

    @functools.cached_property
    def _globals(self) -> tuple[tuple[str, Any], ...]:
        """The global names that the function reads, with their values."""
        known = self.function.__globals__
        names = [name for name in sorted(global_names(self.function.__code__)) if name in known]
        for name in names:
            _refuse(self, name, known[name])
        return tuple((name, known[name]) for name in names)

    def _parts(self) -> Iterator[str]:
        """The source of this kernel alone, and the constants that it reads."""
        yield f"{self.name}\n{source(self.function)}"
        for name, value in self._globals:
            if not isinstance(value, Kernel):
                yield f"{self.name}.{name} = {constant(value)}"

    def _reached(self) -> list[Kernel[Any, Any]]:
        """This kernel and all that it calls, each once, in the order of their names."""
        seen: dict[Kernel[Any, Any], None] = {}
        self._walk(seen, ())
        return sorted(seen, key=lambda one: (one.name, one.function.__code__.co_filename))

    def _walk(self, seen: dict[Kernel[Any, Any], None], above: tuple[Kernel[Any, Any], ...],
              ) -> None:
        if self in above:
            chain = " -> ".join(one.name for one in (*above[above.index(self):], self))
            raise TypeError(f"kernel {self.name} calls itself ({chain}): a kernel cannot recurse")
        if self in seen:
            return
        for _, value in self._globals:
            if isinstance(value, Kernel):
                value._walk(seen, (*above, self))
        seen[self] = None


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Compile `function` with numba at its first call; see the module's text.

    >>> @kernel
    ... def double(x):
    ...     return 2 * x
    >>> double.name.endswith("double")
    True
    """
    return Kernel(function)


def _file_name(name: str) -> str:
    return name.replace("<", "").replace(">", "")  # "f.<locals>.g": not on every file system


def _refuse(owner: Kernel[Any, Any], name: str, value: Any) -> None:
    if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] not in MODULES:
        raise TypeError(f"kernel {owner.name} reads module {name!r} ({value.__name__}): import "
                        "the kernel or the constant by name, so that the cache can follow it")
    if isinstance(value, Kernel):
        return
    try:
        constant(value)
    except TypeError as problem:
        raise TypeError(f"kernel {owner.name} reads {name!r}, {problem}") from None


@functools.cache
def _usable(folder: Path) -> Path:
    """`folder`, or a temporary one (said on stderr) when it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as problem:
        other = Path(tempfile.mkdtemp(prefix="rackwright-kernels-"))
        atexit.register(shutil.rmtree, other, ignore_errors=True)
        print(f"rackwright: cannot keep compiled kernels in {folder} ({problem.strerror}); "
              f"using {other}. Set RACKWRIGHT_CACHE to a writable folder.", file=sys.stderr)
        return other


def _announce(folder: Path) -> None:
    global _announced
    if not _announced:
        _announced = True
        print(f"rackwright: compiling kernels once (5 to 40 s), kept in {folder}",
              file=sys.stderr, flush=True)
