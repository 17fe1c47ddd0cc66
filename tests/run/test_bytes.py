"""Every system: the same bytes compiled or interpreted, in any process, under any hash seed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rackwright.models import registry

REQUESTS = 1  # some thousand events, since the interpreted kernels are slow
WHOLE = ("training",)  # half an execution trace waits for the other half; its sample is short


def printed(system: str, **environment: str) -> bytes:
    """What ``rackwright replay SYSTEM --baseline --json`` prints in a process of its own."""
    limit = [] if system in WHOLE else ["--limit", str(REQUESTS)]
    call = ["replay", system, *limit, "--baseline", "--json", "--quiet"]
    code = f"from rackwright.cli import main; main({call!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("system", registry.names())
def test_the_interpreter_gives_the_bytes_of_the_compiled_kernels(system: str) -> None:
    compiled = printed(system, NUMBA_DISABLE_JIT="0", PYTHONHASHSEED="1")
    assert compiled == printed(system, NUMBA_DISABLE_JIT="1", PYTHONHASHSEED="2")


@pytest.mark.slow
@pytest.mark.parametrize("system", registry.names())
def test_two_processes_give_the_same_bytes(system: str) -> None:
    assert printed(system, PYTHONHASHSEED="3") == printed(system, PYTHONHASHSEED="4")
