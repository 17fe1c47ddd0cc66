"""``rackwright demo``: every system on its packaged sample, beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.cli.progress import progress
from rackwright.errors import Interrupted

if TYPE_CHECKING:
    from rackwright.replays import Replays

__all__ = ["demo"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def demo(as_json: bool, quiet: bool) -> None:
    """Replay every system on its packaged sample, beside its baselines.

    The first run compiles the systems' kernels, which takes a minute or so.
    """
    from rackwright import run
    from rackwright.models import registry
    from rackwright.replays import Replays

    done: dict[str, Replays] = {}
    try:
        with progress(quiet) as report:
            for name in registry.names():
                done[name] = run.replay_baselines(name, progress=report)
    except Interrupted as stop:
        if isinstance(stop.partial, Replays):
            done[stop.partial.result.system] = stop.partial
        _show(done, as_json)
        raise
    _show(done, as_json)


def _show(done: Mapping[str, Replays], as_json: bool) -> None:
    from rackwright.models import registry
    from rackwright.report.demo import demo_text

    if as_json:
        emit_json({name: found.record() for name, found in done.items()})
    elif done:
        emit(demo_text([(registry.get(name), found) for name, found in done.items()], width()))
