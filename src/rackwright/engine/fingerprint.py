"""What the machine code of a kernel depends on, as text: source, bytecode, constants, tools.

Two different values of anything that numba freezes into machine code give two different texts,
in every process and whatever the hash seed; addresses never enter. What it leaves out: the walk
over the kernels that a kernel reaches (`kernel`).
"""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import inspect
import platform
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["MODULES", "bytecode", "constant", "digest", "global_names", "source", "tool_chain"]

MODULES = ("numpy", "math")  # the modules whose functions a kernel may call
_PLAIN = (bool, int, float, complex, str, bytes, enum.Enum, np.generic, type(None))


def digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except OSError:  # typed at a prompt
        return bytecode(function.__code__)


def bytecode(code: types.CodeType) -> str:
    """A text that changes with what the function does, not with where it stands."""
    inner = (bytecode(part) if isinstance(part, types.CodeType) else repr(part)
             for part in code.co_consts)
    return digest([code.co_code.hex(), repr(code.co_names), repr(code.co_varnames), *inner])


def global_names(code: types.CodeType) -> set[str]:
    """Names that are looked up as globals, not those of attributes."""
    found = {step.argval for step in dis.get_instructions(code)
             if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= global_names(constant)
    return found


def constant(value: Any) -> str:
    """A text that changes when the value that numba would freeze changes."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, tuple):
        return f"{type(value).__qualname__}({','.join(constant(part) for part in value)})"
    if isinstance(value, enum.EnumType):
        return f"{value.__qualname__}{[(one.name, one.value) for one in value]}"  # type: ignore[var-annotated]
    if isinstance(value, type):
        return f"{value.__qualname__}{getattr(value, '_fields', '')}"
    if isinstance(value, types.ModuleType | types.BuiltinFunctionType | np.ufunc):
        return getattr(value, "__name__", "")
    if isinstance(value, _PLAIN):
        return repr(value)
    if (getattr(value, "__module__", None) or "").split(".")[0] in MODULES:
        return f"{value.__module__}.{getattr(value, '__name__', '')}"
    if callable(value):
        raise TypeError("a plain function: decorate it with @kernel")
    raise TypeError(f"a {type(value).__name__}: a kernel may read numbers, text, tuples and "
                    "arrays that never change; pass anything else as an argument")


@functools.cache
def tool_chain() -> tuple[str, ...]:
    import llvmlite.binding as llvm
    import numba

    config: Any = numba.config
    return (numba.__version__, np.__version__, platform.python_version(),
            llvm.get_host_cpu_name(), str(llvm.get_host_cpu_features().flatten()),
            f"boundscheck={config.BOUNDSCHECK}", f"opt={config.OPT}")
