"""``rackwright demo``: every system on its packaged sample, beside its baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import click

from rackwright.cli.output import emit, emit_json, width
from rackwright.cli.progress import Report, progress
from rackwright.errors import Interrupted, RackwrightError

if TYPE_CHECKING:
    from rackwright.replays import Replays

__all__ = ["demo"]


@click.command()
@click.option("--jobs", type=click.IntRange(1), help="Systems replayed at once; as many as there "
              "are processors if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def demo(jobs: int | None, as_json: bool, quiet: bool) -> None:
    """Replay every system on its packaged sample, beside its baselines.

    The first run compiles the systems' kernels, which takes a minute or so.
    """
    from rackwright.beside import cores

    done: dict[str, Replays] = {}
    try:
        with progress(quiet) as report:
            _replay_all(done, jobs or cores(), report)
    except (Interrupted, KeyboardInterrupt):
        _show(done, as_json)
        raise
    _show(done, as_json)


def _replay_all(done: dict[str, Replays], jobs: int, report: Report | None) -> None:
    """Put each system's replays into `done` as they are there."""
    from rackwright.beside import Ended, side_by_side
    from rackwright.models import registry
    from rackwright.replays import Replays

    names = registry.names()
    if min(jobs, len(names)) == 1:
        _one_by_one(done, names, report)
        return

    def say(job: int, text: str) -> None:
        if report is not None:
            report(len(done), len(names), text)

    for number, item in side_by_side(replayed, names, jobs, say):
        if isinstance(item, Replays):
            done[names[number]] = item
        elif isinstance(item, Ended) and names[number] not in done:
            raise RackwrightError(f"the process that replayed {names[number]} ended early (exit "
                                  f"code {item.exit_code})")
        elif isinstance(item, str):
            raise RackwrightError(item)


def _one_by_one(done: dict[str, Replays], names: tuple[str, ...], report: Report | None) -> None:
    from rackwright import run
    from rackwright.replays import Replays

    try:
        for name in names:
            done[name] = run.replay_baselines(name, progress=report)
    except Interrupted as stop:
        if isinstance(stop.partial, Replays):
            done[stop.partial.result.system] = stop.partial
        raise


def replayed(name: str, tell: Callable[[str], None]) -> Iterator[Replays | str]:
    """A system's replays, or the text of what went wrong; runs in a process of its own."""
    from rackwright import run

    try:
        yield run.replay_baselines(name, progress=lambda done, total, text: tell(text))
    except RackwrightError as problem:
        yield str(problem)


def _show(done: Mapping[str, Replays], as_json: bool) -> None:
    """Systems by name, whichever was ready first."""
    from rackwright.models import registry
    from rackwright.report.demo import demo_text

    shown = {name: done[name] for name in sorted(done)}
    if as_json:
        emit_json({name: found.record() for name, found in shown.items()})
    elif shown:
        emit(demo_text([(registry.get(name), found) for name, found in shown.items()], width()))
