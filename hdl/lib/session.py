"""What a bench gets from the runner and hands back: a seed, a folder for its findings.

The runner sets two variables for the simulator's process: `RACKWRIGHT_HDL_SEED`, and
`RACKWRIGHT_HDL_OUT`, a folder in which `publish` writes ``<name>.json``. The runner reads
``coverage.json`` (bin -> count) and ``cycles.json`` (see `rackwright.hdl.measure`).
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["OUT", "SEED", "Coverage", "publish", "seed", "stream"]

SEED = "RACKWRIGHT_HDL_SEED"
OUT = "RACKWRIGHT_HDL_OUT"


def seed() -> int:
    """The seed of this run, from the environment; 0 by default."""
    return int(os.environ.get(SEED, "0"))


def stream(*names: object) -> random.Random:
    """A generator of its own for every purpose, the same in every run with the same seed."""
    return random.Random("/".join(map(str, (seed(), *names))))


def publish(name: str, content: Mapping[str, object]) -> None:
    """Hand `content` to the runner as ``<name>.json``; nothing happens outside a runner."""
    folder = os.environ.get(OUT)
    if folder:
        text = json.dumps(content, indent=1, sort_keys=True)
        Path(folder, f"{name}.json").write_text(text + "\n", encoding="utf-8")


class Coverage:
    """Counts of what a bench has seen; every bin of `required` has to be met.

    >>> seen = Coverage(["record:ACCEPT", "gc:FREED"])
    >>> seen.hit("gc:FREED")
    >>> seen.missing()
    ['record:ACCEPT']
    """

    def __init__(self, required: Iterable[str]) -> None:
        self.counts = Counter(dict.fromkeys(required, 0))

    def hit(self, name: str) -> None:
        """Count one more of `name`, required or not."""
        self.counts[name] += 1

    def missing(self) -> list[str]:
        """The required bins that were never met."""
        return sorted(name for name, count in self.counts.items() if count == 0)

    def report(self) -> str:
        """One line a bin."""
        return "\n".join(f"{count:8d}  {name}" for name, count in sorted(self.counts.items()))
