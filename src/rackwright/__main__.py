"""``python -m rackwright``: the command line."""

from __future__ import annotations

from rackwright.cli import main

if __name__ == "__main__":
    main()
