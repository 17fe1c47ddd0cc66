"""The command line with slow toy systems, for tests that need a process of their own."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from rackwright.cli import main
from rackwright.reproduce import System, reproduction

if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    reproduction.found = lambda: tuple(  # type: ignore[assignment]
        System(name, folder / name / "targets.toml", "fake_slow") for name in ("one", "two"))
    # a shell that starts the tests in the background has children ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
