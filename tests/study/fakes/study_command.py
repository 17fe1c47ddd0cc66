"""The command line with a toy system registered in every process, spawned ones too.

The toy answers at once, or takes ``FAKE_SECONDS``; it notes each replay in the file ``FAKE_LOG``.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import study_system  # noqa: E402

study_system.install()

if __name__ == "__main__":
    from rackwright.cli import main

    # a shell that starts the tests in the background has children ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
