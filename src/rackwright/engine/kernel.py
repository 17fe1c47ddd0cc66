"""`kernel`: the one decorator through which hot loops are compiled.

A kernel is an ordinary Python function over scalars and NamedTuples of NumPy arrays. It is
compiled by numba at its first call, never at import, and kept in a cache folder whose name is a
hash of everything the machine code depends on: the source of the function and of every kernel
it reaches, the constants they read, the versions of numba and Python, the CPU. numba alone keys
its cache by the caller's file only and goes on using a stale callee in silence.

What it does not do: closures, methods, kernels passed as arguments, and kernels reached through
a module (``heap.push``): import the kernel by name. Each is refused with the reason.

``NUMBA_DISABLE_JIT=1`` runs the same functions in the interpreter, for pdb and coverage.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

__all__ = ["Kernel", "cache_folder", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")

_KEEP_SECONDS = 30 * 86_400  # an unused version of a kernel is deleted after a month
_MODULES = ("numpy", "math")  # the modules whose functions a kernel may call
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

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if jit_disabled():
            return self.function(*args, **kwargs)
        result: R = (self._dispatcher or self._prepare(args))(*args, **kwargs)
        return result

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    @property
    def name(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @functools.cached_property
    def source_hash(self) -> str:
        """SHA-256 over the sources and constants that this kernel reaches (hex)."""
        digest = hashlib.sha256()
        for part in sorted(set(self._sources(()))):
            digest.update(part.encode())
        return digest.hexdigest()

    @functools.cached_property
    def folder(self) -> Path:
        """Where the machine code is kept; the name changes with whatever it depends on."""
        key = "|".join([self.source_hash, *_tool_chain()])
        short = hashlib.sha256(key.encode()).hexdigest()[:16]
        return _usable(cache_folder()) / f"{self.name}-{short}"

    def compile_only(self) -> Any:
        """numba's dispatcher for this kernel, compiled for nothing yet."""
        with _lock:
            if self._dispatcher is None:
                self._dispatcher = self._build()
            return self._dispatcher

    def _prepare(self, args: tuple[Any, ...]) -> Any:
        """Build the dispatcher; say once on stderr that compiling takes a while."""
        dispatcher = self.compile_only()
        if not any(self.folder.rglob("*.nbi")):
            _announce(self.folder.parent)
        return dispatcher

    def _build(self) -> Any:
        import numba

        function = self.function
        reads = dict(self._globals())
        visible = {name: value.compile_only() if isinstance(value, Kernel) else value
                   for name, value in reads.items()}
        visible["__builtins__"] = __builtins__
        visible["__name__"] = function.__module__
        clone = types.FunctionType(function.__code__, visible, function.__name__,
                                   function.__defaults__)
        functools.update_wrapper(clone, function)
        self._freshen()
        previous = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(self.folder)  # read by numba while the cache is set up
        try:
            return numba.njit(cache=True)(clone)
        finally:
            numba.config.CACHE_DIR = previous

    def _freshen(self) -> None:
        """Mark this version as used; delete versions of this kernel unused for a month."""
        self.folder.mkdir(parents=True, exist_ok=True)
        os.utime(self.folder)
        limit = time.time() - _KEEP_SECONDS
        for other in self.folder.parent.glob(f"{self.name}-*"):
            try:
                if other.stat().st_mtime < limit:
                    shutil.rmtree(other, ignore_errors=True)
            except OSError:  # another process was faster
                continue

    def _globals(self) -> Iterator[tuple[str, Any]]:
        """The global names that the function reads, with their values."""
        known = self.function.__globals__
        for name in sorted(_names(self.function.__code__)):
            if name in known:
                value = known[name]
                _refuse_module(self, name, value)
                yield name, value

    def _sources(self, above: tuple[Kernel[Any, Any], ...]) -> Iterator[str]:
        if self in above:
            raise TypeError(f"kernel {self.name} calls itself through {above}: not supported")
        yield f"{self.name}\n{inspect.getsource(self.function)}"
        for name, value in self._globals():
            if isinstance(value, Kernel):
                yield from value._sources((*above, self))
            else:
                yield f"{self.name}.{name} = {_constant(value)}"


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Compile `function` with numba at its first call; see the module's text.

    >>> @kernel
    ... def double(x):
    ...     return 2 * x
    >>> double.name.endswith("double")
    True
    """
    return Kernel(function)


def _names(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _refuse_module(owner: Kernel[Any, Any], name: str, value: Any) -> None:
    if isinstance(value, types.ModuleType) and value.__name__.split(".")[0] not in _MODULES:
        raise TypeError(f"kernel {owner.name} reads module {name!r} ({value.__name__}): import "
                        "the kernel or the constant by name, so that the cache can follow it")


def _constant(value: Any) -> str:
    """A text that changes when the value that numba would freeze changes."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, type):
        return f"{value.__qualname__}{getattr(value, '_fields', '')}"
    if isinstance(value, types.ModuleType | types.BuiltinFunctionType | np.ufunc):
        return getattr(value, "__name__", "")
    return repr(value)


@functools.cache
def _tool_chain() -> tuple[str, ...]:
    import llvmlite.binding as llvm
    import numba

    return (numba.__version__, np.__version__, platform.python_version(),
            llvm.get_host_cpu_name(), str(llvm.get_host_cpu_features().flatten()),
            f"boundscheck={numba.config.BOUNDSCHECK}", f"opt={numba.config.OPT}")


@functools.cache
def _usable(folder: Path) -> Path:
    """`folder`, or a temporary one (said on stderr) when it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as problem:
        other = Path(tempfile.mkdtemp(prefix="rackwright-kernels-"))
        print(f"rackwright: cannot keep compiled kernels in {folder} ({problem.strerror}); "
              f"using {other}. Set RACKWRIGHT_CACHE to a writable folder.", file=sys.stderr)
        return other


def _announce(folder: Path) -> None:
    global _announced
    if not _announced:
        _announced = True
        print(f"rackwright: compiling kernels once (5 to 40 s), kept in {folder}",
              file=sys.stderr, flush=True)
