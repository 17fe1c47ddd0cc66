"""``python -m rackwright.traces``: write the packaged sample traces again."""

from __future__ import annotations

from rackwright.traces.packaged import make_samples

for written in make_samples():
    print(written)
