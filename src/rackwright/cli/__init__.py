"""The command line: thin click commands over the package, no logic of their own.

`main` is the console script. A command's module is imported when the command is chosen, so that
``rackwright --help`` stays fast. Data goes to stdout, progress and errors to stderr.
"""

from __future__ import annotations

from rackwright.cli.app import main

__all__ = ["main"]
