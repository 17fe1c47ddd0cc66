"""Systems whose replay the rack steps itself, so that faults of its links reach it.

`SYSTEMS` names them with what makes them ready; `UNREACHED` says why the others are replayed in
one go. The models are untouched: a `Live` is their own state, kernel and report, and what a link
of the fabric is called in that state.
"""

from __future__ import annotations

from rackwright.panel.live.links import Links
from rackwright.panel.live.replay import LiveReplay
from rackwright.panel.live.systems import SYSTEMS, UNREACHED, Live, Work, unreached

__all__ = ["SYSTEMS", "UNREACHED", "Links", "Live", "LiveReplay", "Work", "unreached"]
