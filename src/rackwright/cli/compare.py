"""``rackwright compare A B``: what differs between two runs."""

from __future__ import annotations

from pathlib import Path

import click

from rackwright.cli.output import emit, emit_json, width

__all__ = ["compare"]


@click.command()
@click.argument("first", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("second", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Which inputs differ between two --out folders (or result files), which metrics moved.

    Compares the systems' results, then the baselines that both folders have.
    """
    from rackwright import run
    from rackwright.report.pairs import compare_replays, pairs_text

    pairs = compare_replays(run.load(first), run.load(second))
    if as_json:
        emit_json({name: found.record() for name, found in pairs.items()})
    else:
        emit(pairs_text(pairs, str(first), str(second), width()))
