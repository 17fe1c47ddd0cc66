"""The table of ``rackwright demo``: every system beside its baselines, on packaged samples."""

from __future__ import annotations

from collections.abc import Sequence

from rackwright.models.registry import Model
from rackwright.replays import Replays
from rackwright.report.options import heading
from rackwright.report.table import WIDTH, paragraph
from rackwright.report.text import headline_table, reasons
from rackwright.result import Result

__all__ = ["demo_text"]


def demo_text(runs: Sequence[tuple[Model, Replays]], width: int = WIDTH) -> str:
    """One block a system: its headline metrics, its baselines', and what limits it."""
    blocks = [_block(model, found, width) for model, found in runs]
    names = "|".join(model.name for model, _ in runs)
    return "\n".join(blocks) + f"\nmore: rackwright replay {names} --baseline\n"


def _block(model: Model, found: Replays, width: int) -> str:
    inputs = found.result.inputs
    where = f"{inputs.topology or inputs.topology_hash[:8]}, {inputs.trace or model.sample_trace}"
    results = list(found)
    return (paragraph("", f"{heading(model)}  [{where}]", 2, width).lstrip()
            + headline_table(results, width)
            + reasons(results, width)
            + "".join(paragraph(f"{each.label}:", _caption(model, each), 2, width)
                      for each in results))


def _caption(model: Model, result: Result) -> str:
    """What the row is, and what limits it."""
    caption = model.captions.get(result.label, "")
    limit = f"limit: {result.bottleneck.text}"
    return f"{caption}; {limit}" if caption else limit
