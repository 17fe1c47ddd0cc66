"""The command line with the toy system registered, for tests that need a process of their own."""

from __future__ import annotations

import signal

import fake_system

from rackwright import run
from rackwright.cli import main
from rackwright.models import registry


def install() -> None:
    """Register the toy system and give it its fabric and its sample."""
    registry._SYSTEMS["fake"] = "fake_system"
    load_trace = run.load_trace
    run.load_fabric = lambda fabric: fake_system.FABRIC  # type: ignore[assignment]
    run.load_trace = lambda model, trace=None, limit=None: (  # type: ignore[assignment]
        fake_system.TRACE if trace is None else load_trace(model, trace, limit))


if __name__ == "__main__":
    install()
    # a shell that starts the tests in the background has children ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
